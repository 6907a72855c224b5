"""How far an adviser's message got: forward only, because receipts overtake each other.

Back to waiting goes only what was in hand, and what a provider took and then gave back (the reply window had closed).
"""

import sqlite3
from datetime import datetime

from handoff.domain import DeliveryState, MessageId
from handoff.moments import to_ms

_DELIVERY = """
UPDATE delivery SET state = :state, reason = :reason, at = :now WHERE message = :message AND state IN (
    SELECT value FROM json_each(:before)) AND NOT (state = :state AND reason IS :reason)
"""
_BEFORE = {
    DeliveryState.QUEUED: '["queued", "sending"]',
    DeliveryState.SENDING: '["queued"]',
    DeliveryState.UNKNOWN: '["queued", "sending"]',
    DeliveryState.SENT: '["queued", "sending", "unknown"]',
    DeliveryState.DELIVERED: '["queued", "sending", "unknown", "sent"]',
    DeliveryState.READ: '["queued", "sending", "unknown", "sent", "delivered"]',
    DeliveryState.FAILED: '["queued", "sending", "unknown", "sent"]',
}
_GIVEN_BACK = '["queued", "sending", "sent"]'
WINDOW_CLOSED = "window_closed"


def record(
    conn: sqlite3.Connection, message_id: MessageId, state: DeliveryState, now: datetime, reason: str | None
) -> bool:
    """False, and nothing changed, when it had got further already."""
    before = _GIVEN_BACK if (state, reason) == (DeliveryState.QUEUED, WINDOW_CLOSED) else _BEFORE[state]
    told = {"state": state, "reason": reason, "now": to_ms(now), "message": message_id, "before": before}
    return conn.execute(_DELIVERY, told).rowcount == 1
