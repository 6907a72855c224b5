"""Reports that were passed on, word for word: what is out there can be shown again."""

from sqlite_utils import Database

from handoff.migrations.register import migrations, run


@migrations()
def reports_kept(db: Database) -> None:
    """`body` is the JSON of docs/report.md: sums, no person. Written with the report's own row, and never changed."""
    run(
        db,
        """
        CREATE TABLE released_report (
            release INTEGER PRIMARY KEY REFERENCES released (number),
            body TEXT NOT NULL CONSTRAINT released_report_is_json CHECK (json_valid(body))
        ) STRICT;
        CREATE TRIGGER released_report_of_the_newest BEFORE INSERT ON released_report
        WHEN NEW.release IS NOT (SELECT max(number) FROM released)
            OR EXISTS (SELECT 1 FROM released_report WHERE release = NEW.release)
        BEGIN SELECT RAISE(ABORT, 'released_report_of_the_newest'); END;
        CREATE TRIGGER released_report_is_kept BEFORE UPDATE ON released_report
        BEGIN SELECT RAISE(ABORT, 'released_report_is_kept'); END;
        CREATE TRIGGER released_report_stays BEFORE DELETE ON released_report
        BEGIN SELECT RAISE(ABORT, 'released_report_stays'); END;
        """,
    )
