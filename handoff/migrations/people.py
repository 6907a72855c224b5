"""Contact details, looks at an identity, cases that belong together."""

from sqlite_utils import Database

from handoff.migrations.register import migrations, run


@migrations()
def people(db: Database) -> None:
    """`contact`: the one place for a name, a telephone number, an e-mail address; sealed. A new version empties those
    before it; a version without a body says that the details were taken out.
    `identity_reveal`: written before anything is opened. It names no case by reference to a row, because it must
    outlive the case; `words` go when the case's do.
    `case_link`: what an adviser said of two cases that may be one enquirer's; the newest word counts."""
    run(
        db,
        """
        CREATE TABLE contact (
            "case" INTEGER NOT NULL REFERENCES cases (id),
            version INTEGER NOT NULL,
            body BLOB,
            adviser INTEGER NOT NULL REFERENCES adviser (id),
            at INTEGER NOT NULL,
            PRIMARY KEY ("case", version)
        ) STRICT, WITHOUT ROWID;
        CREATE TRIGGER contact_is_next BEFORE INSERT ON contact
        WHEN NEW.version <> (SELECT coalesce(max(version), 0) + 1 FROM contact WHERE "case" = NEW."case")
        BEGIN SELECT RAISE(ABORT, 'contact_is_next'); END;
        CREATE TRIGGER contact_from_the_holder BEFORE INSERT ON contact
        WHEN NOT EXISTS (SELECT 1 FROM queue_item WHERE "case" = NEW."case" AND holder = NEW.adviser)
        BEGIN SELECT RAISE(ABORT, 'contact_from_the_holder'); END;
        CREATE TRIGGER contact_is_only_emptied BEFORE UPDATE ON contact
        WHEN NEW.body IS NOT NULL OR NEW."case" <> OLD."case" OR NEW.version <> OLD.version
            OR NEW.adviser <> OLD.adviser OR NEW.at <> OLD.at
        BEGIN SELECT RAISE(ABORT, 'contact_is_only_emptied'); END;
        CREATE TRIGGER contact_is_kept_while_open BEFORE DELETE ON contact
        WHEN EXISTS (SELECT 1 FROM queue_item WHERE "case" = OLD."case" AND state NOT IN ('done', 'abandoned'))
        BEGIN SELECT RAISE(ABORT, 'contact_is_kept_while_open'); END;
        CREATE TRIGGER contact_replaces AFTER INSERT ON contact
        BEGIN
            UPDATE contact SET body = NULL
             WHERE "case" = NEW."case" AND version < NEW.version AND body IS NOT NULL;
            INSERT INTO event (kind, "case", adviser, at) VALUES (iif(NEW.body IS NULL, 'contact.taken_out',
                'contact.kept'), NEW."case", NEW.adviser, NEW.at);
        END;

        CREATE TABLE identity_reveal (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            "case" INTEGER NOT NULL,
            adviser INTEGER NOT NULL REFERENCES adviser (id),
            reason TEXT NOT NULL CONSTRAINT known_reveal_reason CHECK
                (reason IN ('call_back', 'danger', 'court_or_police', 'their_request', 'mistake', 'other')),
            words BLOB,
            at INTEGER NOT NULL
        ) STRICT;
        CREATE INDEX identity_reveal_of_case ON identity_reveal ("case", id);
        CREATE TRIGGER reveal_is_next BEFORE INSERT ON identity_reveal
        WHEN EXISTS (SELECT 1 FROM identity_reveal WHERE id = NEW.id)
        BEGIN SELECT RAISE(ABORT, 'reveal_is_next'); END;
        CREATE TRIGGER reveal_says_why BEFORE INSERT ON identity_reveal
        WHEN NEW.words IS NULL
        BEGIN SELECT RAISE(ABORT, 'reveal_says_why'); END;
        CREATE TRIGGER reveal_by_who_may BEFORE INSERT ON identity_reveal
        WHEN NOT EXISTS (SELECT 1 FROM adviser JOIN queue_item ON queue_item."case" = NEW."case"
            WHERE adviser.id = NEW.adviser AND adviser.disabled_at IS NULL
            AND (queue_item.holder = adviser.id OR adviser.role IN ('senior', 'lead')))
        BEGIN SELECT RAISE(ABORT, 'reveal_by_who_may'); END;
        CREATE TRIGGER reveal_is_kept BEFORE UPDATE ON identity_reveal
        WHEN NEW.words IS NOT NULL OR NEW.id <> OLD.id OR NEW."case" <> OLD."case" OR NEW.adviser <> OLD.adviser
            OR NEW.reason <> OLD.reason OR NEW.at <> OLD.at
        BEGIN SELECT RAISE(ABORT, 'reveal_is_kept'); END;
        CREATE TRIGGER reveal_stays BEFORE DELETE ON identity_reveal
        BEGIN SELECT RAISE(ABORT, 'reveal_stays'); END;
        CREATE TRIGGER reveal_told AFTER INSERT ON identity_reveal
        BEGIN INSERT INTO event (kind, "case", adviser, at)
            VALUES ('identity.revealed', NEW."case", NEW.adviser, NEW.at); END;

        CREATE TABLE case_link (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            "case" INTEGER NOT NULL REFERENCES cases (id),
            other INTEGER NOT NULL REFERENCES cases (id),
            verdict TEXT NOT NULL CONSTRAINT known_verdict CHECK (verdict IN ('confirmed', 'dismissed')),
            adviser INTEGER NOT NULL REFERENCES adviser (id),
            at INTEGER NOT NULL,
            CONSTRAINT link_of_two CHECK ("case" < other)
        ) STRICT;
        CREATE INDEX case_link_of_pair ON case_link ("case", other, id);
        CREATE INDEX case_link_of_other ON case_link (other);
        CREATE TRIGGER link_is_next BEFORE INSERT ON case_link
        WHEN EXISTS (SELECT 1 FROM case_link WHERE id = NEW.id)
        BEGIN SELECT RAISE(ABORT, 'link_is_next'); END;
        CREATE TRIGGER link_says_something_new BEFORE INSERT ON case_link
        WHEN NEW.verdict IS (SELECT verdict FROM case_link WHERE "case" = NEW."case" AND other = NEW.other
            ORDER BY id DESC LIMIT 1)
        BEGIN SELECT RAISE(ABORT, 'link_says_something_new'); END;
        CREATE TRIGGER link_without_practice BEFORE INSERT ON case_link
        WHEN EXISTS (SELECT 1 FROM cases WHERE id IN (NEW."case", NEW.other) AND conversation < 0)
        BEGIN SELECT RAISE(ABORT, 'link_without_practice'); END;
        CREATE TRIGGER link_is_kept BEFORE UPDATE ON case_link
        BEGIN SELECT RAISE(ABORT, 'link_is_kept'); END;
        CREATE TRIGGER link_is_kept_while_open BEFORE DELETE ON case_link
        WHEN EXISTS (SELECT 1 FROM queue_item WHERE "case" IN (OLD."case", OLD.other)
            AND state NOT IN ('done', 'abandoned'))
        BEGIN SELECT RAISE(ABORT, 'link_is_kept_while_open'); END;
        CREATE TRIGGER link_told AFTER INSERT ON case_link
        BEGIN INSERT INTO event (kind, "case", adviser, at) VALUES
            ('link.' || NEW.verdict, NEW."case", NEW.adviser, NEW.at),
            ('link.' || NEW.verdict, NEW.other, NEW.adviser, NEW.at); END;
        """,
    )
