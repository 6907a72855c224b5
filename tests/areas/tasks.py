"""Tasks, takedowns, reminders."""
# ruff: noqa: E501 - one statement a line reads better in a table

from tests.areas import HOLD

WHO_MAY = {
    ("GET", "tasks"): HOLD,
    ("GET", "task"): HOLD,
    ("POST", "move_task"): HOLD,
    ("GET", "case_tasks"): HOLD,
    ("POST", "add_task"): HOLD,
    ("POST", "add_takedown"): HOLD,
    ("GET", "takedown"): HOLD,
    ("POST", "takedown_step"): HOLD,
    ("POST", "ask_again"): HOLD,
}

HOUR = 3_600_000
TASK = """INSERT INTO task ("case", seq, kind, words, takedown, assignee, due_at, state, moved_at, added_at, client_id)
    VALUES (1, 1, 'follow_up', x'00', NULL, 1, 9, 'open', 0, 0, 'a')"""
DONE = "UPDATE task SET state = 'done', move = 'done', version = version + 1"
TAKEDOWN = """INSERT INTO takedown ("case", seq, platform, what, link, added_by, added_at, client_id)
    VALUES (1, 1, 'tiktok', 'account', x'00', 1, 0, 'a')"""


def step(seq: int, stage: str, who: str = "adviser", adviser: str = "1", at: int = 0, **more: str) -> str:
    reference, written = more.get("reference", "NULL"), more.get("written", str(at))
    return f"INSERT INTO takedown_step VALUES (1, {seq}, '{stage}', '{who}', {adviser}, {reference}, {at}, {written})"


REPORTED = (TAKEDOWN, step(1, "reported"))
NEVER_REPORTED = (TAKEDOWN, step(1, "guided"), step(2, "withdrawn"), step(3, "still_up"))
ON_BEHALF = (*REPORTED, step(2, "on_behalf"))
REMINDER = """INSERT INTO reminder ("case", conversation, kind, takedown, task, due_at, made_at) VALUES (1, 1, 'still_up', 1, NULL, 9, 0)"""
PLANNED = (*REPORTED, REMINDER)
SENT = (*PLANNED, "UPDATE reminder SET sent_at = 10")
ANSWERED = (*SENT, "UPDATE reminder SET answered_at = 11, answer = 'gone'")

