"""What keeps words longer than their time, who asked that they go, and what remains of what was forgotten."""

from sqlite_utils import Database

from handoff.migrations.register import migrations, run


@migrations()
def holds_and_requests(db: Database) -> None:
    """`legal_hold`: a lead keeps a case as it is, until a lead lets it go. `erasure_request`: somebody asked that a
    case be forgotten; with `done_at` NULL it waits, and is done as soon as nothing stands in its way.

    Neither names its case by reference to a row, because it outlives the case; a hold's words go with the case's.
    """
    run(
        db,
        """
        CREATE TABLE legal_hold (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            "case" INTEGER NOT NULL,
            reason TEXT NOT NULL CONSTRAINT known_hold_reason CHECK (reason IN
                ('police', 'court', 'safeguarding_review', 'complaint', 'data_request', 'other')),
            words BLOB,
            review_by TEXT NOT NULL CONSTRAINT hold_review_by_is_a_day CHECK (review_by IS date(review_by)),
            placed_by INTEGER NOT NULL REFERENCES adviser (id),
            placed_at INTEGER NOT NULL,
            reviewed_by INTEGER REFERENCES adviser (id),
            reviewed_at INTEGER,
            released_by INTEGER REFERENCES adviser (id),
            released_at INTEGER,
            CONSTRAINT hold_reviewed_by_somebody CHECK ((reviewed_at IS NULL) = (reviewed_by IS NULL)),
            CONSTRAINT hold_released_by_somebody CHECK ((released_at IS NULL) = (released_by IS NULL))
        ) STRICT;
        CREATE UNIQUE INDEX one_hold ON legal_hold ("case") WHERE released_at IS NULL;
        CREATE INDEX legal_hold_of_case ON legal_hold ("case");
        CREATE TABLE erasure_request (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            "case" INTEGER NOT NULL,
            way TEXT NOT NULL CONSTRAINT known_request_way CHECK (way IN ('desk', 'command', 'chat')),
            asker TEXT NOT NULL CONSTRAINT known_asker CHECK (asker IN ('enquirer', 'setting', 'authority', 'service')),
            reason TEXT NOT NULL CONSTRAINT known_request_reason CHECK
                (reason IN ('withdrawn', 'objects', 'not_needed', 'unlawful', 'mistake')),
            adviser INTEGER REFERENCES adviser (id),
            at INTEGER NOT NULL,
            done_at INTEGER,
            CONSTRAINT request_at_the_desk_is_somebodys CHECK ((way = 'desk') = (adviser IS NOT NULL)),
            CONSTRAINT request_done_after_it_was_made CHECK (done_at >= at)
        ) STRICT;
        CREATE UNIQUE INDEX one_request ON erasure_request ("case") WHERE done_at IS NULL;

        CREATE TRIGGER hold_is_new BEFORE INSERT ON legal_hold
        WHEN NEW.released_at IS NOT NULL OR NEW.reviewed_at IS NOT NULL
            OR EXISTS (SELECT 1 FROM legal_hold WHERE id = NEW.id OR ("case" = NEW."case" AND released_at IS NULL))
            OR NOT EXISTS (SELECT 1 FROM cases WHERE id = NEW."case" AND conversation > 0)
        BEGIN SELECT RAISE(ABORT, 'hold_is_new'); END;
        CREATE TRIGGER hold_by_a_lead BEFORE INSERT ON legal_hold
        WHEN NOT EXISTS (SELECT 1 FROM adviser WHERE id = NEW.placed_by AND role = 'lead' AND disabled_at IS NULL)
        BEGIN SELECT RAISE(ABORT, 'hold_by_a_lead'); END;
        CREATE TRIGGER hold_is_kept BEFORE UPDATE ON legal_hold
        WHEN NEW.id <> OLD.id OR NEW."case" <> OLD."case" OR NEW.reason <> OLD.reason
            OR NEW.placed_by <> OLD.placed_by OR NEW.placed_at <> OLD.placed_at
            OR (NEW.words IS NOT OLD.words AND (NEW.words IS NOT NULL OR NEW.released_at IS NULL))
            OR (OLD.released_at IS NOT NULL AND (NEW.released_at IS NOT OLD.released_at
                OR NEW.released_by IS NOT OLD.released_by OR NEW.review_by <> OLD.review_by))
            OR (NEW.review_by <> OLD.review_by AND (NEW.reviewed_at IS NULL OR NEW.reviewed_at IS OLD.reviewed_at))
        BEGIN SELECT RAISE(ABORT, 'hold_is_kept'); END;
        CREATE TRIGGER hold_changed_by_a_lead BEFORE UPDATE OF reviewed_by, released_by ON legal_hold
        WHEN NOT EXISTS (SELECT 1 FROM adviser WHERE role = 'lead' AND disabled_at IS NULL
            AND id = iif(NEW.released_by IS NOT OLD.released_by, NEW.released_by, NEW.reviewed_by))
        BEGIN SELECT RAISE(ABORT, 'hold_changed_by_a_lead'); END;
        CREATE TRIGGER hold_stays BEFORE DELETE ON legal_hold BEGIN SELECT RAISE(ABORT, 'hold_stays'); END;
        CREATE TRIGGER held_case_is_kept BEFORE DELETE ON cases
        WHEN EXISTS (SELECT 1 FROM legal_hold WHERE "case" = OLD.id AND released_at IS NULL)
        BEGIN SELECT RAISE(ABORT, 'held_case_is_kept'); END;
        CREATE TRIGGER held_pack_is_kept BEFORE UPDATE OF pack ON cases
        WHEN EXISTS (SELECT 1 FROM legal_hold WHERE "case" = OLD.id AND released_at IS NULL)
        BEGIN SELECT RAISE(ABORT, 'held_pack_is_kept'); END;
        CREATE TRIGGER held_message_is_kept BEFORE DELETE ON message
        WHEN EXISTS (SELECT 1 FROM legal_hold WHERE "case" = OLD."case" AND released_at IS NULL)
        BEGIN SELECT RAISE(ABORT, 'held_message_is_kept'); END;
        CREATE TRIGGER hold_placed AFTER INSERT ON legal_hold
        BEGIN INSERT INTO event (kind, "case", adviser, at)
            VALUES ('hold.placed', NEW."case", NEW.placed_by, NEW.placed_at); END;
        CREATE TRIGGER hold_reviewed AFTER UPDATE OF reviewed_at ON legal_hold
        WHEN NEW.reviewed_at IS NOT OLD.reviewed_at
        BEGIN INSERT INTO event (kind, "case", adviser, at)
            VALUES ('hold.reviewed', NEW."case", NEW.reviewed_by, NEW.reviewed_at); END;
        CREATE TRIGGER hold_released AFTER UPDATE OF released_at ON legal_hold
        WHEN NEW.released_at IS NOT OLD.released_at
        BEGIN INSERT INTO event (kind, "case", adviser, at)
            VALUES ('hold.released', NEW."case", NEW.released_by, NEW.released_at); END;

        CREATE TRIGGER request_is_new BEFORE INSERT ON erasure_request
        WHEN NEW.done_at IS NOT NULL
            OR EXISTS (SELECT 1 FROM erasure_request WHERE id = NEW.id OR ("case" = NEW."case" AND done_at IS NULL))
            OR NOT EXISTS (SELECT 1 FROM cases WHERE id = NEW."case" AND conversation > 0)
        BEGIN SELECT RAISE(ABORT, 'request_is_new'); END;
        CREATE TRIGGER request_at_the_desk_by_a_lead BEFORE INSERT ON erasure_request
        WHEN NEW.adviser IS NOT NULL AND NOT EXISTS
            (SELECT 1 FROM adviser WHERE id = NEW.adviser AND role = 'lead' AND disabled_at IS NULL)
        BEGIN SELECT RAISE(ABORT, 'request_at_the_desk_by_a_lead'); END;
        CREATE TRIGGER request_is_only_done BEFORE UPDATE ON erasure_request
        WHEN OLD.done_at IS NOT NULL OR NEW.done_at IS NULL OR NEW.id <> OLD.id OR NEW."case" <> OLD."case"
            OR NEW.way <> OLD.way OR NEW.asker <> OLD.asker OR NEW.reason <> OLD.reason
            OR NEW.adviser IS NOT OLD.adviser OR NEW.at <> OLD.at
        BEGIN SELECT RAISE(ABORT, 'request_is_only_done'); END;
        CREATE TRIGGER request_done_with_the_case BEFORE UPDATE ON erasure_request
        WHEN EXISTS (SELECT 1 FROM cases WHERE id = NEW."case")
        BEGIN SELECT RAISE(ABORT, 'request_done_with_the_case'); END;
        CREATE TRIGGER request_stays BEFORE DELETE ON erasure_request
        BEGIN SELECT RAISE(ABORT, 'request_stays'); END;
        CREATE TRIGGER request_made AFTER INSERT ON erasure_request
        BEGIN INSERT INTO event (kind, "case", adviser, at)
            VALUES ('erasure.asked', NEW."case", NEW.adviser, NEW.at); END;
        CREATE TRIGGER request_done AFTER UPDATE ON erasure_request
        BEGIN INSERT INTO event (kind, "case", adviser, at)
            VALUES ('erasure.done', NEW."case", NULL, NEW.done_at); END;
        """,
    )


