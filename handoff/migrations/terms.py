"""School terms, as the service sets them."""

from sqlite_utils import Database

from handoff.migrations.register import migrations, run


@migrations()
def school_terms(db: Database) -> None:
    """Terms that charts over time are shaded with. None is shipped: dates differ by council and by year.

    `nation` NULL: of all nations. Both days are in the term. `source`: where the dates are from. A term that was wrong
    is removed and stays written; another is put beside it.
    """
    run(
        db,
        """
        CREATE TABLE school_term (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            name TEXT NOT NULL CONSTRAINT school_term_has_a_name CHECK (length(trim(name)) BETWEEN 1 AND 60),
            nation TEXT CONSTRAINT school_term_of_a_nation CHECK
                (nation IN ('england', 'wales', 'scotland', 'northern_ireland')),
            first TEXT NOT NULL CONSTRAINT school_term_first_is_a_day CHECK (first IS date(first)),
            last TEXT NOT NULL CONSTRAINT school_term_last_is_a_day CHECK (last IS date(last)),
            source TEXT NOT NULL CONSTRAINT school_term_says_where_from CHECK
                (length(trim(source)) BETWEEN 1 AND 200),
            added_by INTEGER NOT NULL REFERENCES adviser (id),
            added_at INTEGER NOT NULL,
            removed_by INTEGER REFERENCES adviser (id),
            removed_at INTEGER,
            CONSTRAINT school_term_ends_after_it_begins CHECK (last >= first),
            CONSTRAINT school_term_is_no_year CHECK (julianday(last) - julianday(first) < 200),
            CONSTRAINT school_term_removed_by_somebody CHECK ((removed_at IS NULL) = (removed_by IS NULL))
        ) STRICT;
        CREATE INDEX school_term_last ON school_term (last) WHERE removed_at IS NULL;
        CREATE TRIGGER school_term_is_new BEFORE INSERT ON school_term
        WHEN NEW.removed_at IS NOT NULL OR EXISTS (SELECT 1 FROM school_term WHERE id = NEW.id)
            OR EXISTS (SELECT 1 FROM school_term WHERE removed_at IS NULL AND nation IS NEW.nation
                AND first = NEW.first AND last = NEW.last)
        BEGIN SELECT RAISE(ABORT, 'school_term_is_new'); END;
        CREATE TRIGGER school_term_by_a_lead BEFORE INSERT ON school_term
        WHEN NOT EXISTS (SELECT 1 FROM adviser WHERE id = NEW.added_by AND role = 'lead' AND disabled_at IS NULL)
        BEGIN SELECT RAISE(ABORT, 'school_term_by_a_lead'); END;
        CREATE TRIGGER school_term_removed_by_a_lead BEFORE UPDATE ON school_term
        WHEN NOT EXISTS (SELECT 1 FROM adviser WHERE id = NEW.removed_by AND role = 'lead' AND disabled_at IS NULL)
        BEGIN SELECT RAISE(ABORT, 'school_term_removed_by_a_lead'); END;
        CREATE TRIGGER school_term_is_only_removed BEFORE UPDATE ON school_term
        WHEN OLD.removed_at IS NOT NULL OR NEW.id <> OLD.id OR NEW.name <> OLD.name OR NEW.nation IS NOT OLD.nation
            OR NEW.first <> OLD.first OR NEW.last <> OLD.last OR NEW.source <> OLD.source
            OR NEW.added_by <> OLD.added_by OR NEW.added_at <> OLD.added_at
        BEGIN SELECT RAISE(ABORT, 'school_term_is_only_removed'); END;
        CREATE TRIGGER school_term_stays BEFORE DELETE ON school_term
        BEGIN SELECT RAISE(ABORT, 'school_term_stays'); END;
        CREATE TRIGGER school_term_added AFTER INSERT ON school_term
        BEGIN INSERT INTO event (kind, "case", adviser, at)
            VALUES ('terms.added', NULL, NEW.added_by, NEW.added_at); END;
        CREATE TRIGGER school_term_removed AFTER UPDATE ON school_term
        BEGIN INSERT INTO event (kind, "case", adviser, at)
            VALUES ('terms.removed', NULL, NEW.removed_by, NEW.removed_at); END;
        """,
    )
