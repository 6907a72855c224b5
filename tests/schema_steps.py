"""Steps in raw SQL that bring case 1 into each state: what the schema's tests begin from."""
# ruff: noqa: E501 - one statement a line reads better in a table

CLAIM = """UPDATE queue_item SET state = 'claimed', holder = 1, lease_until = 9, move = 'claimed', moved_by = 1,
    version = version + 1 WHERE "case" = 1"""
MESSAGE = """INSERT INTO message ("case", seq, author, adviser, body, client_id, epoch, at)
    VALUES (1, {seq}, {author}, {adviser}, x'00', {client}, {epoch}, 0)"""


def says(seq: int = 1, author: str = "adviser", adviser: str = "1", client: str = "'a'", epoch: int = 1) -> str:
    return MESSAGE.format(seq=seq, author=f"'{author}'", adviser=adviser, client=client, epoch=epoch)


ACTIVE = (
    CLAIM,
    """UPDATE queue_item SET state = 'active', move = 'answered', version = version + 1 WHERE "case" = 1""",
    says(),
)
WRAPPED = (
    *ACTIVE,
    """UPDATE queue_item SET state = 'wrap_up', move = 'wrapping_up', version = version + 1 WHERE "case" = 1""",
)
CLOSE = """UPDATE queue_item SET state = 'done', move = 'closed', issue = 'x', outcome = 'y', forget_at = 1, holder = NULL,
    lease_until = NULL, version = version + 1 WHERE "case" = 1"""
DONE = (
    *WRAPPED,
    """INSERT INTO note ([case], seq, adviser, body, at, client_id) VALUES (1, 1, 1, x'00', 0, 'a')""",
    CLOSE,
)
OFFERED = (
    *ACTIVE,
    """UPDATE queue_item SET state = 'offered', move = 'offered', offered_to = 2, offer_until = 9,
        version = version + 1 WHERE "case" = 1""",
)
LEFT = (*WRAPPED, 'UPDATE queue_item SET left_at = 5 WHERE "case" = 1')
SECOND = (
    """INSERT INTO cases (reference, conversation, reason, channel, language, library, opened_at, opened_on, opened_hour)
        VALUES ('FL-2222-22', 2, 'asked', 'web', 'en', 'v1', 0, '2026-03-02', 9)""",
    "INSERT INTO voice VALUES (2, 'bot', 0)",
    """INSERT INTO queue_item ("case", conversation, tier, due_at, state, moved_at) VALUES (2, 2, 2, 9, 'waiting', 0)""",
)
