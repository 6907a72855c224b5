"""Reports that were passed on: what later ones must not give away together with them."""

from sqlite_utils import Database

from handoff.migrations.register import migrations, run


@migrations()
def reports_passed_on(db: Database) -> None:
    """A report is out for good: what it told can be put beside what any later one tells.

    `released_cell`: every number that is not 0, with the days it is of (`end` is not counted); without `value` where
    it was not told. `split` and `codes` are joined by commas. `released_split`: the tables it had; what stands in one
    of them and is not in `released_cell` was told as 0. The row of `released` is written last and seals them.
    """
    run(
        db,
        """
        CREATE TABLE released (
            number INTEGER PRIMARY KEY,
            first TEXT NOT NULL CONSTRAINT released_from_a_day CHECK (first IS date(first)),
            end TEXT NOT NULL CONSTRAINT released_to_a_later_day CHECK (end IS date(end) AND end > first),
            compared_first TEXT CONSTRAINT released_compared_from_a_day CHECK (compared_first IS date(compared_first)),
            compared_end TEXT CONSTRAINT released_compared_is_before CHECK
                (compared_end IS date(compared_end) AND compared_end > compared_first AND compared_end <= first),
            made_by INTEGER REFERENCES adviser (id),
            at INTEGER NOT NULL,
            CONSTRAINT released_compared_has_both CHECK ((compared_first IS NULL) = (compared_end IS NULL))
        ) STRICT;
        CREATE TABLE released_split (
            release INTEGER NOT NULL,
            kind TEXT NOT NULL,
            split TEXT NOT NULL,
            first TEXT NOT NULL,
            end TEXT NOT NULL,
            PRIMARY KEY (release, kind, split, first, end),
            CONSTRAINT released_split_in_codes CHECK (NOT (kind || split || first || end) GLOB '*[^a-z0-9_,-]*')
        ) STRICT, WITHOUT ROWID;
        CREATE TABLE released_cell (
            release INTEGER NOT NULL,
            kind TEXT NOT NULL,
            split TEXT NOT NULL,
            codes TEXT NOT NULL,
            first TEXT NOT NULL,
            end TEXT NOT NULL,
            value INTEGER CONSTRAINT released_nothing_small CHECK (value >= 5),
            PRIMARY KEY (release, kind, split, codes, first, end),
            CONSTRAINT released_in_codes CHECK
                (NOT (kind || split || codes || first || end) GLOB '*[^a-zA-Z0-9_.,-]*')
        ) STRICT, WITHOUT ROWID;

        CREATE TRIGGER released_split_before_its_report BEFORE INSERT ON released_split
        WHEN NEW.release <> (SELECT coalesce(max(number), 0) + 1 FROM released)
        BEGIN SELECT RAISE(ABORT, 'released_split_before_its_report'); END;
        CREATE TRIGGER released_split_is_kept BEFORE UPDATE ON released_split
        BEGIN SELECT RAISE(ABORT, 'released_split_is_kept'); END;
        CREATE TRIGGER released_split_stays BEFORE DELETE ON released_split
        BEGIN SELECT RAISE(ABORT, 'released_split_stays'); END;
        CREATE TRIGGER released_cell_before_its_report BEFORE INSERT ON released_cell
        WHEN NEW.release <> (SELECT coalesce(max(number), 0) + 1 FROM released)
        BEGIN SELECT RAISE(ABORT, 'released_cell_before_its_report'); END;
        CREATE TRIGGER released_cell_once BEFORE INSERT ON released_cell
        WHEN EXISTS (SELECT 1 FROM released_cell WHERE release = NEW.release AND kind = NEW.kind
            AND split = NEW.split AND codes = NEW.codes AND first = NEW.first AND end = NEW.end)
        BEGIN SELECT RAISE(ABORT, 'released_cell_once'); END;
        CREATE TRIGGER released_cell_is_kept BEFORE UPDATE ON released_cell
        BEGIN SELECT RAISE(ABORT, 'released_cell_is_kept'); END;
        CREATE TRIGGER released_cell_stays BEFORE DELETE ON released_cell
        BEGIN SELECT RAISE(ABORT, 'released_cell_stays'); END;
        CREATE TRIGGER released_is_next BEFORE INSERT ON released
        WHEN NEW.number <> (SELECT coalesce(max(number), 0) + 1 FROM released)
        BEGIN SELECT RAISE(ABORT, 'released_is_next'); END;
        CREATE TRIGGER released_is_kept BEFORE UPDATE ON released
        BEGIN SELECT RAISE(ABORT, 'released_is_kept'); END;
        CREATE TRIGGER released_stays BEFORE DELETE ON released
        BEGIN SELECT RAISE(ABORT, 'released_stays'); END;
        CREATE TRIGGER released_told AFTER INSERT ON released
        BEGIN INSERT INTO event (kind, "case", adviser, at)
            VALUES ('report.passed_on', NULL, NEW.made_by, NEW.at); END;
        """,
    )


@migrations()
def facts_by_what(db: Database) -> None:
    """So that the last weeks are counted by concern, platform and nation from the index alone (reports/surges.py)."""
    db.execute("CREATE INDEX case_facts_by_what ON case_facts (period, issue, concern, platform, nation)")
