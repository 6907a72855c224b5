"""Which content an adviser's message carried, in which version."""

from sqlite_utils import Database

from handoff.migrations.register import migrations, run


@migrations()
def insertions(db: Database) -> None:
    """One row for each page that a message carried: ids, a version and dates, none of the words. It stays when the
    words of the case are forgotten, and leads then to nobody."""
    run(
        db,
        """
        CREATE TABLE insertion (
            "case" INTEGER NOT NULL,
            seq INTEGER NOT NULL,
            page TEXT NOT NULL CONSTRAINT page_is_an_id CHECK
                (length(page) BETWEEN 1 AND 120 AND NOT page GLOB '*[^a-z0-9_.-]*'),
            library TEXT NOT NULL CONSTRAINT library_is_a_version CHECK (length(library) BETWEEN 1 AND 80),
            review_by TEXT CONSTRAINT review_by_is_a_day CHECK (review_by IS date(review_by)),
            overdue INTEGER NOT NULL CONSTRAINT overdue_is_yes_or_no CHECK (overdue IN (0, 1)),
            at INTEGER NOT NULL,
            PRIMARY KEY ("case", seq, page)
        ) STRICT, WITHOUT ROWID;
        CREATE INDEX insertion_of_page ON insertion (page, library, at);
        CREATE TRIGGER insertion_in_an_advisers_message BEFORE INSERT ON insertion
        WHEN NOT EXISTS (SELECT 1 FROM message WHERE "case" = NEW."case" AND seq = NEW.seq AND author = 'adviser')
            OR EXISTS (SELECT 1 FROM insertion WHERE "case" = NEW."case" AND seq = NEW.seq AND page = NEW.page)
        BEGIN SELECT RAISE(ABORT, 'insertion_in_an_advisers_message'); END;
        CREATE TRIGGER insertion_is_kept BEFORE UPDATE ON insertion
        BEGIN SELECT RAISE(ABORT, 'insertion_is_kept'); END;
        CREATE TRIGGER insertion_stays BEFORE DELETE ON insertion
        BEGIN SELECT RAISE(ABORT, 'insertion_stays'); END;
        """,
    )
