"""What a case is closed with: terms of the taxonomy, route, care for the adviser; and the fact row."""

from typing import Final

from sqlite_utils import Database

from handoff.migrations.register import migrations, run

FIRST_TERMS: Final = (
    ("reputation", "Posts criticising our staff or setting"),
    ("impersonation", "Fake or cloned account"),
    ("staff_abuse", "Abuse or harassment of staff"),
    ("cyberbullying", "Bullying between children"),
    ("nudes", "Nudes or semi-nudes of a child"),
    ("ai_imagery", "AI or edited sexual images"),
    ("sextortion", "Blackmail over nude images"),
    ("grooming", "An adult or stranger contacting a child"),
    ("sexual_harassment", "Sexual behaviour between children online"),
    ("harmful_content", "Seen porn, gore or upsetting content"),
    ("suicide_self_harm", "Suicide, self-harm or eating-disorder content"),
    ("challenges_hoaxes", "Viral challenge or scare"),
    ("extremism", "Extremism or radicalisation"),
    ("hate", "Hate or prejudice"),
    ("threats", "Threats, weapons or fights"),
    ("hacking", "Hacked account or pupil hacking"),
    ("scams", "Money: scams, gambling, spending"),
    ("privacy", "Photos, names or personal data online"),
    ("age_controls", "Age limits, settings, gaming, screen time"),
    ("ai_chatbots", "AI chatbots and companions"),
    ("staff_conduct", "Worry about an adult’s online conduct"),
    ("policy_filtering", "Policy, filtering, training, teaching"),
    ("reporting_help", "How to block, report or escalate"),
    ("illegal_content", "Came across illegal images"),
    ("immediate_danger", "Danger now"),
    ("child_contact", "Seems to be a child"),
    ("out_of_scope", "Not for us"),
)
"""The 24 types and three gates of the fact sheet (section 3.2), as version 1. What they are called now is in the
newest version, in the database."""


@migrations()
def taxonomy_versions(db: Database) -> None:
    """A version's terms are written first and its row seals them. `maps_to`: a living term's is its own code; a term
    retired by this version names the living term that takes its place, or nothing (NULL)."""
    run(
        db,
        """
        CREATE TABLE taxonomy (
            version INTEGER PRIMARY KEY,
            made_at INTEGER NOT NULL,
            made_by INTEGER REFERENCES adviser (id),
            why TEXT NOT NULL CONSTRAINT taxonomy_says_why CHECK (length(trim(why)) BETWEEN 1 AND 400)
        ) STRICT;
        CREATE TABLE taxonomy_term (
            version INTEGER NOT NULL,
            code TEXT NOT NULL CONSTRAINT term_is_a_code CHECK
                (length(code) <= 60 AND code GLOB '[a-z]*' AND NOT code GLOB '*[^a-z0-9_]*'),
            label TEXT NOT NULL CONSTRAINT term_has_a_label CHECK (length(trim(label)) BETWEEN 1 AND 80),
            maps_to TEXT,
            place INTEGER NOT NULL,
            PRIMARY KEY (version, code)
        ) STRICT, WITHOUT ROWID;
        """,
    )
    for place, (code, label) in enumerate(FIRST_TERMS, 1):
        db.execute("INSERT INTO taxonomy_term VALUES (1, ?1, ?2, ?1, ?3)", [code, label, place])
    run(
        db,
        """
        INSERT INTO taxonomy VALUES (1, CAST(strftime('%s', 'now') AS INTEGER) * 1000, NULL, 'The first list.');
        CREATE TRIGGER term_before_its_version BEFORE INSERT ON taxonomy_term
        WHEN NEW.version <> (SELECT max(version) + 1 FROM taxonomy)
        BEGIN SELECT RAISE(ABORT, 'term_before_its_version'); END;
        CREATE TRIGGER term_is_new BEFORE INSERT ON taxonomy_term
        WHEN EXISTS (SELECT 1 FROM taxonomy_term WHERE version = NEW.version AND code = NEW.code)
        BEGIN SELECT RAISE(ABORT, 'term_is_new'); END;
        CREATE TRIGGER term_maps_to_a_living_one BEFORE INSERT ON taxonomy_term
        WHEN NEW.maps_to <> NEW.code AND NOT EXISTS (SELECT 1 FROM taxonomy_term
            WHERE version = NEW.version AND code = NEW.maps_to AND maps_to = code)
        BEGIN SELECT RAISE(ABORT, 'term_maps_to_a_living_one'); END;
        CREATE TRIGGER term_is_kept BEFORE UPDATE ON taxonomy_term
        BEGIN SELECT RAISE(ABORT, 'term_is_kept'); END;
        CREATE TRIGGER term_stays BEFORE DELETE ON taxonomy_term
        BEGIN SELECT RAISE(ABORT, 'term_stays'); END;
        CREATE TRIGGER taxonomy_is_the_next BEFORE INSERT ON taxonomy
        WHEN NEW.version <> (SELECT max(version) + 1 FROM taxonomy) OR NEW.made_by IS NULL
        BEGIN SELECT RAISE(ABORT, 'taxonomy_is_the_next'); END;
        CREATE TRIGGER taxonomy_leaves_no_code_behind BEFORE INSERT ON taxonomy
        WHEN EXISTS (SELECT code FROM taxonomy_term WHERE version = NEW.version - 1 AND maps_to = code
            EXCEPT SELECT code FROM taxonomy_term WHERE version = NEW.version)
        BEGIN SELECT RAISE(ABORT, 'taxonomy_leaves_no_code_behind'); END;
        CREATE TRIGGER taxonomy_is_kept BEFORE UPDATE ON taxonomy
        BEGIN SELECT RAISE(ABORT, 'taxonomy_is_kept'); END;
        CREATE TRIGGER taxonomy_stays BEFORE DELETE ON taxonomy
        BEGIN SELECT RAISE(ABORT, 'taxonomy_stays'); END;
        CREATE TRIGGER taxonomy_made AFTER INSERT ON taxonomy
        BEGIN INSERT INTO event (kind, "case", adviser, at)
            VALUES ('taxonomy.made', NULL, NEW.made_by, NEW.made_at); END;
        """,
    )


