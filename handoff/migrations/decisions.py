"""Decisions by a framework with their rationale, second readings of them, and gaps in the content."""

from sqlite_utils import Database

from handoff.migrations.register import migrations, run


@migrations()
def decisions(db: Database) -> None:
    """What was decided by which page's rule; once, by the holder, never changed. `body` holds the rule, the framework,
    the answers and the rationale. A second reading is somebody else's, once."""
    run(
        db,
        """
        CREATE TABLE decision (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            "case" INTEGER NOT NULL REFERENCES cases (id),
            adviser INTEGER NOT NULL REFERENCES adviser (id),
            page TEXT NOT NULL CONSTRAINT decision_names_a_page CHECK
                (length(page) BETWEEN 1 AND 80 AND NOT page GLOB '*[^a-z0-9_-]*'),
            route TEXT NOT NULL CONSTRAINT known_route CHECK
                (route IN ('emergency', 'refer_today', 'tell_lead', 'handle', 'information')),
            nation TEXT CONSTRAINT decision_in_a_nation CHECK
                (nation IN ('england', 'wales', 'scotland', 'northern_ireland')),
            library TEXT NOT NULL,
            tier INTEGER NOT NULL CONSTRAINT decision_at_a_tier CHECK (tier BETWEEN 0 AND 3),
            second_wanted INTEGER NOT NULL CONSTRAINT second_wanted_is_yes_or_no CHECK (second_wanted IN (0, 1)),
            body BLOB NOT NULL,
            client_id TEXT NOT NULL CONSTRAINT decision_client_id_is_short CHECK (length(client_id) BETWEEN 1 AND 64),
            at INTEGER NOT NULL
        ) STRICT;
        CREATE UNIQUE INDEX decision_once ON decision ("case", client_id);
        CREATE INDEX decision_second_wanted ON decision (at) WHERE second_wanted = 1;
        CREATE TABLE second_reading (
            decision INTEGER PRIMARY KEY REFERENCES decision (id),
            adviser INTEGER NOT NULL REFERENCES adviser (id),
            agrees INTEGER NOT NULL CONSTRAINT agrees_is_yes_or_no CHECK (agrees IN (0, 1)),
            body BLOB NOT NULL,
            at INTEGER NOT NULL
        ) STRICT;

        CREATE TRIGGER decision_is_new BEFORE INSERT ON decision
        WHEN EXISTS (SELECT 1 FROM decision WHERE id = NEW.id OR ("case" = NEW."case" AND client_id = NEW.client_id))
        BEGIN SELECT RAISE(ABORT, 'decision_is_new'); END;
        CREATE TRIGGER decision_only_by_the_holder BEFORE INSERT ON decision
        WHEN NOT EXISTS (SELECT 1 FROM queue_item WHERE "case" = NEW."case" AND holder = NEW.adviser)
        BEGIN SELECT RAISE(ABORT, 'decision_only_by_the_holder'); END;
        CREATE TRIGGER decision_is_kept BEFORE UPDATE ON decision
        BEGIN SELECT RAISE(ABORT, 'decision_is_kept'); END;
        CREATE TRIGGER decision_is_kept_while_open BEFORE DELETE ON decision
        WHEN EXISTS (SELECT 1 FROM queue_item WHERE "case" = OLD."case" AND state NOT IN ('done', 'abandoned'))
        BEGIN SELECT RAISE(ABORT, 'decision_is_kept_while_open'); END;
        CREATE TRIGGER decision_told AFTER INSERT ON decision
        BEGIN INSERT INTO event (kind, "case", adviser, at) VALUES (iif(NEW.second_wanted = 1,
            'decision.second_wanted', 'decision.made'), NEW."case", NEW.adviser, NEW.at); END;

        CREATE TRIGGER second_reading_once BEFORE INSERT ON second_reading
        WHEN EXISTS (SELECT 1 FROM second_reading WHERE decision = NEW.decision)
        BEGIN SELECT RAISE(ABORT, 'second_reading_once'); END;
        CREATE TRIGGER second_reading_by_another BEFORE INSERT ON second_reading
        WHEN NOT EXISTS (SELECT 1 FROM decision d JOIN adviser a ON a.id = NEW.adviser WHERE d.id = NEW.decision
            AND d.second_wanted = 1 AND d.adviser <> NEW.adviser AND a.disabled_at IS NULL
            AND a.role IN ('adviser', 'senior', 'lead'))
        BEGIN SELECT RAISE(ABORT, 'second_reading_by_another'); END;
        CREATE TRIGGER second_reading_is_kept BEFORE UPDATE ON second_reading
        BEGIN SELECT RAISE(ABORT, 'second_reading_is_kept'); END;
        CREATE TRIGGER second_reading_is_kept_while_open BEFORE DELETE ON second_reading
        WHEN EXISTS (SELECT 1 FROM decision d JOIN queue_item q ON q."case" = d."case" WHERE d.id = OLD.decision
            AND q.state NOT IN ('done', 'abandoned'))
        BEGIN SELECT RAISE(ABORT, 'second_reading_is_kept_while_open'); END;
        CREATE TRIGGER second_reading_told AFTER INSERT ON second_reading
        BEGIN INSERT INTO event (kind, "case", adviser, at)
            SELECT iif(NEW.agrees = 1, 'decision.agreed', 'decision.disputed'), "case", NEW.adviser, NEW.at
              FROM decision WHERE id = NEW.decision; END;
        """,
    )


