"""Facts of contacts: how enquirers got on with the bot, in codes and apart from people."""

from sqlite_utils import Database

from handoff.migrations.register import migrations, run


@migrations()
def contact_facts(db: Database) -> None:
    """A contact: what one enquirer said and heard until nothing more was said for as long as words are kept.

    `contact_facts`: one row for each, made at its first turn. `contact_now` says which conversation's contact still
    goes on, and where it stands; with its row gone, the fact is apart from the person and is never changed again.
    `concerns` is a JSON array of codes, the primary first: what they came with; `platform` belongs to that one.
    `stood`: how it stands, or ended. `advised`: the gravest outcome of the pages shown.
    Counts by day, with nothing of who: `step_count` how often a step that waits or shows a page was reached, and how
    often whoever reached it then left; `page_count` how often a page was shown and what was said of it afterwards;
    `miss_count` what no flow took. `last`, `helped`, `partly` and `not_helped` are counted on the day on which the step
    was reached or the page shown, so that they never exceed `reached` and `shown`.
    In `contact_now`, `since` and `at` are its first and latest turn (ms), `day` when the step was reached.
    `contact_turn` holds what a turn showed, in codes, from the turn's own write until it is counted, seconds later.
    """
    run(
        db,
        """
        CREATE TABLE contact_facts (
            id INTEGER PRIMARY KEY,
            period TEXT NOT NULL CONSTRAINT contact_period_is_a_day CHECK (period IS date(period)),
            hour INTEGER NOT NULL CONSTRAINT contact_hour_of_day CHECK (hour BETWEEN 0 AND 23),
            channel TEXT NOT NULL,
            language TEXT NOT NULL,
            library TEXT NOT NULL,
            is_return INTEGER NOT NULL CONSTRAINT contact_return_is_yes_or_no CHECK (is_return IN (0, 1)),
            role TEXT,
            nation TEXT CONSTRAINT contact_knows_the_nation CHECK
                (nation IN ('england', 'wales', 'scotland', 'northern_ireland')),
            concern TEXT,
            concerns TEXT CONSTRAINT contact_concerns_are_codes CHECK
                (concerns IS NULL OR (json_valid(concerns) AND NOT concerns GLOB '*[^][",a-z0-9_-]*')),
            platform TEXT,
            turns INTEGER NOT NULL DEFAULT 0,
            misses INTEGER NOT NULL DEFAULT 0,
            danger INTEGER NOT NULL DEFAULT 0 CONSTRAINT contact_danger_is_yes_or_no CHECK (danger IN (0, 1)),
            advised TEXT CONSTRAINT contact_known_advice CHECK
                (advised IN ('emergency', 'refer_today', 'tell_lead', 'handle', 'information')),
            knew_tools TEXT CONSTRAINT contact_known_knowledge CHECK (knew_tools IN ('yes', 'no')),
            helped TEXT CONSTRAINT contact_known_help CHECK (helped IN ('yes', 'partly', 'no')),
            stood TEXT NOT NULL DEFAULT 'begun' CONSTRAINT contact_known_standing CHECK
                (stood IN ('begun', 'advised', 'handed_over', 'finished', 'stopped', 'child', 'wrong_place')),
            CONSTRAINT contact_in_codes CHECK (NOT (channel || language || coalesce(role, '') || coalesce(concern, '')
                || coalesce(platform, '')) GLOB '*[^a-zA-Z0-9_.-]*')
        ) STRICT;
        CREATE INDEX contact_facts_period ON contact_facts (period);
        CREATE TABLE contact_now (
            conversation INTEGER PRIMARY KEY CONSTRAINT contact_is_real CHECK (conversation > 0),
            fact INTEGER NOT NULL REFERENCES contact_facts (id),
            since INTEGER NOT NULL,
            at INTEGER NOT NULL,
            flow TEXT,
            step TEXT,
            day TEXT,
            CONSTRAINT contact_stands_somewhere CHECK
                ((flow IS NULL) = (step IS NULL) AND (flow IS NULL) = (day IS NULL))
        ) STRICT;
        CREATE UNIQUE INDEX contact_now_once ON contact_now (fact);
        CREATE TABLE contact_turn (
            seq INTEGER PRIMARY KEY,
            conversation INTEGER NOT NULL CONSTRAINT contact_turn_is_real CHECK (conversation > 0),
            at INTEGER NOT NULL,
            shows TEXT NOT NULL
        ) STRICT;
        CREATE TABLE step_count (
            day TEXT NOT NULL CONSTRAINT step_count_of_a_day CHECK (day IS date(day)),
            flow TEXT NOT NULL,
            step TEXT NOT NULL,
            reached INTEGER NOT NULL DEFAULT 0,
            last INTEGER NOT NULL DEFAULT 0,
            PRIMARY KEY (day, flow, step),
            CONSTRAINT who_leaves_was_there CHECK (last BETWEEN 0 AND reached)
        ) STRICT, WITHOUT ROWID;
        CREATE TABLE page_count (
            day TEXT NOT NULL CONSTRAINT page_count_of_a_day CHECK (day IS date(day)),
            page TEXT NOT NULL,
            shown INTEGER NOT NULL DEFAULT 0,
            helped INTEGER NOT NULL DEFAULT 0,
            partly INTEGER NOT NULL DEFAULT 0,
            not_helped INTEGER NOT NULL DEFAULT 0,
            PRIMARY KEY (day, page),
            CONSTRAINT only_what_was_shown_helps CHECK (helped + partly + not_helped <= shown)
        ) STRICT, WITHOUT ROWID;
        CREATE TABLE miss_count (
            day TEXT NOT NULL CONSTRAINT miss_count_of_a_day CHECK (day IS date(day)),
            kind TEXT NOT NULL CONSTRAINT known_miss CHECK (kind IN ('not_understood', 'no_page', 'out_of_scope')),
            about TEXT NOT NULL,
            platform TEXT NOT NULL,
            step TEXT NOT NULL,
            times INTEGER NOT NULL DEFAULT 0,
            PRIMARY KEY (day, kind, about, platform, step),
            CONSTRAINT miss_in_codes CHECK (NOT (about || platform) GLOB '*[^a-z0-9_.-]*')
        ) STRICT, WITHOUT ROWID;

        CREATE TRIGGER contact_fact_is_new BEFORE INSERT ON contact_facts
        WHEN EXISTS (SELECT 1 FROM contact_facts WHERE id = NEW.id)
        BEGIN SELECT RAISE(ABORT, 'contact_fact_is_new'); END;
        CREATE TRIGGER contact_fact_is_kept BEFORE UPDATE ON contact_facts
        WHEN NOT EXISTS (SELECT 1 FROM contact_now WHERE fact = OLD.id)
            OR NEW.id <> OLD.id OR NEW.period <> OLD.period OR NEW.hour <> OLD.hour OR NEW.is_return <> OLD.is_return
        BEGIN SELECT RAISE(ABORT, 'contact_fact_is_kept'); END;
        CREATE TRIGGER contact_is_over BEFORE INSERT ON contact_now
        WHEN (SELECT turns FROM contact_facts WHERE id = NEW.fact) > 0
        BEGIN SELECT RAISE(ABORT, 'contact_is_over'); END;
        CREATE TRIGGER contact_is_of_one BEFORE UPDATE ON contact_now
        WHEN NEW.conversation <> OLD.conversation OR NEW.fact <> OLD.fact OR NEW.since <> OLD.since
        BEGIN SELECT RAISE(ABORT, 'contact_is_of_one'); END;
        CREATE TRIGGER contact_fact_stays BEFORE DELETE ON contact_facts
        BEGIN SELECT RAISE(ABORT, 'contact_fact_stays'); END;
        """,
    )
