"""Who asked for everything that is held about one enquirer."""

from sqlite_utils import Database

from handoff.migrations.register import migrations, run


@migrations()
def access_requests(db: Database) -> None:
    """Written down before anything is handed out. It outlives the case, so it names it by number only; "case" NULL
    where a return code led to a conversation that has none."""
    run(
        db,
        """
        CREATE TABLE access_request (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            "case" INTEGER,
            way TEXT NOT NULL CONSTRAINT known_access_way CHECK (way IN ('desk', 'command')),
            asker TEXT NOT NULL CONSTRAINT known_access_asker CHECK
                (asker IN ('enquirer', 'setting', 'authority', 'service')),
            adviser INTEGER REFERENCES adviser (id),
            at INTEGER NOT NULL,
            CONSTRAINT access_at_the_desk_is_somebodys CHECK ((way = 'desk') = (adviser IS NOT NULL))
        ) STRICT;
        CREATE INDEX access_request_of_case ON access_request ("case");
        CREATE TRIGGER access_is_new BEFORE INSERT ON access_request
        WHEN EXISTS (SELECT 1 FROM access_request WHERE id = NEW.id)
        BEGIN SELECT RAISE(ABORT, 'access_is_new'); END;
        CREATE TRIGGER access_by_a_lead BEFORE INSERT ON access_request
        WHEN NEW.adviser IS NOT NULL AND NOT EXISTS
            (SELECT 1 FROM adviser WHERE id = NEW.adviser AND role = 'lead' AND disabled_at IS NULL)
        BEGIN SELECT RAISE(ABORT, 'access_by_a_lead'); END;
        CREATE TRIGGER access_is_kept BEFORE UPDATE ON access_request
        BEGIN SELECT RAISE(ABORT, 'access_is_kept'); END;
        CREATE TRIGGER access_stays BEFORE DELETE ON access_request
        BEGIN SELECT RAISE(ABORT, 'access_stays'); END;
        CREATE TRIGGER access_told AFTER INSERT ON access_request
        BEGIN INSERT INTO event (kind, "case", adviser, at)
            VALUES ('access.exported', NEW."case", NEW.adviser, NEW.at); END;
        """,
    )
