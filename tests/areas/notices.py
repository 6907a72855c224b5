"""Notices."""

from tests.areas import HOLD

WHO_MAY = {
    ("GET", "notices"): HOLD,
    ("POST", "acknowledge"): HOLD,
}

NOTICE = (
    'INSERT INTO notification (kind, "case", audience, adviser, tier, dedupe_key, made_at)'
    " VALUES ('case_waits', 1, 'on_duty', NULL, 2, 'case_waits:9', 5)"
)
STEP = "INSERT INTO notification_step VALUES (1, 'email', 5)"

REFUSED = [
    ("notification_kind_is_a_code", (), NOTICE.replace("'case_waits',", "'Mr Smith',")),
    ("known_audience", (), NOTICE.replace("'on_duty'", "'everybody'")),
    ("known_notification_tier", (), NOTICE.replace("NULL, 2", "NULL, 9")),
    ("dedupe_key_is_coded", (), NOTICE.replace("'case_waits:9'", "'Mr Smith'")),
    ("told_of_once", (NOTICE,), NOTICE),
    ("one_adviser_is_named", (), NOTICE.replace("'on_duty'", "'adviser'")),
    ("one_adviser_is_named", (), NOTICE.replace("NULL, 2", "1, 2")),
    ("acked_at_some_time", ("DROP TRIGGER notification_is_kept", NOTICE), "UPDATE notification SET acked_by = 1"),
    ("notification_is_kept", (NOTICE,), "UPDATE notification SET tier = 0"),
    ("notification_is_kept", (NOTICE, "UPDATE notification SET acked_at = 6"), "UPDATE notification SET acked_at = 7"),
    ("known_rung", (NOTICE,), STEP.replace("'email'", "'fax'")),
    ("notification_step_is_kept", (NOTICE, STEP), "UPDATE notification_step SET at = 6"),
]
