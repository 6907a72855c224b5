"""Where each thing under pressure is tried: the list of what must hold, each with the tests that hold it.

A test that is renamed must be renamed here too. What no other file tries is tried below.
"""

import ast
import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from aiohttp.test_utils import TestServer

from handoff.domain import AdviserId, State
from handoff.takedowns import NewStep, NewTakedown, Stage, Takedowns, What, Who
from handoff.timetable import Timetable
from tests.demo_desk import OPEN, Clock, DemoDesk, desk_in
from tests.test_console import found, thread_of, visiting

HERE = Path(__file__).parent
TRIED: dict[str, tuple[str, ...]] = {
    "claim": (
        "test_claim_race::test_a_case_is_won_once_however_many_reach_for_it",
        "test_claim_race::test_the_race_would_see_two_holders_if_there_were_two",
        "test_console::test_of_two_advisers_who_claim_at_once_one_has_it_and_the_other_reads_who",
    ),
    "transfer": (
        "test_desk_talk::test_a_case_is_offered_with_a_reason_and_its_sender_holds_it_until_it_is_accepted",
        "test_desk_talk::test_an_offer_is_taken_back_or_lapses_and_answering_it_late_says_so",
    ),
    "lease lapse": (
        "test_queue::test_a_lapsed_claim_goes_back_into_its_old_place",
        "test_queue::test_an_answered_case_does_not_lapse_but_shows_that_its_adviser_is_silent",
        "test_console::test_words_written_after_the_lease_was_lost_are_given_back_not_sent",
    ),
    "capacity": (
        "test_queue::test_capacity_refuses_all_but_danger",
        "test_queue::test_coming_back_from_a_pause_needs_a_free_place",
        "test_desk_talk::test_accepting_without_a_free_place_says_what_to_do_and_the_offer_stands",
        "test_desk_practice::test_practice_takes_a_place_and_starts_only_where_one_is_free",
    ),
    "double click": (
        "test_desk_posts::test_a_second_click_changes_nothing_more",
        "test_desk_posts::test_a_second_click_that_did_more_would_be_seen",
    ),
    "two tabs": (
        "test_desk_pressure::test_two_tabs_of_one_adviser_take_no_more_than_they_may_hold",
        "test_desk_pressure::test_one_s_own_words_from_another_tab_stop_nothing_and_those_of_others_do",
    ),
    "stale send": (
        "test_console::test_a_reply_to_an_old_page_is_stopped_shows_what_is_new_and_keeps_the_words",
        "test_desk_posts::test_what_is_sent_from_an_old_page_is_stopped_and_shown_what_is_new",
    ),
    "adviser logged out mid-send": (
        "test_desk_talk::test_words_sent_after_a_log_out_come_back_on_the_page_that_says_so",
        "test_desk_posts::test_with_a_form_of_yesterday_and_a_log_in_of_today_the_words_come_back_too",
    ),
    "clock change: deadlines": ("test_hours::test_a_night_on_which_the_clocks_change_is_as_long_as_it_is",),
    "clock change: call-backs": (
        "test_slots::test_over_a_weekend_when_the_clocks_change_lunch_is_still_at_a_quarter_past_twelve",
        "test_slots::test_of_a_time_that_comes_twice_the_first_is_meant",
    ),
    "clock change: reminders": ("test_desk_pressure::test_forty_eight_hours_are_so_many_hours_when_the_clocks_change",),
    "clock change: hours": ("test_timetable::test_hours_are_local_on_the_days_when_the_clocks_change",),
    "bank holiday by nation": (
        "test_hours::test_saint_patrick_s_day_closes_northern_ireland_alone",
        "test_hours::test_the_second_of_january_closes_scotland_alone",
        "test_slots::test_the_bank_holidays_are_those_of_the_enquirer_s_nation",
        "test_timetable::test_closed_days_and_bank_holidays_close_and_another_nations_do_not",
    ),
    "forged posts, missing tokens": (
        "test_console::test_every_post_needs_the_token_of_its_own_session",
        "test_desk_posts::test_without_its_own_token_no_form_does_anything_and_its_words_come_back",
        "test_desk_posts::test_spoilt_numbers_days_choices_and_signs_do_nothing_by_halves",
        "test_desk_posts::test_no_form_takes_a_file",
    ),
    "replayed idempotency keys": ("test_desk_posts::test_a_second_click_changes_nothing_more",),
    "versions from the past": ("test_desk_posts::test_what_is_sent_from_an_old_page_is_stopped_and_shown_what_is_new",),
    "ids of other people's cases": (
        "test_desk_others::test_a_case_that_is_not_theirs_is_a_404_that_tells_nothing_and_is_written_down",
        "test_desk_others::test_what_belongs_to_another_s_case_is_a_404_too",
    ),
    "HTML and signs that turn the direction": (
        "test_desk_others::test_hostile_words_are_text_on_every_page_that_shows_them",
        "test_desk_others::test_hostile_words_are_text_where_a_page_is_refused_or_a_claim_is_stopped",
        "test_desk_others::test_hostile_words_are_text_in_the_pdf_too",
    ),
    "20,000 characters": ("test_desk_posts::test_twenty_thousand_characters_are_refused_whole_in_every_field",),
    "a browser that sleeps for a day": (
        "test_desk_posts::test_a_day_later_every_form_says_that_one_is_logged_out_and_gives_the_words_back",
        "browser/test_talk::test_a_browser_that_slept_for_a_day_keeps_its_words_through_the_log_in",
    ),
    "a server restart mid-conversation": (
        "test_desk_killed::test_a_post_that_was_killed_is_done_once_or_not_at_all_and_a_second_click_ends_it",
        "test_serve_killed::test_killed_at_any_moment_everybody_is_answered_and_no_adviser_doubled",
        "browser/test_desk::test_after_a_broken_line_the_page_is_as_a_fresh_one_and_sending_was_held",
    ),
    "reconnecting": (
        "test_desk_reconnect::test_after_a_storm_with_a_broken_line_every_page_is_as_a_fresh_one",
        "test_console::test_a_feed_that_resumes_misses_nothing_and_repeats_nothing",
    ),
    "every change has an event": (
        "test_desk_writes::test_every_post_writes_and_an_event_tells_of_it",
        "test_desk_writes::test_a_change_that_is_told_by_nothing_is_noticed",
    ),
    "all legal moves": ("test_queue_machine::test_a_long_walk_makes_every_legal_move_and_is_refused_every_other",),
}