@migrations()
def what_a_case_is_closed_with(db: Database) -> None:
    """Written by the holder in wrap-up, in the same transaction as the close; kept as it is from then on.

    `signposts` is a JSON array of codes.
    """
    run(
        db,
        """
        CREATE TABLE case_term (
            "case" INTEGER NOT NULL REFERENCES cases (id),
            term TEXT NOT NULL,
            is_primary INTEGER NOT NULL CONSTRAINT primary_is_yes_or_no CHECK (is_primary IN (0, 1)),
            taxonomy INTEGER NOT NULL,
            PRIMARY KEY ("case", term),
            FOREIGN KEY (taxonomy, term) REFERENCES taxonomy_term (version, code)
        ) STRICT, WITHOUT ROWID;
        CREATE UNIQUE INDEX one_primary_term ON case_term ("case") WHERE is_primary;
        CREATE TABLE closing (
            "case" INTEGER PRIMARY KEY REFERENCES cases (id),
            adviser INTEGER NOT NULL REFERENCES adviser (id),
            role TEXT,
            setting TEXT,
            nation TEXT CONSTRAINT closing_knows_the_nation CHECK
                (nation IN ('england', 'wales', 'scotland', 'northern_ireland')),
            platform TEXT,
            route TEXT,
            escalation TEXT CONSTRAINT known_escalation CHECK (escalation IN ('needed', 'clarified', 'not_a_question')),
            knew_tools TEXT CONSTRAINT known_knowledge CHECK (knew_tools IN ('yes', 'no')),
            urls INTEGER CONSTRAINT urls_in_reason CHECK (urls BETWEEN 0 AND 1000),
            signposts TEXT NOT NULL CONSTRAINT signposts_are_codes CHECK
                (json_valid(signposts) AND NOT signposts GLOB '*[^][",a-z0-9_-]*'),
            follow_up INTEGER NOT NULL CONSTRAINT follow_up_is_yes_or_no CHECK (follow_up IN (0, 1)),
            feedback INTEGER NOT NULL CONSTRAINT feedback_is_yes_or_no CHECK (feedback IN (0, 1)),
            at INTEGER NOT NULL,
            CONSTRAINT closing_in_codes CHECK (NOT (coalesce(role, '') || coalesce(setting, '')
                || coalesce(platform, '') || coalesce(route, '')) GLOB '*[^a-z0-9_.-]*')
        ) STRICT;

        CREATE TRIGGER case_term_in_wrap_up BEFORE INSERT ON case_term
        WHEN EXISTS (SELECT 1 FROM case_term WHERE "case" = NEW."case" AND (term = NEW.term
                OR (is_primary AND NEW.is_primary)))
            OR NOT EXISTS (SELECT 1 FROM queue_item WHERE "case" = NEW."case" AND state = 'wrap_up')
        BEGIN SELECT RAISE(ABORT, 'case_term_in_wrap_up'); END;
        CREATE TRIGGER case_term_lives BEFORE INSERT ON case_term
        WHEN NEW.taxonomy <> (SELECT max(version) FROM taxonomy) OR NOT EXISTS (SELECT 1 FROM taxonomy_term
            WHERE version = NEW.taxonomy AND code = NEW.term AND maps_to = code)
        BEGIN SELECT RAISE(ABORT, 'case_term_lives'); END;
        CREATE TRIGGER case_term_is_kept BEFORE UPDATE ON case_term
        BEGIN SELECT RAISE(ABORT, 'case_term_is_kept'); END;
        CREATE TRIGGER case_term_stays_with_its_case BEFORE DELETE ON case_term
        WHEN EXISTS (SELECT 1 FROM queue_item WHERE "case" = OLD."case")
        BEGIN SELECT RAISE(ABORT, 'case_term_stays_with_its_case'); END;
        CREATE TRIGGER closing_in_wrap_up BEFORE INSERT ON closing
        WHEN EXISTS (SELECT 1 FROM closing WHERE "case" = NEW."case") OR NOT EXISTS (SELECT 1 FROM queue_item
            WHERE "case" = NEW."case" AND state = 'wrap_up' AND holder = NEW.adviser)
        BEGIN SELECT RAISE(ABORT, 'closing_in_wrap_up'); END;
        CREATE TRIGGER closing_is_kept BEFORE UPDATE ON closing
        BEGIN SELECT RAISE(ABORT, 'closing_is_kept'); END;
        CREATE TRIGGER closing_stays_with_its_case BEFORE DELETE ON closing
        WHEN EXISTS (SELECT 1 FROM queue_item WHERE "case" = OLD."case")
        BEGIN SELECT RAISE(ABORT, 'closing_stays_with_its_case'); END;
        CREATE TRIGGER queue_item_closed_as_its_term BEFORE UPDATE OF state ON queue_item
        WHEN NEW.state = 'done' AND EXISTS (SELECT 1 FROM case_term WHERE "case" = NEW."case")
            AND NEW.issue IS NOT (SELECT term FROM case_term WHERE "case" = NEW."case" AND is_primary)
        BEGIN SELECT RAISE(ABORT, 'queue_item_closed_as_its_term'); END;
        """,
    )