@migrations()
def content_gaps(db: Database) -> None:
    """What advisers say is missing, wrong or old in the content. Of the case only the concern is kept."""
    run(
        db,
        """
        CREATE TABLE content_gap (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            kind TEXT NOT NULL CONSTRAINT known_gap CHECK (kind IN ('missing', 'wrong', 'old')),
            page TEXT CONSTRAINT gap_names_a_page CHECK
                (length(page) BETWEEN 1 AND 80 AND NOT page GLOB '*[^a-z0-9_-]*'),
            concern TEXT CONSTRAINT gap_in_codes CHECK (NOT concern GLOB '*[^a-z0-9_.-]*'),
            adviser INTEGER NOT NULL REFERENCES adviser (id),
            body BLOB NOT NULL,
            client_id TEXT NOT NULL CONSTRAINT gap_client_id_is_short CHECK (length(client_id) BETWEEN 1 AND 64),
            at INTEGER NOT NULL,
            state TEXT NOT NULL DEFAULT 'open' CONSTRAINT known_gap_state CHECK (state IN ('open', 'taken_up', 'done')),
            editor INTEGER REFERENCES adviser (id),
            answer BLOB,
            answered_at INTEGER,
            CONSTRAINT gap_is_somebodys CHECK ((state = 'open') = (editor IS NULL)),
            CONSTRAINT gap_is_answered CHECK (state <> 'done' OR (answer IS NOT NULL AND answered_at IS NOT NULL))
        ) STRICT;
        CREATE UNIQUE INDEX content_gap_once ON content_gap (client_id);
        CREATE TRIGGER gap_begins_open BEFORE INSERT ON content_gap
        WHEN NEW.state <> 'open' OR EXISTS (SELECT 1 FROM content_gap WHERE id = NEW.id OR client_id = NEW.client_id)
        BEGIN SELECT RAISE(ABORT, 'gap_begins_open'); END;
        CREATE TRIGGER gap_goes_forward BEFORE UPDATE ON content_gap
        WHEN NEW.id <> OLD.id OR NEW.kind <> OLD.kind OR NEW.page IS NOT OLD.page OR NEW.concern IS NOT OLD.concern
            OR NEW.adviser <> OLD.adviser OR NEW.body <> OLD.body OR NEW.client_id <> OLD.client_id OR NEW.at <> OLD.at
            OR OLD.state || '>' || NEW.state NOT IN ('open>taken_up', 'open>done', 'taken_up>done')
        BEGIN SELECT RAISE(ABORT, 'gap_goes_forward'); END;
        CREATE TRIGGER gap_is_kept_until_done BEFORE DELETE ON content_gap WHEN OLD.state <> 'done'
        BEGIN SELECT RAISE(ABORT, 'gap_is_kept_until_done'); END;
        CREATE TRIGGER gap_reported AFTER INSERT ON content_gap
        BEGIN INSERT INTO event (kind, "case", adviser, at) VALUES ('gap.reported', NULL, NEW.adviser, NEW.at); END;
        CREATE TRIGGER gap_moved AFTER UPDATE OF state ON content_gap
        BEGIN INSERT INTO event (kind, "case", adviser, at)
            VALUES ('gap.' || NEW.state, NULL, NEW.editor, NEW.answered_at); END;
        """,
    )
