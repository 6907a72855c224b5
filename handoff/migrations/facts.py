"""What the report needs beside the facts of cases: takedowns apart from people, scope in law, how much advisers did."""

from sqlite_utils import Database

from handoff.migrations.register import migrations, run


@migrations()
def takedown_facts(db: Database) -> None:
    """`takedown_facts`: one row for each takedown, without its link, its case or who did it; kept up by triggers.

    `takedown` leads to the takedown itself while that is kept, and empties by itself when it is deleted; from then on
    the fact is never changed again. `period` is the local day on which it was added (UTC's for those from before this
    migration). `concern`: what the case was heard as, then what it was closed as. `reported`: by the enquirer or by
    us. `hours`: whole hours from the first report until it was seen to be gone; NULL while it is not removed.
    """
    run(
        db,
        """
        ALTER TABLE takedown ADD COLUMN added_on TEXT
            CONSTRAINT takedown_added_on_a_day CHECK (added_on IS date(added_on));
        CREATE TABLE takedown_facts (
            id INTEGER PRIMARY KEY,
            period TEXT NOT NULL CONSTRAINT takedown_fact_of_a_day CHECK (period IS date(period)),
            platform TEXT NOT NULL,
            what TEXT NOT NULL,
            nation TEXT,
            concern TEXT,
            stage TEXT,
            reported INTEGER NOT NULL DEFAULT 0,
            on_behalf INTEGER NOT NULL DEFAULT 0,
            hours INTEGER,
            within_72 INTEGER,
            takedown INTEGER REFERENCES takedown (id) ON DELETE SET NULL,
            CONSTRAINT takedown_fact_in_codes CHECK (NOT (platform || what || coalesce(nation, '')
                || coalesce(concern, '') || coalesce(stage, '')) GLOB '*[^a-z0-9_.-]*'),
            CONSTRAINT takedown_fact_is_yes_or_no CHECK
                (reported IN (0, 1) AND on_behalf IN (0, 1) AND coalesce(within_72, 0) IN (0, 1)),
            CONSTRAINT hours_once_removed CHECK ((hours IS NULL) = (within_72 IS NULL))
        ) STRICT;
        CREATE INDEX takedown_facts_period ON takedown_facts (period);
        CREATE UNIQUE INDEX takedown_fact_once ON takedown_facts (takedown) WHERE takedown IS NOT NULL;

        CREATE TRIGGER takedown_day_is_kept BEFORE UPDATE OF added_on ON takedown
        WHEN NEW.added_on IS NOT OLD.added_on
        BEGIN SELECT RAISE(ABORT, 'takedown_day_is_kept'); END;
        CREATE TRIGGER takedown_becomes_a_fact AFTER INSERT ON takedown
        WHEN EXISTS (SELECT 1 FROM cases WHERE id = NEW."case" AND conversation > 0)
        BEGIN
            INSERT INTO takedown_facts (period, platform, what, nation, concern, takedown)
            SELECT coalesce(NEW.added_on, date(NEW.added_at / 1000, 'unixepoch')), NEW.platform, NEW.what,
                coalesce(closing.nation, cases.nation), coalesce(queue_item.issue, cases.concern), NEW.id
              FROM cases LEFT JOIN queue_item ON queue_item."case" = cases.id
                LEFT JOIN closing ON closing."case" = cases.id
             WHERE cases.id = NEW."case";
        END;
        CREATE TRIGGER takedown_fact_follows AFTER INSERT ON takedown_step
        BEGIN
            UPDATE takedown_facts SET stage = NEW.stage,
                reported = max(reported, NEW.stage IN ('reported', 'on_behalf')),
                on_behalf = max(on_behalf, NEW.stage = 'on_behalf'),
                hours = (SELECT (NEW.at - min(at)) / 3600000 FROM takedown_step WHERE takedown = NEW.takedown
                    AND stage IN ('reported', 'on_behalf') AND NEW.stage = 'removed'),
                within_72 = (SELECT NEW.at - min(at) <= 259200000 FROM takedown_step WHERE takedown = NEW.takedown
                    AND stage IN ('reported', 'on_behalf') AND NEW.stage = 'removed')
             WHERE takedown = NEW.takedown;
        END;
        CREATE TRIGGER takedown_fact_follows_the_issue AFTER UPDATE OF issue ON queue_item
        WHEN NEW.issue IS NOT OLD.issue AND NEW.issue IS NOT NULL
        BEGIN
            UPDATE takedown_facts SET concern = NEW.issue
             WHERE takedown IN (SELECT id FROM takedown WHERE "case" = NEW."case");
        END;
        CREATE TRIGGER takedown_fact_follows_the_closing AFTER INSERT ON closing WHEN NEW.nation IS NOT NULL
        BEGIN
            UPDATE takedown_facts SET nation = NEW.nation
             WHERE takedown IN (SELECT id FROM takedown WHERE "case" = NEW."case");
        END;
        CREATE TRIGGER takedown_fact_is_new BEFORE INSERT ON takedown_facts
        WHEN EXISTS (SELECT 1 FROM takedown_facts WHERE id = NEW.id OR takedown = NEW.takedown)
        BEGIN SELECT RAISE(ABORT, 'takedown_fact_is_new'); END;
        CREATE TRIGGER takedown_fact_is_kept BEFORE UPDATE ON takedown_facts
        WHEN OLD.takedown IS NULL OR (NEW.takedown IS NOT NULL AND NEW.takedown <> OLD.takedown)
            OR NEW.id <> OLD.id OR NEW.period <> OLD.period OR NEW.platform <> OLD.platform OR NEW.what <> OLD.what
        BEGIN SELECT RAISE(ABORT, 'takedown_fact_is_kept'); END;
        CREATE TRIGGER takedown_fact_stays BEFORE DELETE ON takedown_facts
        BEGIN SELECT RAISE(ABORT, 'takedown_fact_stays'); END;

        INSERT INTO takedown_facts (period, platform, what, nation, concern, stage, reported, on_behalf, takedown)
        SELECT date(added_at / 1000, 'unixepoch'), t.platform, what, coalesce(closing.nation, cases.nation),
            coalesce(queue_item.issue, cases.concern),
            (SELECT stage FROM takedown_step WHERE takedown = t.id ORDER BY seq DESC LIMIT 1),
            EXISTS (SELECT 1 FROM takedown_step WHERE takedown = t.id AND stage IN ('reported', 'on_behalf')),
            EXISTS (SELECT 1 FROM takedown_step WHERE takedown = t.id AND stage = 'on_behalf'), t.id
          FROM takedown t JOIN cases ON cases.id = t."case" LEFT JOIN queue_item ON queue_item."case" = cases.id
            LEFT JOIN closing ON closing."case" = cases.id
         WHERE cases.conversation > 0;
        UPDATE takedown_facts SET
            hours = ((SELECT max(at) FROM takedown_step s WHERE s.takedown = takedown_facts.takedown)
                - (SELECT min(at) FROM takedown_step s WHERE s.takedown = takedown_facts.takedown
                    AND stage IN ('reported', 'on_behalf'))) / 3600000,
            within_72 = (SELECT max(at) FROM takedown_step s WHERE s.takedown = takedown_facts.takedown)
                - (SELECT min(at) FROM takedown_step s WHERE s.takedown = takedown_facts.takedown
                    AND stage IN ('reported', 'on_behalf')) <= 259200000
         WHERE stage = 'removed' AND reported;
        """,
    )