@migrations()
def care_for_advisers(db: Database) -> None:
    """How heavy a case was, and who would like to talk: for the adviser and the leads. The events name nobody."""
    run(
        db,
        """
        CREATE TABLE debrief (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            "case" INTEGER,
            adviser INTEGER NOT NULL REFERENCES adviser (id),
            weight INTEGER CONSTRAINT weight_in_five CHECK (weight BETWEEN 1 AND 5),
            wants_talk INTEGER NOT NULL CONSTRAINT wants_talk_is_yes_or_no CHECK (wants_talk IN (0, 1)),
            at INTEGER NOT NULL,
            talked_at INTEGER,
            talked_with INTEGER REFERENCES adviser (id),
            CONSTRAINT debrief_says_something CHECK (weight IS NOT NULL OR wants_talk = 1),
            CONSTRAINT talked_at_with_somebody CHECK ((talked_at IS NULL) = (talked_with IS NULL)),
            CONSTRAINT talked_with_another CHECK (talked_with IS NULL OR talked_with <> adviser)
        ) STRICT;
        CREATE INDEX debrief_of ON debrief (adviser, at);
        CREATE INDEX debrief_asked ON debrief (at) WHERE wants_talk AND talked_at IS NULL;
        CREATE INDEX event_taken ON event (adviser, at) WHERE kind IN ('case.claimed', 'case.accepted');

        CREATE TRIGGER debrief_is_new BEFORE INSERT ON debrief
        WHEN NEW.talked_at IS NOT NULL OR EXISTS (SELECT 1 FROM debrief WHERE id = NEW.id)
        BEGIN SELECT RAISE(ABORT, 'debrief_is_new'); END;
        CREATE TRIGGER debrief_is_kept BEFORE UPDATE ON debrief
        WHEN NOT (NEW.id IS OLD.id AND NEW."case" IS OLD."case" AND NEW.adviser IS OLD.adviser
            AND NEW.weight IS OLD.weight AND NEW.wants_talk IS OLD.wants_talk AND NEW.at IS OLD.at)
            OR OLD.talked_at IS NOT NULL OR NOT OLD.wants_talk
        BEGIN SELECT RAISE(ABORT, 'debrief_is_kept'); END;
        CREATE TRIGGER debrief_is_kept_while_asked BEFORE DELETE ON debrief
        WHEN OLD.wants_talk AND OLD.talked_at IS NULL
        BEGIN SELECT RAISE(ABORT, 'debrief_is_kept_while_asked'); END;
        CREATE TRIGGER debrief_told AFTER INSERT ON debrief
        BEGIN INSERT INTO event (kind, "case", adviser, at) VALUES ('care.noted', NULL, NULL, NEW.at); END;
        CREATE TRIGGER debrief_was_talked_over AFTER UPDATE ON debrief
        BEGIN INSERT INTO event (kind, "case", adviser, at) VALUES ('care.talked', NULL, NULL, NEW.talked_at); END;
        """,
    )


