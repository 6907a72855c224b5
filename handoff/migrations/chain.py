"""The audit chain: every event sealed onto the one before it. The functions are `handoff.chain.teach`'s."""

from sqlite_utils import Database

from handoff.migrations.register import migrations, run


@migrations()
def event_chain(db: Database) -> None:
    """`event_chain`: a keyed mark for each event over the mark before it. `event_head`: one over the newest of them.

    What an older trail already has is sealed as it stands, and `chain.began` is written after it.
    """
    run(
        db,
        """
        CREATE TABLE event_chain (
            seq INTEGER PRIMARY KEY,
            mark BLOB NOT NULL CONSTRAINT mark_is_a_mark CHECK (length(mark) = 16)
        ) STRICT;
        CREATE TABLE event_head (
            one INTEGER PRIMARY KEY CONSTRAINT one_head CHECK (one = 1),
            seq INTEGER NOT NULL,
            mark BLOB NOT NULL CONSTRAINT head_is_a_mark CHECK (length(mark) = 16)
        ) STRICT;
        """,
    )
    for (seq,) in db.execute("SELECT seq FROM event ORDER BY seq").fetchall():
        db.execute(
            "INSERT INTO event_chain SELECT seq, event_mark((SELECT mark FROM event_chain WHERE seq = ?1 - 1), seq,"
            ' kind, "case", adviser, at) FROM event WHERE seq = ?1',
            [seq],
        )
    run(
        db,
        """
        INSERT INTO event_head SELECT 1, coalesce(max(seq), 0), head_mark(coalesce(max(seq), 0),
            coalesce((SELECT mark FROM event_chain ORDER BY seq DESC LIMIT 1), x'')) FROM event_chain;
        CREATE TRIGGER event_is_sealed AFTER INSERT ON event
        BEGIN
            INSERT INTO event_chain VALUES (NEW.seq, event_mark((SELECT mark FROM event_chain WHERE seq = NEW.seq - 1),
                NEW.seq, NEW.kind, NEW."case", NEW.adviser, NEW.at));
            UPDATE event_head SET seq = NEW.seq,
                mark = head_mark(NEW.seq, (SELECT mark FROM event_chain WHERE seq = NEW.seq));
        END;
        CREATE TRIGGER chain_goes_on BEFORE INSERT ON event_chain
        WHEN NEW.seq <= (SELECT seq FROM event_head) OR NOT EXISTS (SELECT 1 FROM event WHERE seq = NEW.seq)
        BEGIN SELECT RAISE(ABORT, 'chain_goes_on'); END;
        CREATE TRIGGER chain_is_kept BEFORE UPDATE ON event_chain BEGIN SELECT RAISE(ABORT, 'chain_is_kept'); END;
        CREATE TRIGGER chain_stays BEFORE DELETE ON event_chain BEGIN SELECT RAISE(ABORT, 'chain_stays'); END;
        CREATE TRIGGER head_goes_forward BEFORE UPDATE ON event_head
        WHEN NEW.one <> OLD.one OR NEW.seq <= OLD.seq
        BEGIN SELECT RAISE(ABORT, 'head_goes_forward'); END;
        CREATE TRIGGER head_is_the_only_one BEFORE INSERT ON event_head
        WHEN EXISTS (SELECT 1 FROM event_head)
        BEGIN SELECT RAISE(ABORT, 'head_is_the_only_one'); END;
        CREATE TRIGGER head_stays BEFORE DELETE ON event_head BEGIN SELECT RAISE(ABORT, 'head_stays'); END;
        INSERT INTO event (kind, at) SELECT 'chain.began', at FROM event ORDER BY seq DESC LIMIT 1;
        """,
    )
