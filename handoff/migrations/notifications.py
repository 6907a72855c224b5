"""What people must be told, kept before anybody is told, until somebody acknowledges."""

from sqlite_utils import Database

from handoff.migrations.register import migrations, run


@migrations()
def notifications(db: Database) -> None:
    """A notification is made in the transaction of what it is about, once for each `dedupe_key`; a step says that a
    rung of the ladder was told. What a move makes and settles is settled here; practice cases make none."""
    run(
        db,
        """
        CREATE TABLE notification (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            kind TEXT NOT NULL CONSTRAINT notification_kind_is_a_code CHECK
                (length(kind) BETWEEN 3 AND 40 AND NOT kind GLOB '*[^a-z_]*'),
            "case" INTEGER REFERENCES cases (id) ON DELETE CASCADE,
            audience TEXT NOT NULL CONSTRAINT known_audience CHECK
                (audience IN ('adviser', 'on_duty', 'seniors', 'lead')),
            adviser INTEGER REFERENCES adviser (id),
            tier INTEGER NOT NULL CONSTRAINT known_notification_tier CHECK (tier BETWEEN 0 AND 3),
            dedupe_key TEXT NOT NULL CONSTRAINT told_of_once UNIQUE CONSTRAINT dedupe_key_is_coded CHECK
                (length(dedupe_key) BETWEEN 3 AND 100 AND NOT dedupe_key GLOB '*[^a-z0-9_:]*'),
            made_at INTEGER NOT NULL,
            acked_at INTEGER,
            acked_by INTEGER REFERENCES adviser (id),
            CONSTRAINT one_adviser_is_named CHECK ((audience = 'adviser') = (adviser IS NOT NULL)),
            CONSTRAINT acked_at_some_time CHECK (acked_by IS NULL OR acked_at IS NOT NULL)
        ) STRICT;
        CREATE INDEX notification_open ON notification (made_at) WHERE acked_at IS NULL;
        CREATE INDEX notification_open_of_case ON notification ("case") WHERE acked_at IS NULL;
        CREATE TABLE notification_step (
            notification INTEGER NOT NULL REFERENCES notification (id) ON DELETE CASCADE,
            rung TEXT NOT NULL CONSTRAINT known_rung CHECK (rung IN ('telegram', 'email')),
            at INTEGER NOT NULL,
            PRIMARY KEY (notification, rung)
        ) STRICT, WITHOUT ROWID;
        CREATE TRIGGER notification_is_kept BEFORE UPDATE ON notification
        WHEN OLD.acked_at IS NOT NULL OR NEW.acked_at IS NULL OR NEW.kind <> OLD.kind OR NEW."case" IS NOT OLD."case"
            OR NEW.audience <> OLD.audience OR NEW.adviser IS NOT OLD.adviser OR NEW.tier <> OLD.tier
            OR NEW.dedupe_key <> OLD.dedupe_key OR NEW.made_at <> OLD.made_at OR NEW.id <> OLD.id
        BEGIN SELECT RAISE(ABORT, 'notification_is_kept'); END;
        CREATE TRIGGER notification_step_is_kept BEFORE UPDATE ON notification_step
        BEGIN SELECT RAISE(ABORT, 'notification_step_is_kept'); END;

        CREATE TRIGGER notify_of_an_urgent_case AFTER INSERT ON queue_item WHEN NEW.tier <= 1 AND NEW.conversation > 0
        BEGIN INSERT INTO notification (kind, "case", audience, tier, dedupe_key, made_at)
            VALUES ('case_waits', NEW."case", 'on_duty', NEW.tier, 'case_waits:' || NEW."case", NEW.moved_at)
            ON CONFLICT (dedupe_key) DO NOTHING; END;
        CREATE TRIGGER notify_of_a_case_that_came_back AFTER UPDATE OF state ON queue_item
        WHEN NEW.state = 'waiting' AND OLD.state <> 'waiting' AND NEW.conversation > 0
            AND (NEW.tier <= 1 OR NEW.move = 'woken')
        BEGIN INSERT INTO notification (kind, "case", audience, tier, dedupe_key, made_at)
            VALUES (iif(NEW.move = 'woken', 'call_back_due', 'case_waits'), NEW."case", 'on_duty', NEW.tier,
                'case_waits:' || NEW."case" || ':' || NEW.version, NEW.moved_at)
            ON CONFLICT (dedupe_key) DO NOTHING; END;
        CREATE TRIGGER notify_of_a_case_raised AFTER UPDATE OF tier ON queue_item
        WHEN NEW.tier < OLD.tier AND NEW.tier <= 1 AND NEW.conversation > 0
        BEGIN INSERT INTO notification (kind, "case", audience, adviser, tier, dedupe_key, made_at)
            VALUES (iif(NEW.holder IS NULL, 'case_waits', 'case_raised'), NEW."case",
                iif(NEW.holder IS NULL, 'on_duty', 'adviser'), NEW.holder, NEW.tier,
                'case_raised:' || NEW."case" || ':' || NEW.tier, NEW.moved_at)
            ON CONFLICT (dedupe_key) DO NOTHING; END;
        CREATE TRIGGER notify_of_a_lapse AFTER UPDATE OF state ON queue_item
        WHEN NEW.move = 'lapsed' AND OLD.state = 'claimed' AND NEW.state = 'waiting' AND NEW.conversation > 0
        BEGIN INSERT INTO notification (kind, "case", audience, adviser, tier, dedupe_key, made_at)
            VALUES ('case_lapsed', NEW."case", 'adviser', OLD.holder, NEW.tier,
                'case_lapsed:' || NEW."case" || ':' || NEW.version, NEW.moved_at)
            ON CONFLICT (dedupe_key) DO NOTHING; END;
        CREATE TRIGGER notify_of_a_take_over AFTER UPDATE OF holder ON queue_item
        WHEN OLD.holder IS NOT NULL AND NEW.holder IS NULL AND NEW.move = 'released' AND NEW.moved_by <> OLD.holder
            AND NEW.conversation > 0
        BEGIN INSERT INTO notification (kind, "case", audience, adviser, tier, dedupe_key, made_at)
            VALUES ('taken_over', NEW."case", 'adviser', OLD.holder, NEW.tier,
                'taken_over:' || NEW."case" || ':' || NEW.version, NEW.moved_at)
            ON CONFLICT (dedupe_key) DO NOTHING; END;
        CREATE TRIGGER notify_of_an_offer AFTER UPDATE OF state ON queue_item
        WHEN NEW.state = 'offered' AND OLD.state <> 'offered' AND NEW.conversation > 0
        BEGIN INSERT INTO notification (kind, "case", audience, adviser, tier, dedupe_key, made_at)
            VALUES ('transfer_offered', NEW."case", 'adviser', NEW.offered_to, NEW.tier,
                'transfer_offered:' || NEW."case" || ':' || NEW.version, NEW.moved_at)
            ON CONFLICT (dedupe_key) DO NOTHING; END;
        CREATE TRIGGER notify_of_a_message_in_trouble AFTER UPDATE OF state ON delivery
        WHEN NEW.state IN ('unknown', 'failed') AND NEW.state <> OLD.state
        BEGIN INSERT INTO notification (kind, "case", audience, adviser, tier, dedupe_key, made_at)
            SELECT 'message_' || NEW.state, m."case", 'adviser', coalesce(q.holder, m.adviser), q.tier,
                'message_' || NEW.state || ':' || NEW.message, NEW.at
              FROM message m JOIN queue_item q ON q."case" = m."case"
             WHERE m.id = NEW.message AND q.conversation > 0 AND q.state NOT IN ('done', 'abandoned')
            ON CONFLICT (dedupe_key) DO NOTHING; END;

        CREATE TRIGGER notify_of_a_reading_wanted AFTER INSERT ON decision WHEN NEW.second_wanted = 1
        BEGIN INSERT INTO notification (kind, "case", audience, tier, dedupe_key, made_at)
            SELECT 'second_reading', NEW."case", 'on_duty', tier, 'second_reading:' || NEW.id, NEW.at
              FROM queue_item WHERE "case" = NEW."case" AND conversation > 0
            ON CONFLICT (dedupe_key) DO NOTHING; END;
        CREATE TRIGGER notify_of_a_debrief_asked AFTER INSERT ON debrief WHEN NEW.wants_talk = 1
        BEGIN INSERT INTO notification (kind, audience, tier, dedupe_key, made_at)
            VALUES ('debrief', 'lead', 3, 'debrief:' || NEW.id, NEW.at) ON CONFLICT (dedupe_key) DO NOTHING; END;

        CREATE TRIGGER settled_by_a_reading AFTER INSERT ON second_reading
        BEGIN UPDATE notification SET acked_at = NEW.at, acked_by = NEW.adviser
            WHERE acked_at IS NULL AND dedupe_key = 'second_reading:' || NEW.decision; END;
        CREATE TRIGGER settled_by_a_talk AFTER UPDATE OF talked_at ON debrief WHEN NEW.talked_at IS NOT NULL
        BEGIN UPDATE notification SET acked_at = NEW.talked_at
            WHERE acked_at IS NULL AND dedupe_key = 'debrief:' || NEW.id; END;
        CREATE TRIGGER settled_by_the_task AFTER UPDATE OF version ON task
        BEGIN UPDATE notification SET acked_at = NEW.moved_at, acked_by = NEW.moved_by
            WHERE acked_at IS NULL AND dedupe_key = 'task_due:' || NEW.id || ':' || OLD.version; END;
        CREATE TRIGGER settled_by_a_move AFTER UPDATE OF state ON queue_item WHEN NEW.state <> OLD.state
        BEGIN
            UPDATE notification SET acked_at = NEW.moved_at, acked_by = NEW.moved_by
             WHERE "case" = NEW."case" AND acked_at IS NULL AND (
                (OLD.state = 'waiting' AND kind IN ('case_waits', 'call_back_due', 'case_overdue'))
                OR (OLD.state = 'offered' AND kind = 'transfer_offered')
                OR (NEW.holder IS NOT OLD.holder AND kind IN ('holder_unreachable', 'case_raised', 'whispered'))
                OR (NEW.state IN ('done', 'abandoned') AND kind IN ('message_unknown', 'message_failed', 'case_lapsed',
                    'case_waits', 'call_back_due', 'case_overdue')));
        END;
        CREATE TRIGGER settled_by_arriving AFTER UPDATE OF state ON delivery WHEN NEW.state IN ('delivered', 'read')
        BEGIN UPDATE notification SET acked_at = NEW.at WHERE acked_at IS NULL
            AND dedupe_key IN ('message_unknown:' || NEW.message, 'message_failed:' || NEW.message); END;
        """,
    )