@migrations()
def what_remains(db: Database) -> None:
    """`forgotten`: a keyed mark of a reference, and the day on which its case was forgotten. It names no case: from it
    nothing leads to an event. `forgetting_run`: what was done for the night of `day`; when the file was rewritten.

    What stays with its case may go with it: steps of takedowns, a link to a case that is still open.
    """
    run(
        db,
        """
        CREATE TABLE forgotten (
            mark BLOB PRIMARY KEY CONSTRAINT forgotten_is_a_hash CHECK (length(mark) = 16),
            day TEXT NOT NULL CONSTRAINT forgotten_on_a_day CHECK (day IS date(day)),
            why TEXT NOT NULL CONSTRAINT known_forgetting CHECK (why IN ('time', 'asked'))
        ) STRICT, WITHOUT ROWID;
        CREATE INDEX forgotten_on ON forgotten (day);
        CREATE TRIGGER forgotten_is_kept BEFORE UPDATE ON forgotten
        BEGIN SELECT RAISE(ABORT, 'forgotten_is_kept'); END;
        CREATE TABLE forgetting_run (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            day TEXT NOT NULL CONSTRAINT run_is_of_a_day CHECK (day IS date(day)),
            began_at INTEGER NOT NULL,
            ended_at INTEGER NOT NULL,
            cases INTEGER NOT NULL,
            others INTEGER NOT NULL,
            rewritten_at INTEGER,
            CONSTRAINT run_ends_after_it_began CHECK (ended_at >= began_at),
            CONSTRAINT rewritten_after_the_run CHECK (rewritten_at >= ended_at)
        ) STRICT;
        CREATE INDEX forgetting_run_unfinished ON forgetting_run (id) WHERE rewritten_at IS NULL;
        CREATE TRIGGER run_is_next BEFORE INSERT ON forgetting_run
        WHEN EXISTS (SELECT 1 FROM forgetting_run WHERE day > NEW.day OR id = NEW.id)
        BEGIN SELECT RAISE(ABORT, 'run_is_next'); END;
        CREATE TRIGGER run_is_kept BEFORE UPDATE ON forgetting_run
        WHEN OLD.rewritten_at IS NOT NULL OR NEW.id <> OLD.id OR NEW.day <> OLD.day OR NEW.began_at <> OLD.began_at
            OR NEW.ended_at <> OLD.ended_at OR NEW.cases <> OLD.cases OR NEW.others <> OLD.others
        BEGIN SELECT RAISE(ABORT, 'run_is_kept'); END;
        CREATE TRIGGER run_told AFTER INSERT ON forgetting_run
        BEGIN INSERT INTO event (kind, at) VALUES ('retention.ran', NEW.ended_at); END;

        DROP TRIGGER takedown_step_stays;
        CREATE TRIGGER takedown_step_stays BEFORE DELETE ON takedown_step
        WHEN EXISTS (SELECT 1 FROM takedown JOIN queue_item ON queue_item."case" = takedown."case"
            WHERE takedown.id = OLD.takedown)
        BEGIN SELECT RAISE(ABORT, 'takedown_step_stays'); END;
        CREATE TRIGGER takedown_stays BEFORE DELETE ON takedown
        WHEN EXISTS (SELECT 1 FROM queue_item WHERE "case" = OLD."case")
        BEGIN SELECT RAISE(ABORT, 'takedown_stays'); END;
        DROP TRIGGER link_is_kept_while_open;
        CREATE TRIGGER link_is_kept_while_open BEFORE DELETE ON case_link
        WHEN EXISTS (SELECT 1 FROM queue_item WHERE "case" IN (OLD."case", OLD.other)
                AND state NOT IN ('done', 'abandoned'))
            AND 2 = (SELECT count(*) FROM queue_item WHERE "case" IN (OLD."case", OLD.other))
        BEGIN SELECT RAISE(ABORT, 'link_is_kept_while_open'); END;

        CREATE INDEX notification_of_case ON notification ("case") WHERE "case" IS NOT NULL;
        CREATE INDEX watch_of_case ON watch ("case");
        CREATE INDEX reminder_of_case ON reminder ("case");
        """,
    )