@migrations()
def scope_in_law(db: Database) -> None:
    """Would the Online Safety Act's duties reach this content? As the adviser judged; NULL: not asked."""
    run(
        db,
        """
        ALTER TABLE closing ADD COLUMN scope TEXT CONSTRAINT known_scope CHECK
            (scope IN ('in_scope', 'out_of_scope', 'not_sure'));
        ALTER TABLE case_facts ADD COLUMN scope TEXT;
        DROP TRIGGER queue_item_becomes_a_fact;
        CREATE TRIGGER queue_item_becomes_a_fact AFTER UPDATE OF state ON queue_item
        WHEN NEW.state IN ('done', 'abandoned') AND OLD.state NOT IN ('done', 'abandoned') AND NEW.conversation > 0
        BEGIN
            INSERT INTO case_facts (period, hour, channel, role, nation, concern, platform, language, library, reason,
                tier, issue, outcome, claim_wait_s, answer_wait_s, handling_s, answered_in_time, put_back,
                taxonomy, concerns, lane, setting, route, escalation, knew_tools, urls, signposts, follow_up, feedback,
                is_return, scope)
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
                    AND before.id < cases.id), scope
            FROM cases LEFT JOIN closing ON closing."case" = cases.id WHERE cases.id = NEW."case";
        END;
        """,
    )


@migrations()
def adviser_load(db: Database) -> None:
    """How many cases each account closed in a month, and how long it had them. A month, and not a day, so that no row
    can be laid beside the fact of one case.

    `month` is the one the case was opened in, as in its fact. `handled_s`: from the first claim to the close, on the
    wall.
    """
    run(
        db,
        """
        CREATE TABLE adviser_load (
            month TEXT NOT NULL CONSTRAINT load_of_a_month CHECK (month || '-01' IS date(month || '-01')),
            adviser INTEGER NOT NULL REFERENCES adviser (id),
            closed INTEGER NOT NULL,
            handled_s INTEGER NOT NULL,
            PRIMARY KEY (month, adviser)
        ) STRICT, WITHOUT ROWID;
        CREATE TRIGGER load_is_added_to AFTER UPDATE OF state ON queue_item
        WHEN NEW.state = 'done' AND OLD.state NOT IN ('done', 'abandoned') AND NEW.conversation > 0
            AND NEW.moved_by IS NOT NULL
        BEGIN
            INSERT INTO adviser_load (month, adviser, closed, handled_s)
            SELECT substr(opened_on, 1, 7), NEW.moved_by, 1,
                coalesce((NEW.moved_at - NEW.first_claimed_at) / 1000, 0)
              FROM cases WHERE id = NEW."case"
            ON CONFLICT (month, adviser) DO UPDATE
                SET closed = closed + 1, handled_s = handled_s + excluded.handled_s;
        END;
        CREATE TRIGGER load_only_grows BEFORE UPDATE ON adviser_load
        WHEN NEW.month <> OLD.month OR NEW.adviser <> OLD.adviser OR NEW.closed < OLD.closed
            OR NEW.handled_s < OLD.handled_s
        BEGIN SELECT RAISE(ABORT, 'load_only_grows'); END;
        CREATE TRIGGER load_stays BEFORE DELETE ON adviser_load
        BEGIN SELECT RAISE(ABORT, 'load_stays'); END;

        INSERT INTO adviser_load (month, adviser, closed, handled_s)
        SELECT substr(opened_on, 1, 7), moved_by, count(*),
            coalesce(sum((moved_at - first_claimed_at) / 1000), 0)
          FROM cases JOIN queue_item ON queue_item."case" = cases.id
         WHERE state = 'done' AND cases.conversation > 0 AND moved_by IS NOT NULL
         GROUP BY 1, 2;
        """,
    )
