"""Tasks, takedowns step by step, reminders that reach the enquirer."""

from sqlite_utils import Database

from handoff.migrations.register import migrations, run


@migrations()
def tasks_and_takedowns(db: Database) -> None:
    """`takedown`: one thing reported to a platform; `takedown_step`: what became of it, added to and never changed.
    `task`: what must be done for a case by when. `reminder`: what the bot is to ask an enquirer, once.

    A step's `at` is when it happened, `written_at` when it was written down. `who` did it; `adviser` wrote it down.
    """
    run(
        db,
        """
        CREATE TABLE takedown (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            "case" INTEGER NOT NULL REFERENCES cases (id),
            seq INTEGER NOT NULL,
            platform TEXT NOT NULL CONSTRAINT takedown_platform_is_a_code CHECK
                (length(platform) BETWEEN 1 AND 40 AND NOT platform GLOB '*[^a-z0-9_]*'),
            what TEXT NOT NULL CONSTRAINT known_thing CHECK
                (what IN ('post', 'account', 'video', 'comment', 'image', 'group', 'other')),
            link BLOB,
            added_by INTEGER NOT NULL REFERENCES adviser (id),
            added_at INTEGER NOT NULL,
            client_id TEXT NOT NULL CONSTRAINT takedown_client_id_is_short CHECK (length(client_id) BETWEEN 1 AND 64),
            CONSTRAINT takedown_seq_once UNIQUE ("case", seq),
            CONSTRAINT takedown_client_id_once UNIQUE ("case", client_id)
        ) STRICT;
        CREATE TABLE takedown_step (
            takedown INTEGER NOT NULL REFERENCES takedown (id),
            seq INTEGER NOT NULL,
            stage TEXT NOT NULL CONSTRAINT known_stage CHECK (stage IN ('guided', 'reported', 'asked', 'still_up',
                'unsure', 'on_behalf', 'asked_again', 'removed', 'partly', 'not_removed', 'withdrawn', 'not_known')),
            who TEXT NOT NULL CONSTRAINT known_doer CHECK (who IN ('enquirer', 'adviser', 'clock')),
            adviser INTEGER REFERENCES adviser (id),
            reference BLOB,
            at INTEGER NOT NULL,
            written_at INTEGER NOT NULL,
            PRIMARY KEY (takedown, seq),
            CONSTRAINT step_of_an_adviser_names_them CHECK (who <> 'adviser' OR adviser IS NOT NULL),
            CONSTRAINT clock_only_asks CHECK
                (who <> 'clock' OR (adviser IS NULL AND stage IN ('asked', 'asked_again'))),
            CONSTRAINT we_ask_on_behalf CHECK (stage <> 'on_behalf' OR who = 'adviser'),
            CONSTRAINT step_has_happened CHECK (at <= written_at),
            CONSTRAINT reference_of_a_report CHECK (reference IS NULL OR stage IN ('reported', 'on_behalf'))
        ) STRICT, WITHOUT ROWID;
        CREATE TABLE task (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            "case" INTEGER NOT NULL REFERENCES cases (id),
            seq INTEGER NOT NULL,
            kind TEXT NOT NULL CONSTRAINT task_kind_is_a_code CHECK
                (length(kind) BETWEEN 1 AND 40 AND NOT kind GLOB '*[^a-z_]*'),
            words BLOB,
            takedown INTEGER REFERENCES takedown (id),
            assignee INTEGER REFERENCES adviser (id),
            due_at INTEGER NOT NULL,
            state TEXT NOT NULL CONSTRAINT known_task_state CHECK (state IN ('open', 'done', 'dropped')),
            version INTEGER NOT NULL DEFAULT 0,
            move TEXT,
            moved_by INTEGER REFERENCES adviser (id),
            moved_at INTEGER NOT NULL,
            added_by INTEGER REFERENCES adviser (id),
            added_at INTEGER NOT NULL,
            client_id TEXT CONSTRAINT task_client_id_is_short CHECK (length(client_id) BETWEEN 1 AND 64),
            CONSTRAINT task_seq_once UNIQUE ("case", seq)
        ) STRICT;
        CREATE INDEX task_open ON task (due_at) WHERE state = 'open';
        CREATE INDEX task_of_case ON task ("case", client_id);
        CREATE TABLE reminder (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            "case" INTEGER NOT NULL REFERENCES cases (id),
            conversation INTEGER NOT NULL CONSTRAINT reminder_reaches_somebody CHECK (conversation > 0),
            kind TEXT NOT NULL CONSTRAINT known_reminder CHECK (kind IN ('still_up', 'task')),
            takedown INTEGER REFERENCES takedown (id),
            task INTEGER REFERENCES task (id),
            due_at INTEGER NOT NULL,
            made_by INTEGER REFERENCES adviser (id),
            made_at INTEGER NOT NULL,
            sent_at INTEGER,
            answered_at INTEGER,
            answer TEXT CONSTRAINT known_answer CHECK (answer IN ('gone', 'still_up', 'not_sure', 'done', 'not_yet')),
            dropped_at INTEGER,
            dropped_for TEXT CONSTRAINT known_drop CHECK
                (dropped_for IN ('settled', 'replaced', 'left', 'child', 'cannot_ask')),
            CONSTRAINT reminder_is_about_one_thing CHECK
                ((kind = 'still_up') = (takedown IS NOT NULL) AND (kind = 'task') = (task IS NOT NULL)),
            CONSTRAINT answered_once_sent CHECK (answered_at IS NULL OR sent_at IS NOT NULL),
            CONSTRAINT answered_with_an_answer CHECK ((answered_at IS NULL) = (answer IS NULL)),
            CONSTRAINT dropped_for_a_reason CHECK ((dropped_at IS NULL) = (dropped_for IS NULL)),
            CONSTRAINT answered_or_dropped CHECK (answered_at IS NULL OR dropped_at IS NULL)
        ) STRICT;
        CREATE UNIQUE INDEX one_open_reminder ON reminder (kind, coalesce(takedown, task))
            WHERE answered_at IS NULL AND dropped_at IS NULL;
        CREATE INDEX reminder_of_takedown ON reminder (takedown) WHERE takedown IS NOT NULL;
        CREATE INDEX reminder_of_task ON reminder (task) WHERE task IS NOT NULL;
        CREATE INDEX task_of_takedown ON task (takedown) WHERE takedown IS NOT NULL;
        CREATE INDEX reminder_due ON reminder (due_at) WHERE sent_at IS NULL AND dropped_at IS NULL;
        CREATE INDEX reminder_unanswered ON reminder (conversation)
            WHERE sent_at IS NOT NULL AND answered_at IS NULL AND dropped_at IS NULL;
        """,
    )