REFUSED = [
    # tasks
    ("task_is_new", (TASK,), TASK.replace("(1, 1, 'follow_up'", "(1, 3, 'follow_up'").replace("'a')", "'b')")),
    ("task_is_new", (TASK,), TASK.replace("(1, 1, 'follow_up'", "(1, 2, 'follow_up'")),
    ("task_is_new", (), TASK.replace("'open'", "'done'")),
    ("task_given_to_who_may_hold", (), TASK.replace("NULL, 1, 9", "NULL, 3, 9")),
    ("task_given_to_who_may_hold", (), TASK.replace("NULL, 1, 9", "NULL, 4, 9")),
    ("task_passed_to_who_may_hold", (TASK,), "UPDATE task SET assignee = 3, move = 'assigned', version = 1"),
    ("task_moves", (TASK,), DONE.replace("version + 1", "version")),
    ("task_moves", (TASK,), DONE.replace("move = 'done'", "move = 'put_off'")),
    ("task_moves", (TASK, DONE), "UPDATE task SET due_at = 99, move = 'put_off', version = version + 1"),
    ("task_moves", (TASK,), "UPDATE task SET assignee = 2"),
    ("task_is_kept", (TASK,), "UPDATE task SET words = x'01'"),
    ("task_is_kept", (TASK,), "UPDATE task SET kind = 'refer'"),
    ("task_stays", (TASK,), "DELETE FROM task"),
    ("task_kind_is_a_code", (), TASK.replace("'follow_up'", "'Ring Mr Smith'")),
    ("known_task_state", (TASK, "DROP TRIGGER task_moves"), "UPDATE task SET state = 'lost'"),
    ("task_client_id_is_short", (), TASK.replace("'a')", "hex(zeroblob(40)))")),
    # takedowns
    ("takedown_is_new", (TAKEDOWN,), TAKEDOWN.replace("(1, 1, 'tiktok'", "(1, 2, 'tiktok'")),
    ("takedown_is_new", (TAKEDOWN,), TAKEDOWN.replace("(1, 1, 'tiktok'", "(1, 3, 'tiktok'").replace("'a')", "'b')")),
    ("takedown_no_link_to_an_image", ("DROP TRIGGER cases_are_kept", "UPDATE cases SET concern = 'nudes'"), TAKEDOWN),
    ("takedown_no_link_to_an_image", ("UPDATE queue_item SET issue = 'illegal_content'",), TAKEDOWN),
    ("takedown_is_kept", REPORTED, "UPDATE takedown SET platform = 'x'"),
    ("takedown_is_kept", REPORTED, "UPDATE takedown SET link = x'01'"),
    ("takedown_platform_is_a_code", (), TAKEDOWN.replace("'tiktok'", "'Mr Smith'")),
    ("known_thing", (), TAKEDOWN.replace("'account'", "'child'")),
    ("takedown_client_id_is_short", (), TAKEDOWN.replace("'a')", "hex(zeroblob(40)))")),
    ("takedown_step_follows", (TAKEDOWN,), step(1, "removed")),
    ("takedown_step_follows", REPORTED, step(3, "still_up")),
    ("takedown_step_follows", REPORTED, step(2, "guided")),
    ("takedown_step_follows", (TAKEDOWN, step(1, "reported", at=5)), step(2, "still_up", at=4)),
    ("takedown_step_follows", REPORTED, step(2, "asked_again", at=1)),
    ("takedown_step_follows", (*ON_BEHALF, step(3, "still_up")), step(4, "asked")),
    ("takedown_step_follows", (*REPORTED, step(2, "removed")), step(3, "on_behalf")),
    ("takedown_clock_waits", REPORTED, step(2, "asked", "clock", "NULL", 48 * HOUR - 1)),
    ("takedown_clock_waits", NEVER_REPORTED, step(4, "asked", "clock", "NULL", 48 * HOUR)),
    ("takedown_clock_waits", ON_BEHALF, step(3, "asked_again", "clock", "NULL", 72 * HOUR - 1)),
    ("takedown_step_is_kept", REPORTED, "UPDATE takedown_step SET stage = 'guided'"),
    ("takedown_step_is_kept", REPORTED, "UPDATE takedown_step SET reference = x'01'"),
    ("takedown_step_stays", REPORTED, "DELETE FROM takedown_step"),
    ("known_stage", (TAKEDOWN, "DROP TRIGGER takedown_step_follows"), step(1, "lost")),
    ("known_doer", (TAKEDOWN,), step(1, "reported", "nobody")),
    ("step_of_an_adviser_names_them", (TAKEDOWN,), step(1, "reported", adviser="NULL")),
    ("clock_only_asks", (TAKEDOWN,), step(1, "reported", "clock", "NULL")),
    ("we_ask_on_behalf", REPORTED, step(2, "on_behalf", "enquirer")),
    ("step_has_happened", (TAKEDOWN,), step(1, "reported", at=5, written="4")),
    ("reference_of_a_report", (TAKEDOWN,), step(1, "guided", reference="x'00'")),
    # reminders
    ("reminder_begins_planned", REPORTED, REMINDER.replace("made_at)", "made_at, sent_at)").replace("9, 0)", "9, 0, 1)")),
    ("reminder_begins_planned", REPORTED, REMINDER.replace("(1, 1, 'still_up'", "(1, 7, 'still_up'")),
    ("reminder_goes_forward", SENT, "UPDATE reminder SET sent_at = 11"),
    ("reminder_goes_forward", PLANNED, "UPDATE reminder SET due_at = 11"),
    ("reminder_goes_forward", ANSWERED, "UPDATE reminder SET answer = 'still_up'"),
    ("reminder_goes_forward", (*PLANNED, "UPDATE reminder SET dropped_at = 1, dropped_for = 'left'"), "UPDATE reminder SET sent_at = 2"),
    ("reminder_reaches_somebody", (*REPORTED, "DROP TRIGGER reminder_begins_planned"), REMINDER.replace("(1, 1, 'still_up'", "(1, -1, 'still_up'")),
    ("known_reminder", REPORTED, REMINDER.replace("'still_up'", "'nag'")),
    ("known_answer", SENT, "UPDATE reminder SET answered_at = 11, answer = 'maybe'"),
    ("known_drop", PLANNED, "UPDATE reminder SET dropped_at = 1, dropped_for = 'Mr Smith'"),
    ("reminder_is_about_one_thing", (*REPORTED, TASK), REMINDER.replace("1, NULL, 9", "1, 1, 9")),
    ("reminder_is_about_one_thing", REPORTED, REMINDER.replace("1, NULL, 9", "NULL, NULL, 9")),
    ("answered_once_sent", PLANNED, "UPDATE reminder SET answered_at = 1, answer = 'gone'"),
    ("answered_with_an_answer", SENT, "UPDATE reminder SET answered_at = 11"),
    ("dropped_for_a_reason", PLANNED, "UPDATE reminder SET dropped_at = 11"),
    ("answered_or_dropped", SENT, "UPDATE reminder SET answered_at = 1, answer = 'gone', dropped_at = 1, dropped_for = 'left'"),
]  # fmt: skip