@pytest.mark.parametrize("what", TRIED)
def test_it_is_tried_where_the_list_says(what: str) -> None:
    for place in TRIED[what]:
        module, _, name = place.partition("::")
        tree = ast.parse((HERE / f"{module}.py").read_text())
        names = {node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}
        assert name in names, place


# --- what no other file tries ----------------------------------------------------------------------------------------


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def desk(tmp_path: Path, clock: Clock) -> Iterator[DemoDesk]:
    made = desk_in(tmp_path, clock)
    yield made
    made.ledger.close()


@pytest.fixture
def amira(desk: DemoDesk) -> AdviserId:
    return desk.adviser("Amira Khan", capacity=2)


async def test_two_tabs_of_one_adviser_take_no_more_than_they_may_hold(desk: DemoDesk, amira: AdviserId) -> None:
    cases = [desk.case() for _ in range(6)]
    async with TestServer(desk.app()) as server, visiting(server, desk, amira) as one:
        csrf = await one.csrf()
        answers = await asyncio.gather(*(one.post(f"/cases/{case}/claim", csrf) for case in cases))
    places = [answer.headers["Location"] for answer in answers]
    assert places.count("/desk/?notice=full") == 4
    held = desk.ledger.reader().execute("SELECT count(*) FROM queue_item WHERE holder = ?", [amira])
    assert held.fetchone()[0] == 2


async def test_one_s_own_words_from_another_tab_stop_nothing_and_those_of_others_do(
    desk: DemoDesk, amira: AdviserId
) -> None:
    case_id = desk.case()
    desk.claim(case_id, amira)
    async with TestServer(desk.app()) as server, visiting(server, desk, amira) as tabs:
        marks = [found('name="client_id" value="([^"]+)"', await tabs.page(f"/cases/{case_id}")) for _ in range(2)]
        assert marks[0] != marks[1]
        for number, mark in enumerate(marks):
            assert (await tabs.say(case_id, f"From tab {number}", seen=0, mark=mark)).status == 303
        desk.hear(case_id, "Wait")
        assert (await tabs.say(case_id, "From tab 0 again", seen=2, mark="third")).status == 409
    assert thread_of(desk, case_id) == ["From tab 0", "From tab 1", "Wait"]
    state = desk.ledger.reader().execute('SELECT state FROM queue_item WHERE "case" = ?', [case_id]).fetchone()
    assert state[0] == State.ACTIVE


@pytest.mark.parametrize(
    ("reported", "forward"),
    [
        (datetime(2027, 3, 26, 10, 0, tzinfo=UTC), True),  # the Friday before the clocks go forward
        (datetime(2026, 10, 23, 9, 0, tzinfo=UTC), False),  # the Friday before they go back
    ],
)
def test_forty_eight_hours_are_so_many_hours_when_the_clocks_change(
    desk: DemoDesk, clock: Clock, amira: AdviserId, reported: datetime, forward: bool
) -> None:
    """Never sooner than 48 hours on the wall, and said when the service is open: the Monday at nine, local time."""
    clock.at = reported
    case_id = desk.case()
    new = NewTakedown(case_id, "tiktok", What.ACCOUNT, "mark")
    takedowns = Takedowns(desk.ledger.seal, Timetable(desk.ledger, OPEN))
    step = NewStep(Stage.REPORTED, Who.ENQUIRER)
    desk.ledger.write_now(lambda db: takedowns.add(db, new, step, amira, clock()))
    due_ms = desk.ledger.reader().execute("SELECT due_at FROM reminder").fetchone()[0]
    due = datetime.fromtimestamp(due_ms / 1000, UTC)
    assert due - reported >= timedelta(hours=48)
    assert OPEN.is_open(due)
    local = OPEN.local(due)
    assert (local.weekday(), local.hour, local.minute) == (0, 9, 0)
    assert due.hour == (8 if forward else 9)
