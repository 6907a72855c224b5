"""Opening hours and closed days that a lead sets at the desk."""

from sqlite_utils import Database

from handoff.migrations.register import migrations, run


@migrations()
def hours(db: Database) -> None:
    """`hours_version`: the newest row holds. `week` as `handoff.hours.week_from` reads it, empty for never open;
    `closed`: days with a code for why, "2026-12-24 training; 2027-02-01 staffing"."""
    run(
        db,
        """
        CREATE TABLE hours_version (
            number INTEGER PRIMARY KEY AUTOINCREMENT,
            week TEXT NOT NULL CONSTRAINT week_is_hours CHECK
                (length(week) <= 1000 AND NOT week GLOB '*[^a-z0-9:;, -]*'),
            nation TEXT CONSTRAINT hours_of_a_nation CHECK
                (nation IN ('england', 'wales', 'scotland', 'northern_ireland')),
            closed TEXT NOT NULL CONSTRAINT closed_is_days CHECK
                (length(closed) <= 4000 AND NOT closed GLOB '*[^a-z0-9_; -]*'),
            adviser INTEGER NOT NULL REFERENCES adviser (id),
            at INTEGER NOT NULL
        ) STRICT;
        CREATE TRIGGER hours_are_next BEFORE INSERT ON hours_version
        WHEN EXISTS (SELECT 1 FROM hours_version WHERE number >= NEW.number AND NEW.number > 0)
        BEGIN SELECT RAISE(ABORT, 'hours_are_next'); END;
        CREATE TRIGGER hours_by_a_lead BEFORE INSERT ON hours_version
        WHEN NOT EXISTS (SELECT 1 FROM adviser WHERE id = NEW.adviser AND role = 'lead' AND disabled_at IS NULL)
        BEGIN SELECT RAISE(ABORT, 'hours_by_a_lead'); END;
        CREATE TRIGGER hours_are_kept BEFORE UPDATE ON hours_version
        BEGIN SELECT RAISE(ABORT, 'hours_are_kept'); END;
        CREATE TRIGGER hours_stay BEFORE DELETE ON hours_version BEGIN SELECT RAISE(ABORT, 'hours_stay'); END;
        CREATE TRIGGER hours_told AFTER INSERT ON hours_version
        BEGIN INSERT INTO event (kind, adviser, at) VALUES ('hours.changed', NEW.adviser, NEW.at); END;
        """,
    )
