"""Things that ought not to be, counted: all zero while the service is well, under load too."""

import json
import sqlite3
from collections.abc import Collection, Mapping
from datetime import datetime, timedelta

from handoff.domain import DANGER_TIER, Rules
from handoff.moments import to_ms
from handoff.notifications import AFTER, TOLD_ON, Rung

GRACE = timedelta(seconds=60)
"""What is done every few seconds is late after this."""
QUEUED_FOR = timedelta(minutes=10)
UNSENT_FOR = timedelta(minutes=10)
"""Past a rung's own waiting time: a provider may well be away for a while."""


def counts(
    conn: sqlite3.Connection,
    now: datetime,
    rungs: Collection[Rung] = (),
    rules: Rules | None = None,
    fetched: Collection[str] = (),
) -> Mapping[str, int]:
    """How many of each kind; `rungs` are those of the ladder that are set up. Practice is not counted. On channels that
    are `fetched` a message waits for the enquirer to come and read it, however long: that is nothing of ours."""
    values = {
        "late": to_ms(now - GRACE),
        "now": to_ms(now),
        "queued": to_ms(now - QUEUED_FOR),
        "fresh": to_ms(now - (rules or Rules()).lease),
        "fetched": json.dumps(sorted(fetched)),
    }
    found = {kind: int(conn.execute(sql, values).fetchone()[0]) for kind, sql in _KINDS.items()}
    return {**found, "notification_unsent": sum(_unsent(conn, rung, now) for rung in rungs)}


def _unsent(conn: sqlite3.Connection, rung: Rung, now: datetime) -> int:
    kinds = sorted(TOLD_ON[rung])
    values = [
        *kinds,
        DANGER_TIER,
        to_ms(now - UNSENT_FOR),
        to_ms(now - AFTER[rung] - UNSENT_FOR),
        rung,
    ]
    return int(conn.execute(_UNSENT.format(kinds=", ".join("?" * len(kinds))), values).fetchone()[0])


_KINDS: Mapping[str, str] = {
    "lease_over": """
        SELECT count(*) FROM queue_item INDEXED BY queue_held
         WHERE holder IS NOT NULL AND state = 'claimed' AND conversation > 0 AND lease_until <= :late""",
    "offer_over": """
        SELECT count(*) FROM queue_item INDEXED BY queue_held
         WHERE holder IS NOT NULL AND state = 'offered' AND conversation > 0 AND offer_until <= :late""",
    "call_back_asleep": "SELECT count(*) FROM queue_item WHERE wake_at <= :late AND conversation > 0",
    "overdue_unseen": """
        SELECT count(*) FROM queue_item INDEXED BY queue_order
         WHERE state = 'waiting' AND conversation > 0 AND due_at <= :late
            AND NOT EXISTS (SELECT 1 FROM adviser WHERE available AND disabled_at IS NULL
                AND role IN ('adviser', 'senior', 'lead') AND heartbeat_at > :fresh)""",
    "voice_without_holder": """
        SELECT count(*) FROM voice v WHERE v.speaker = 'adviser' AND v.conversation > 0 AND NOT EXISTS (
            SELECT 1 FROM queue_item q
             WHERE q.conversation = v.conversation AND q.holder IS NOT NULL AND q.left_at IS NULL)""",
    "message_queued": """
        SELECT count(*) FROM delivery d JOIN message m ON m.id = d.message JOIN cases c ON c.id = m."case"
         WHERE d.state IN ('queued', 'sending') AND d.reason IS NULL AND d.at <= :queued AND c.conversation > 0
            AND c.channel NOT IN (SELECT value FROM json_each(:fetched))""",
    "held_by_disabled": """
        SELECT count(*) FROM queue_item q INDEXED BY queue_held JOIN adviser a ON a.id = q.holder
         WHERE q.holder IS NOT NULL AND a.disabled_at IS NOT NULL AND q.conversation > 0""",
}
"""Over indexes that ended cases are not in, as this is asked often. `overdue_unseen`: waiting past its time while
nobody is on duty with a console that is heard from."""
_UNSENT = """
SELECT count(*) FROM notification n WHERE n.acked_at IS NULL AND n.kind IN ({kinds})
   AND n.made_at <= iif(n.tier = ?, ?, ?)
   AND NOT EXISTS (SELECT 1 FROM notification_step s WHERE s.notification = n.id AND s.rung = ?)
"""
