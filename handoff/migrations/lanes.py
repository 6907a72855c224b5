"""Lanes of the queue, agreed call-backs, and practice: cases of nobody, which no figure and no colleague ever sees."""

from sqlite_utils import Database

from handoff.migrations.register import migrations, run


@migrations()
def lanes(db: Database) -> None:
    """`lane`: where a case stands on the board; a live one, a message left for later, an agreed call-back.
    `agreed_for`: the time of the call-back, kept when it has come. A practice case has a negative conversation."""
    run(
        db,
        """
        ALTER TABLE queue_item ADD COLUMN lane TEXT NOT NULL DEFAULT 'live'
            CONSTRAINT known_lane CHECK (lane IN ('live', 'messages', 'call_backs'));
        ALTER TABLE queue_item ADD COLUMN agreed_for INTEGER;
        ALTER TABLE cases ADD COLUMN practice INTEGER NOT NULL GENERATED ALWAYS AS (conversation < 0) VIRTUAL;
        DROP INDEX queue_order;
        CREATE INDEX queue_order ON queue_item (tier > 0, due_at, "case")
            WHERE state = 'waiting' AND conversation > 0;
        """,
    )