@migrations()
def facts_in_full(db: Database) -> None:
    """What the adviser confirmed goes before what the bot heard. Practice leaves no fact.

    `concerns` and `signposts` are JSON arrays of codes, the primary concern first. `is_return`: the same conversation
    had a case before. `taxonomy`: the version `issue` and `concerns` are of.
    """
    run(
        db,
        """
        ALTER TABLE case_facts ADD COLUMN taxonomy INTEGER;
        ALTER TABLE case_facts ADD COLUMN concerns TEXT;
        ALTER TABLE case_facts ADD COLUMN lane TEXT;
        ALTER TABLE case_facts ADD COLUMN setting TEXT;
        ALTER TABLE case_facts ADD COLUMN route TEXT;
        ALTER TABLE case_facts ADD COLUMN escalation TEXT;
        ALTER TABLE case_facts ADD COLUMN knew_tools TEXT;
        ALTER TABLE case_facts ADD COLUMN urls INTEGER;
        ALTER TABLE case_facts ADD COLUMN signposts TEXT;
        ALTER TABLE case_facts ADD COLUMN follow_up INTEGER;
        ALTER TABLE case_facts ADD COLUMN feedback INTEGER;
        ALTER TABLE case_facts ADD COLUMN is_return INTEGER;
        DROP TRIGGER queue_item_becomes_a_fact;
        CREATE TRIGGER queue_item_becomes_a_fact AFTER UPDATE OF state ON queue_item
        WHEN NEW.state IN ('done', 'abandoned') AND OLD.state NOT IN ('done', 'abandoned') AND NEW.conversation > 0
        BEGIN
            INSERT INTO case_facts (period, hour, channel, role, nation, concern, platform, language, library, reason,
                tier, issue, outcome, claim_wait_s, answer_wait_s, handling_s, answered_in_time, put_back,
                taxonomy, concerns, lane, setting, route, escalation, knew_tools, urls, signposts, follow_up, feedback,
                is_return)
            SELECT opened_on, opened_hour, channel, coalesce(closing.role, cases.role),
                coalesce(closing.nation, cases.nation), concern, coalesce(closing.platform, cases.platform), language,
                library, reason, NEW.tier, NEW.issue, coalesce(NEW.outcome, 'left'),
                (NEW.first_claimed_at - opened_at) / 1000, (NEW.first_answer_at - opened_at) / 1000,
                (NEW.moved_at - NEW.first_claimed_at) / 1000, NEW.first_answer_at <= NEW.due_at, NEW.put_back,
                coalesce((SELECT max(taxonomy) FROM case_term WHERE "case" = NEW."case"),
                    (SELECT max(version) FROM taxonomy)),
                CASE WHEN NEW.issue IS NOT NULL THEN coalesce((SELECT json_group_array(term) FROM (SELECT term
                    FROM case_term WHERE "case" = NEW."case" ORDER BY is_primary DESC, term) HAVING count(*) > 0),
                    json_array(NEW.issue)) END,
                NEW.lane, setting, route, escalation, knew_tools, urls, signposts, follow_up, feedback,
                EXISTS (SELECT 1 FROM cases AS before WHERE before.conversation = cases.conversation
                    AND before.id < cases.id)
            FROM cases LEFT JOIN closing ON closing."case" = cases.id WHERE cases.id = NEW."case";
        END;
        """,
    )
