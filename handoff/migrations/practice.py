"""Practice: cases with nobody at the other end, held only by whoever began them, never told, never counted."""

from sqlite_utils import Database

from handoff.migrations.register import migrations, run


@migrations()
def practice(db: Database) -> None:
    """`body` holds the whole script as it was at the beginning. What is said in one is delivered here, at once."""
    run(
        db,
        """
        CREATE TABLE practice (
            "case" INTEGER PRIMARY KEY REFERENCES cases (id),
            adviser INTEGER NOT NULL REFERENCES adviser (id),
            script TEXT NOT NULL CONSTRAINT practice_names_a_script CHECK
                (length(script) BETWEEN 1 AND 80 AND NOT script GLOB '*[^a-z0-9_-]*'),
            replies INTEGER NOT NULL,
            body BLOB NOT NULL,
            at INTEGER NOT NULL
        ) STRICT;
        CREATE INDEX practice_of ON practice (adviser, at);
        CREATE TRIGGER practice_is_practice BEFORE INSERT ON practice
        WHEN EXISTS (SELECT 1 FROM practice WHERE "case" = NEW."case")
            OR NOT EXISTS (SELECT 1 FROM cases WHERE id = NEW."case" AND conversation < 0)
        BEGIN SELECT RAISE(ABORT, 'practice_is_practice'); END;
        CREATE TRIGGER practice_is_kept BEFORE UPDATE ON practice
        BEGIN SELECT RAISE(ABORT, 'practice_is_kept'); END;
        CREATE TRIGGER practice_is_kept_while_open BEFORE DELETE ON practice
        WHEN EXISTS (SELECT 1 FROM queue_item WHERE "case" = OLD."case" AND state NOT IN ('done', 'abandoned'))
        BEGIN SELECT RAISE(ABORT, 'practice_is_kept_while_open'); END;
        CREATE TRIGGER practice_is_its_beginners BEFORE UPDATE OF holder, offered_to ON queue_item
        WHEN NEW.conversation < 0 AND ((NEW.holder IS NOT NULL AND NEW.holder IS NOT (SELECT adviser FROM practice
                WHERE "case" = NEW."case")) OR NEW.offered_to IS NOT NULL)
        BEGIN SELECT RAISE(ABORT, 'practice_is_its_beginners'); END;
        CREATE TRIGGER practice_is_delivered_here AFTER INSERT ON delivery
        WHEN EXISTS (SELECT 1 FROM message m JOIN cases c ON c.id = m."case"
            WHERE m.id = NEW.message AND c.conversation < 0)
        BEGIN UPDATE delivery SET state = 'delivered' WHERE message = NEW.message; END;
        """,
    )