@migrations()
def task_and_takedown_rules(db: Database) -> None:
    """Which step may follow which, and what stays as it was written. 48 and 72 hours are time on the wall."""
    run(
        db,
        """
        CREATE TRIGGER takedown_is_new BEFORE INSERT ON takedown
        WHEN NEW.seq <> (SELECT coalesce(max(seq), 0) + 1 FROM takedown WHERE "case" = NEW."case")
            OR EXISTS (SELECT 1 FROM takedown WHERE id = NEW.id)
            OR EXISTS (SELECT 1 FROM takedown WHERE "case" = NEW."case" AND client_id = NEW.client_id)
        BEGIN SELECT RAISE(ABORT, 'takedown_is_new'); END;
        CREATE TRIGGER takedown_no_link_to_an_image BEFORE INSERT ON takedown
        WHEN NEW.link IS NOT NULL AND EXISTS (SELECT 1 FROM cases LEFT JOIN queue_item ON queue_item."case" = cases.id
            WHERE cases.id = NEW."case" AND (cases.concern IN ('nudes', 'ai_imagery', 'illegal_content')
                OR queue_item.issue IN ('nudes', 'ai_imagery', 'illegal_content')
                OR EXISTS (SELECT 1 FROM case_term WHERE "case" = cases.id
                    AND term IN ('nudes', 'ai_imagery', 'illegal_content'))))
        BEGIN SELECT RAISE(ABORT, 'takedown_no_link_to_an_image'); END;
        CREATE TRIGGER takedown_link_goes_with_the_issue AFTER UPDATE OF issue ON queue_item
        WHEN NEW.issue IN ('nudes', 'ai_imagery', 'illegal_content')
        BEGIN UPDATE takedown SET link = NULL WHERE "case" = NEW."case" AND link IS NOT NULL; END;
        CREATE TRIGGER takedown_link_goes_with_a_term AFTER INSERT ON case_term
        WHEN NEW.term IN ('nudes', 'ai_imagery', 'illegal_content')
        BEGIN UPDATE takedown SET link = NULL WHERE "case" = NEW."case" AND link IS NOT NULL; END;
        CREATE TRIGGER takedown_is_kept BEFORE UPDATE ON takedown
        WHEN NOT (NEW.id IS OLD.id AND NEW."case" IS OLD."case" AND NEW.seq IS OLD.seq
            AND NEW.platform IS OLD.platform AND NEW.what IS OLD.what AND NEW.added_by IS OLD.added_by
            AND NEW.added_at IS OLD.added_at AND NEW.client_id IS OLD.client_id
            AND (NEW.link IS OLD.link OR NEW.link IS NULL))
        BEGIN SELECT RAISE(ABORT, 'takedown_is_kept'); END;
        CREATE TRIGGER takedown_step_follows BEFORE INSERT ON takedown_step
        WHEN NEW.seq <> (SELECT coalesce(max(seq), 0) + 1 FROM takedown_step WHERE takedown = NEW.takedown)
            OR NEW.at < (SELECT max(at) FROM takedown_step WHERE takedown = NEW.takedown)
            OR coalesce((SELECT stage FROM takedown_step WHERE takedown = NEW.takedown ORDER BY seq DESC LIMIT 1), '')
                || '>' || NEW.stage NOT IN (
                '>guided', '>reported',
                'guided>reported', 'guided>removed', 'guided>withdrawn', 'guided>not_known',
                'reported>asked', 'reported>still_up', 'reported>on_behalf', 'reported>removed', 'reported>partly',
                'reported>not_removed', 'reported>withdrawn', 'reported>not_known',
                'asked>asked', 'asked>still_up', 'asked>unsure', 'asked>on_behalf', 'asked>removed', 'asked>partly',
                'asked>not_removed', 'asked>withdrawn', 'asked>not_known',
                'still_up>asked', 'still_up>asked_again', 'still_up>on_behalf', 'still_up>removed', 'still_up>partly',
                'still_up>not_removed', 'still_up>withdrawn', 'still_up>not_known',
                'unsure>asked', 'unsure>asked_again', 'unsure>still_up', 'unsure>on_behalf', 'unsure>removed',
                'unsure>partly', 'unsure>not_removed', 'unsure>withdrawn', 'unsure>not_known',
                'on_behalf>asked_again', 'on_behalf>still_up', 'on_behalf>removed', 'on_behalf>partly',
                'on_behalf>not_removed', 'on_behalf>withdrawn', 'on_behalf>not_known',
                'asked_again>asked_again', 'asked_again>still_up', 'asked_again>unsure', 'asked_again>on_behalf',
                'asked_again>removed', 'asked_again>partly', 'asked_again>not_removed', 'asked_again>withdrawn',
                'asked_again>not_known',
                'removed>still_up', 'partly>still_up', 'not_removed>still_up', 'withdrawn>still_up',
                'partly>removed', 'not_removed>removed', 'not_removed>partly',
                'not_known>still_up', 'not_known>removed', 'not_known>partly', 'not_known>not_removed')
            OR (NEW.stage IN ('asked', 'asked_again')) AND (NEW.stage = 'asked_again') <> EXISTS (
                SELECT 1 FROM takedown_step WHERE takedown = NEW.takedown AND stage = 'on_behalf')
        BEGIN SELECT RAISE(ABORT, 'takedown_step_follows'); END;
        CREATE TRIGGER takedown_clock_waits BEFORE INSERT ON takedown_step
        WHEN NEW.who = 'clock' AND NEW.stage IN ('asked', 'asked_again') AND NOT coalesce(NEW.at >= (
            SELECT max(at) + CASE NEW.stage WHEN 'asked' THEN 172800000 ELSE 259200000 END FROM takedown_step
             WHERE takedown = NEW.takedown
               AND stage = CASE NEW.stage WHEN 'asked' THEN 'reported' ELSE 'on_behalf' END), 0)
        BEGIN SELECT RAISE(ABORT, 'takedown_clock_waits'); END;
        CREATE TRIGGER takedown_step_is_kept BEFORE UPDATE ON takedown_step
        WHEN NOT (NEW.takedown IS OLD.takedown AND NEW.seq IS OLD.seq AND NEW.stage IS OLD.stage
            AND NEW.who IS OLD.who AND NEW.adviser IS OLD.adviser AND NEW.at IS OLD.at
            AND NEW.written_at IS OLD.written_at AND (NEW.reference IS OLD.reference OR NEW.reference IS NULL))
        BEGIN SELECT RAISE(ABORT, 'takedown_step_is_kept'); END;
        CREATE TRIGGER takedown_step_stays BEFORE DELETE ON takedown_step
        BEGIN SELECT RAISE(ABORT, 'takedown_step_stays'); END;
        CREATE TRIGGER takedown_told AFTER INSERT ON takedown_step
        BEGIN INSERT INTO event (kind, "case", adviser, at)
            SELECT 'takedown.' || NEW.stage, "case", NEW.adviser, NEW.written_at FROM takedown
             WHERE id = NEW.takedown; END;

        CREATE TRIGGER task_is_new BEFORE INSERT ON task
        WHEN NEW.seq <> (SELECT coalesce(max(seq), 0) + 1 FROM task WHERE "case" = NEW."case")
            OR NEW.state <> 'open' OR NEW.version <> 0 OR EXISTS (SELECT 1 FROM task WHERE id = NEW.id)
            OR EXISTS (SELECT 1 FROM task WHERE "case" = NEW."case" AND client_id = NEW.client_id)
        BEGIN SELECT RAISE(ABORT, 'task_is_new'); END;
        CREATE TRIGGER task_given_to_who_may_hold BEFORE INSERT ON task
        WHEN NEW.assignee IS NOT NULL AND NOT EXISTS (SELECT 1 FROM adviser WHERE id = NEW.assignee
            AND disabled_at IS NULL AND role IN ('adviser', 'senior', 'lead'))
        BEGIN SELECT RAISE(ABORT, 'task_given_to_who_may_hold'); END;
        CREATE TRIGGER task_passed_to_who_may_hold BEFORE UPDATE OF assignee ON task
        WHEN NEW.assignee IS NOT NULL AND NEW.assignee IS NOT OLD.assignee AND NOT EXISTS (SELECT 1 FROM adviser
            WHERE id = NEW.assignee AND disabled_at IS NULL AND role IN ('adviser', 'senior', 'lead'))
        BEGIN SELECT RAISE(ABORT, 'task_passed_to_who_may_hold'); END;
        CREATE TRIGGER task_moves BEFORE UPDATE OF state, version, assignee, due_at, move, moved_by, moved_at ON task
        WHEN NEW.version <> OLD.version + 1 OR OLD.state || '>' || NEW.state || ':' || coalesce(NEW.move, '') NOT IN
            ('open>open:assigned', 'open>open:put_off', 'open>done:done', 'open>dropped:dropped',
             'done>open:reopened', 'dropped>open:reopened')
        BEGIN SELECT RAISE(ABORT, 'task_moves'); END;
        CREATE TRIGGER task_is_kept BEFORE UPDATE ON task
        WHEN NOT (NEW.id IS OLD.id AND NEW."case" IS OLD."case" AND NEW.seq IS OLD.seq AND NEW.kind IS OLD.kind
            AND NEW.takedown IS OLD.takedown AND NEW.added_by IS OLD.added_by AND NEW.added_at IS OLD.added_at
            AND NEW.client_id IS OLD.client_id AND (NEW.words IS OLD.words OR NEW.words IS NULL))
        BEGIN SELECT RAISE(ABORT, 'task_is_kept'); END;
        CREATE TRIGGER task_stays BEFORE DELETE ON task WHEN OLD.state = 'open'
        BEGIN SELECT RAISE(ABORT, 'task_stays'); END;
        CREATE TRIGGER task_added AFTER INSERT ON task
        BEGIN INSERT INTO event (kind, "case", adviser, at)
            VALUES ('task.added', NEW."case", NEW.added_by, NEW.added_at); END;
        CREATE TRIGGER task_moved AFTER UPDATE OF version ON task
        BEGIN INSERT INTO event (kind, "case", adviser, at)
            VALUES ('task.' || NEW.move, NEW."case", NEW.moved_by, NEW.moved_at); END;

        CREATE TRIGGER reminder_begins_planned BEFORE INSERT ON reminder
        WHEN NEW.sent_at IS NOT NULL OR NEW.dropped_at IS NOT NULL OR EXISTS (SELECT 1 FROM reminder WHERE id = NEW.id)
            OR NOT EXISTS (SELECT 1 FROM cases WHERE id = NEW."case" AND conversation = NEW.conversation)
        BEGIN SELECT RAISE(ABORT, 'reminder_begins_planned'); END;
        CREATE TRIGGER reminder_goes_forward BEFORE UPDATE ON reminder
        WHEN NOT (NEW.id IS OLD.id AND NEW."case" IS OLD."case" AND NEW.conversation IS OLD.conversation
                AND NEW.kind IS OLD.kind AND NEW.takedown IS OLD.takedown AND NEW.task IS OLD.task
                AND NEW.due_at IS OLD.due_at AND NEW.made_by IS OLD.made_by AND NEW.made_at IS OLD.made_at)
            OR (OLD.sent_at IS NOT NULL AND NEW.sent_at IS NOT OLD.sent_at)
            OR OLD.answered_at IS NOT NULL OR OLD.dropped_at IS NOT NULL
        BEGIN SELECT RAISE(ABORT, 'reminder_goes_forward'); END;
        CREATE TRIGGER reminder_planned AFTER INSERT ON reminder
        BEGIN INSERT INTO event (kind, "case", adviser, at)
            VALUES ('reminder.planned', NEW."case", NEW.made_by, NEW.made_at); END;
        CREATE TRIGGER reminder_told AFTER UPDATE ON reminder
        BEGIN INSERT INTO event (kind, "case", adviser, at) VALUES (
            CASE WHEN NEW.dropped_at IS NOT NULL THEN 'reminder.dropped'
                WHEN NEW.answered_at IS NOT NULL THEN 'reminder.answered' ELSE 'reminder.sent' END,
            NEW."case", NULL, coalesce(NEW.dropped_at, NEW.answered_at, NEW.sent_at)); END;
        """,
    )
