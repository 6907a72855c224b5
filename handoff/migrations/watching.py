"""Who watches whose conversation, words for the one who holds it; reviews of closed cases."""

from sqlite_utils import Database

from handoff.migrations.register import migrations, run


@migrations()
def watching(db: Database) -> None:
    """A watch begins and ends with an event. A note may be addressed. A review is written once and never changed."""
    run(
        db,
        """
        CREATE TABLE watch (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            "case" INTEGER NOT NULL REFERENCES cases (id) ON DELETE CASCADE,
            adviser INTEGER NOT NULL REFERENCES adviser (id),
            began_at INTEGER NOT NULL,
            seen_at INTEGER NOT NULL,
            ended_at INTEGER,
            CONSTRAINT watch_ends_after_it_began CHECK (ended_at IS NULL OR ended_at >= began_at)
        ) STRICT;
        CREATE UNIQUE INDEX one_watch ON watch ("case", adviser) WHERE ended_at IS NULL;
        CREATE TRIGGER watch_of_anothers_case BEFORE INSERT ON watch
        WHEN NEW.ended_at IS NOT NULL OR NOT EXISTS (SELECT 1 FROM queue_item, adviser WHERE "case" = NEW."case"
            AND holder IS NOT NULL AND holder <> NEW.adviser AND adviser.id = NEW.adviser
            AND adviser.disabled_at IS NULL AND adviser.role IN ('senior', 'lead'))
        BEGIN SELECT RAISE(ABORT, 'watch_of_anothers_case'); END;
        CREATE TRIGGER watch_is_kept BEFORE UPDATE ON watch
        WHEN OLD.ended_at IS NOT NULL OR NEW."case" <> OLD."case" OR NEW.adviser <> OLD.adviser
            OR NEW.began_at <> OLD.began_at
        BEGIN SELECT RAISE(ABORT, 'watch_is_kept'); END;
        CREATE TRIGGER watch_began AFTER INSERT ON watch
        BEGIN INSERT INTO event (kind, "case", adviser, at)
            VALUES ('watch.began', NEW."case", NEW.adviser, NEW.began_at); END;
        CREATE TRIGGER watch_ended AFTER UPDATE OF ended_at ON watch WHEN NEW.ended_at IS NOT NULL
        BEGIN INSERT INTO event (kind, "case", adviser, at)
            VALUES ('watch.ended', NEW."case", NEW.adviser, NEW.ended_at); END;
        CREATE TRIGGER watch_ends_with_the_holder AFTER UPDATE OF holder ON queue_item
        WHEN OLD.holder IS NOT NULL AND NEW.holder IS NOT OLD.holder
        BEGIN UPDATE watch SET ended_at = max(began_at, NEW.moved_at)
            WHERE "case" = NEW."case" AND ended_at IS NULL; END;

        ALTER TABLE note ADD COLUMN addressee INTEGER REFERENCES adviser (id);
        CREATE TRIGGER note_to_the_holder BEFORE INSERT ON note
        WHEN NEW.addressee IS NOT NULL AND NOT EXISTS (SELECT 1 FROM queue_item WHERE "case" = NEW."case"
            AND holder = NEW.addressee AND holder <> NEW.adviser)
        BEGIN SELECT RAISE(ABORT, 'note_to_the_holder'); END;

        CREATE TABLE review (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            "case" INTEGER NOT NULL REFERENCES cases (id) ON DELETE CASCADE,
            reviewer INTEGER NOT NULL REFERENCES adviser (id),
            about INTEGER NOT NULL REFERENCES adviser (id),
            verdict TEXT NOT NULL CONSTRAINT known_verdict CHECK
                (verdict IN ('good', 'could_be_better', 'talk_about_it')),
            body BLOB,
            at INTEGER NOT NULL,
            CONSTRAINT nobody_reviews_their_own CHECK (about <> reviewer)
        ) STRICT;
        CREATE UNIQUE INDEX review_of_case ON review ("case", reviewer);
        CREATE INDEX review_about ON review (about, at);
        CREATE TRIGGER review_once BEFORE INSERT ON review
        WHEN EXISTS (SELECT 1 FROM review WHERE "case" = NEW."case" AND reviewer = NEW.reviewer OR id = NEW.id)
        BEGIN SELECT RAISE(ABORT, 'review_once'); END;
        CREATE TRIGGER review_of_a_closed_case BEFORE INSERT ON review
        WHEN NOT EXISTS (SELECT 1 FROM queue_item WHERE "case" = NEW."case" AND state = 'done'
            AND moved_by = NEW.about AND conversation > 0)
        BEGIN SELECT RAISE(ABORT, 'review_of_a_closed_case'); END;
        CREATE TRIGGER review_is_kept BEFORE UPDATE ON review
        BEGIN SELECT RAISE(ABORT, 'review_is_kept'); END;
        CREATE TRIGGER review_stays BEFORE DELETE ON review
        WHEN EXISTS (SELECT 1 FROM cases WHERE id = OLD."case")
        BEGIN SELECT RAISE(ABORT, 'review_stays'); END;
        CREATE TRIGGER review_told AFTER INSERT ON review
        BEGIN INSERT INTO event (kind, "case", adviser, at)
            VALUES ('review.written', NEW."case", NEW.reviewer, NEW.at); END;
        """,
    )
