"""Accounts that a lead looks after: one-time passwords, and somebody who can always let others in."""

from sqlite_utils import Database

from handoff.migrations.register import migrations, run


@migrations()
def accounts(db: Database) -> None:
    """`one_time_password`: whose password somebody else chose; they must choose their own before anything else."""
    run(
        db,
        """
        CREATE TABLE one_time_password (
            adviser INTEGER PRIMARY KEY REFERENCES adviser (id),
            good_until INTEGER NOT NULL
        ) STRICT;
        CREATE TRIGGER a_lead_remains BEFORE UPDATE OF role, disabled_at ON adviser
        WHEN OLD.role = 'lead' AND OLD.disabled_at IS NULL AND (NEW.role <> 'lead' OR NEW.disabled_at IS NOT NULL)
            AND NOT EXISTS (SELECT 1 FROM adviser WHERE role = 'lead' AND disabled_at IS NULL AND id <> OLD.id)
        BEGIN SELECT RAISE(ABORT, 'a_lead_remains'); END;
        """,
    )
