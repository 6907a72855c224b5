"""What the bot and advisers may do with a case."""

import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from sqlite_utils import Database

from handoff.board import Colour, LightRule, Reason, Why
from handoff.chain import teach
from handoff.desk import Desk, events_after, last_event
from handoff.domain import (
    AdviserId,
    Author,
    CaseId,
    DeliveryState,
    NewCase,
    Pack,
    PackAdvice,
    PackAnswer,
    Speaker,
    State,
    code,
)
from handoff.errors import AlreadyClaimed, AtCapacity, NoSuchCase, NotAllowed, NotYours, Refused, Stale
from handoff.hours import OpeningHours, week_from
from handoff.intake import new_reference
from handoff.migrations import migrations
from handoff.queue import Queue
from handoff.seal import Seal

NOW = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)
SEAL = Seal(b"k" * 32)
QUEUE = Queue(SEAL, OpeningHours(week=week_from("mon-sun 00:00-24:00")))
DESK = Desk(SEAL)
ALICE, BOB, LEAD, EDITOR = AdviserId(1), AdviserId(2), AdviserId(3), AdviserId(4)


@pytest.fixture
def conn() -> Iterator[sqlite3.Connection]:
    connection = sqlite3.connect(":memory:", isolation_level=None)
    connection.execute("PRAGMA foreign_keys = ON")
    teach(connection, SEAL)
    migrations.apply(Database(connection))
    for name, role, capacity in (
        ("Alice", "adviser", 2),
        ("Bob", "adviser", 3),
        ("Lee", "lead", 3),
        ("Ed", "editor", 3),
    ):
        connection.execute(
            "INSERT INTO adviser (name, email, password, role, capacity, added_at)"
            " VALUES (?, ?, '$argon2id$x', ?, ?, 0)",
            [name, f"{name}@example.org", role, capacity],
        )
    yield connection
    connection.close()


def later(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


def opened(conn: sqlite3.Connection, conversation: int = 1, tier: int = 2, now: datetime = NOW) -> CaseId:
    new = NewCase(conversation, tier, reason="asked_for_a_person", channel="web", library="v1", concern="impersonation")
    return QUEUE.open_case(conn, new, now).id


def state(conn: sqlite3.Connection, case_id: CaseId) -> State:
    return DESK.case(conn, case_id, NOW).row.state


def kinds(conn: sqlite3.Connection) -> list[str]:
    return [event.kind for event in events_after(conn, 0)]


def answered(conn: sqlite3.Connection, case_id: CaseId, adviser: AdviserId = ALICE) -> CaseId:
    QUEUE.claim(conn, case_id, adviser, NOW)
    QUEUE.say(conn, case_id, adviser, "Hello", "first", 99, NOW)
    return case_id


def in_state(conn: sqlite3.Connection, before: str) -> CaseId:
    """A case of conversation 1 brought into a live state."""
    case_id = opened(conn)
    if before == "scheduled":
        QUEUE.schedule(conn, case_id, ALICE, later(3600), NOW)
    if before == "claimed":
        QUEUE.claim(conn, case_id, ALICE, NOW)
    if before in {"active", "paused", "wrap_up"}:
        answered(conn, case_id)
    moves = {"paused": QUEUE.pause, "wrap_up": QUEUE.wrap_up}
    if before in moves:
        moves[before](conn, case_id, ALICE, NOW)
    return case_id


# --- opening ---------------------------------------------------------------------------------------------------------


def test_a_case_carries_what_the_bot_passed_on(conn: sqlite3.Connection) -> None:
    pack = Pack((PackAnswer("Who is it about?", "Me"),), (PackAdvice("keep-evidence", "Keep evidence"),), ("Diolch ŵ",))
    case = QUEUE.open_case(conn, NewCase(1, 1, "asked", "web", "v1", pack=pack), NOW)
    assert DESK.case(conn, case.id, NOW).pack == pack
    assert DESK.case(conn, case.id, NOW).row.reference == case.reference


def test_words_are_sealed_where_they_lie(conn: sqlite3.Connection) -> None:
    pack = Pack(words=("planted",))
    case = QUEUE.open_case(conn, NewCase(1, 1, "asked", "web", "v1", pack=pack), NOW)
    QUEUE.hear(conn, 1, "planted", NOW)
    QUEUE.claim(conn, case.id, ALICE, NOW)
    QUEUE.say(conn, case.id, ALICE, "planted", "c1", 1, NOW)
    QUEUE.note(conn, case.id, ALICE, "planted", NOW)
    assert b"planted" not in conn.serialize()
    assert [message.text for message in DESK.thread(conn, case.id)] == ["planted", "planted"]


def test_a_reference_has_no_vowels_and_no_look_alikes() -> None:
    assert not set("".join(new_reference()[3:] for _ in range(200))) & set("AEIOUYLSZ0158")


def test_a_reference_in_use_is_not_given_twice(conn: sqlite3.Connection) -> None:
    references = iter(["FL-2222-22", "FL-2222-22", "FL-3333-33"])
    queue = Queue(SEAL, OpeningHours(week=week_from("mon-sun 00:00-24:00")), reference=lambda: next(references))
    first = queue.open_case(conn, NewCase(1, 1, "asked", "web", "v1"), NOW)
    second = queue.open_case(conn, NewCase(2, 1, "asked", "web", "v1"), NOW)
    assert (first.reference, second.reference) == ("FL-2222-22", "FL-3333-33")


def test_a_second_hand_over_joins_the_live_case_and_can_only_raise_it(conn: sqlite3.Connection) -> None:
    first = opened(conn, tier=3)
    again = QUEUE.open_case(conn, NewCase(1, 0, "danger_now", "web", "v1"), later(60))
    assert (again.id, again.already_open) == (first, True)
    row = DESK.case(conn, first, NOW).row
    assert (row.tier, row.due_at) == (0, later(60))
    assert [(line.author, line.text) for line in DESK.thread(conn, first)] == [(Author.SYSTEM, "danger_now")]
    QUEUE.open_case(conn, NewCase(1, 3, "asked", "web", "v1"), later(120))
    assert DESK.case(conn, first, NOW).row.tier == 0
    assert kinds(conn) == ["case.opened", "case.raised", "message.added", "message.added"]


@pytest.mark.parametrize("before", ["waiting", "scheduled", "claimed", "active", "paused", "wrap_up"])
def test_words_heard_with_a_second_hand_over_join_the_thread_in_the_same_write(
    conn: sqlite3.Connection, before: str
) -> None:
    case_id = in_state(conn, before)
    conn.execute("BEGIN IMMEDIATE")
    again = QUEUE.open_case(conn, NewCase(1, 1, "asked", "web", "v1"), later(60))
    QUEUE.hear(conn, 1, "he has come back", later(60))
    conn.execute("COMMIT")
    assert (again.id, again.already_open) == (case_id, True)
    assert [line.text for line in DESK.thread(conn, case_id)][-2:] == ["asked", "he has come back"]


@pytest.mark.parametrize("before", ["waiting", "claimed", "active", "paused", "wrap_up"])
def test_a_flag_joins_the_thread_and_can_only_raise_the_case(conn: sqlite3.Connection, before: str) -> None:
    case_id = in_state(conn, before)
    due = DESK.case(conn, case_id, NOW).row.due_at
    QUEUE.flag(conn, 1, "masked", later(60))
    QUEUE.flag(conn, 1, "refused_media", later(60), tier=3)
    row = DESK.case(conn, case_id, NOW).row
    assert (row.tier, row.due_at) == (2, due)
    assert "case.raised" not in kinds(conn)
    QUEUE.flag(conn, 1, "danger_words", later(90), tier=0)
    row = DESK.case(conn, case_id, NOW).row
    assert (row.tier, row.due_at, row.state) == (0, later(90), before)
    assert kinds(conn)[-2:] == ["case.raised", "message.added"]
    lines = DESK.thread(conn, case_id)[-3:]
    assert [(line.author, line.text) for line in lines] == [
        (Author.SYSTEM, "masked"),
        (Author.SYSTEM, "refused_media"),
        (Author.SYSTEM, "danger_words"),
    ]


def test_a_flag_without_a_live_case_and_words_that_are_no_code_leave_nothing(conn: sqlite3.Connection) -> None:
    QUEUE.flag(conn, 1, "danger_words", NOW, tier=0)
    assert kinds(conn) == []
    case_id = opened(conn)
    QUEUE.flag(conn, 1, "Mr Smith said", NOW)
    assert [line.text for line in DESK.thread(conn, case_id)] == ["other"]


def test_a_call_back_that_turns_into_danger_is_woken(conn: sqlite3.Connection) -> None:
    case_id = in_state(conn, "scheduled")
    QUEUE.flag(conn, 1, "refused_media", later(30), tier=1)
    assert QUEUE.lapse(conn, later(60)) == ()
    QUEUE.flag(conn, 1, "danger_words", later(60), tier=0)
    assert QUEUE.something_lapses(conn, later(60))
    assert QUEUE.lapse(conn, later(60)) == (case_id,)
    assert [row.id for row in DESK.board(conn, later(60))] == [case_id]


def test_a_raise_leaves_what_is_held_where_it_stands(conn: sqlite3.Connection) -> None:
    case_id = in_state(conn, "active")
    since = DESK.case(conn, case_id, NOW).row.moved_at
    QUEUE.open_case(conn, NewCase(1, 3, "asked", "web", "v1"), later(60))
    assert DESK.case(conn, case_id, NOW).row.moved_at == since


def test_what_is_not_a_code_is_neither_kept_nor_a_reason_to_fail(conn: sqlite3.Connection) -> None:
    new = NewCase(1, 2, "Mr Smith said", "web", "v1", role="Mrs Jones", nation="narnia")
    row = DESK.case(conn, QUEUE.open_case(conn, new, NOW).id, NOW).row
    assert (row.reason, row.role, row.nation) == ("other", "other", None)
    assert code("social_worker") == "social_worker"


# --- the enquirer's words --------------------------------------------------------------------------------------------


def test_words_reach_the_live_case_only(conn: sqlite3.Connection) -> None:
    assert QUEUE.hear(conn, 1, "hello", NOW) is None
    case_id = opened(conn)
    assert QUEUE.hear(conn, 1, "hello", NOW) is not None
    QUEUE.abandon(conn, 1, NOW)
    assert QUEUE.hear(conn, 1, "again", NOW) is None
    assert [line.seq for line in DESK.thread(conn, case_id)] == [1]
    assert DESK.thread(conn, case_id, after_seq=1) == ()


def test_one_who_leaves_unanswered_abandons_the_case(conn: sqlite3.Connection) -> None:
    case_id = opened(conn)
    QUEUE.claim(conn, case_id, ALICE, NOW)
    assert QUEUE.abandon(conn, 1, NOW) == case_id
    assert state(conn, case_id) is State.ABANDONED
    assert QUEUE.voice(conn, 1).speaker is Speaker.BOT
    assert QUEUE.abandon(conn, 1, NOW) is None


def test_one_who_leaves_while_spoken_to_leaves_a_case_to_wrap_up(conn: sqlite3.Connection) -> None:
    case_id = answered(conn, opened(conn))
    QUEUE.abandon(conn, 1, NOW)
    assert (state(conn, case_id), QUEUE.voice(conn, 1).speaker) == (State.WRAP_UP, Speaker.BOT)
    with pytest.raises(Refused):
        QUEUE.say(conn, case_id, ALICE, "still there?", "c2", 99, NOW)
    other = opened(conn)
    assert other != case_id
    QUEUE.close(conn, case_id, ALICE, "impersonation", "advised", NOW)
    assert QUEUE.voice(conn, 1).speaker is Speaker.BOT
    closed = [event for event in events_after(conn, 0) if event.kind == "case.closed"]
    assert closed[0].conversation is None


def test_one_who_leaves_during_wrap_up_is_not_spoken_to_again(conn: sqlite3.Connection) -> None:
    case_id = answered(conn, opened(conn))
    QUEUE.wrap_up(conn, case_id, ALICE, NOW)
    assert QUEUE.abandon(conn, 1, NOW) == case_id
    with pytest.raises(Refused):
        QUEUE.give_back(conn, case_id, ALICE, "other", NOW)


# --- holding ---------------------------------------------------------------------------------------------------------


def test_a_claim_takes_the_voice_and_a_release_returns_it(conn: sqlite3.Connection) -> None:
    case_id = opened(conn)
    assert QUEUE.voice(conn, 1).epoch == 0
    QUEUE.claim(conn, case_id, ALICE, NOW)
    assert (QUEUE.voice(conn, 1).speaker, QUEUE.voice(conn, 1).epoch) == (Speaker.ADVISER, 1)
    QUEUE.release(conn, case_id, ALICE, NOW)
    assert (QUEUE.voice(conn, 1).speaker, QUEUE.voice(conn, 1).epoch) == (Speaker.BOT, 2)


def test_a_lost_claim_says_who_has_it(conn: sqlite3.Connection) -> None:
    case_id = opened(conn)
    QUEUE.claim(conn, case_id, ALICE, NOW)
    with pytest.raises(AlreadyClaimed) as refused:
        QUEUE.claim(conn, case_id, BOB, NOW)
    assert refused.value.holder == ALICE
    with pytest.raises(NoSuchCase):
        QUEUE.claim(conn, CaseId(99), BOB, NOW)


def test_next_please_takes_danger_first_then_the_earliest_deadline_then_the_oldest(conn: sqlite3.Connection) -> None:
    routine, soon, same, danger = (
        opened(conn, 1, 3), opened(conn, 2, 2), opened(conn, 3, 2), opened(conn, 4, 0, later(600))
    )  # fmt: skip
    assert [row.id for row in DESK.board(conn, NOW)] == [danger, soon, same, routine]
    assert [QUEUE.next_please(conn, BOB, NOW) for _ in range(3)] == [danger, soon, same]
    assert QUEUE.next_please(conn, ALICE, NOW) == routine
    assert QUEUE.next_please(conn, ALICE, NOW) is None


def test_danger_goes_before_what_is_overdue(conn: sqlite3.Connection) -> None:
    overdue, danger = opened(conn, 1, 1), opened(conn, 2, 0, later(3600))
    assert [row.id for row in DESK.board(conn, later(3600))] == [danger, overdue]
    assert QUEUE.next_please(conn, BOB, later(3600)) == danger


def test_one_who_is_full_cannot_accept(conn: sqlite3.Connection) -> None:
    case_id = answered(conn, opened(conn, 1), BOB)
    for conversation in (2, 3):
        QUEUE.claim(conn, opened(conn, conversation), ALICE, NOW)
    QUEUE.offer(conn, case_id, BOB, ALICE, NOW)
    with pytest.raises(AtCapacity):
        QUEUE.accept(conn, case_id, ALICE, NOW)


def test_capacity_refuses_all_but_danger(conn: sqlite3.Connection) -> None:
    for conversation in (1, 2, 3):
        opened(conn, conversation)
    QUEUE.next_please(conn, ALICE, NOW)
    QUEUE.next_please(conn, ALICE, NOW)
    with pytest.raises(AtCapacity):
        QUEUE.next_please(conn, ALICE, NOW)
    danger = opened(conn, 4, tier=0)
    assert QUEUE.next_please(conn, ALICE, NOW) == danger


def test_coming_back_from_a_pause_needs_a_free_place(conn: sqlite3.Connection) -> None:
    paused = answered(conn, opened(conn, 1))
    QUEUE.pause(conn, paused, ALICE, NOW)
    for conversation in (2, 3):
        QUEUE.claim(conn, opened(conn, conversation), ALICE, NOW)
    with pytest.raises(AtCapacity):
        QUEUE.resume(conn, paused, ALICE, NOW)
    with pytest.raises(AtCapacity):
        QUEUE.say(conn, paused, ALICE, "back", "c9", 99, NOW)


def test_only_those_whose_role_allows_it_hold_cases(conn: sqlite3.Connection) -> None:
    case_id = opened(conn)
    with pytest.raises(NotAllowed):
        QUEUE.claim(conn, case_id, EDITOR, NOW)
    answered(conn, case_id)
    with pytest.raises(NotAllowed):
        QUEUE.offer(conn, case_id, ALICE, EDITOR, NOW)


def test_a_lapsed_claim_goes_back_into_its_old_place(conn: sqlite3.Connection) -> None:
    first, second = opened(conn, 1), opened(conn, 2)
    due = DESK.case(conn, first, NOW).row.due_at
    QUEUE.claim(conn, first, ALICE, NOW)
    QUEUE.heartbeat(conn, ALICE, later(60))
    assert QUEUE.lapse(conn, later(149)) == ()
    assert QUEUE.lapse(conn, later(150)) == (first,)
    board = DESK.board(conn, NOW)
    assert ([row.id for row in board], board[0].due_at) == ([first, second], due)
    assert Reason(Why.PUT_BACK, 1) in board[0].why_here


def test_an_answered_case_does_not_lapse_but_shows_that_its_adviser_is_silent(conn: sqlite3.Connection) -> None:
    case_id = answered(conn, opened(conn))
    assert QUEUE.lapse(conn, later(3600)) == ()
    assert not DESK.held(conn, later(179))[0].unreachable
    assert DESK.held(conn, later(180))[0].unreachable
    assert state(conn, case_id) is State.ACTIVE


def test_a_lead_may_take_over_and_others_may_not(conn: sqlite3.Connection) -> None:
    case_id = answered(conn, opened(conn))
    with pytest.raises(NotAllowed):
        QUEUE.take_over(conn, case_id, BOB, NOW)
    QUEUE.take_over(conn, case_id, LEAD, NOW)
    holder = DESK.case(conn, case_id, NOW).row.holder
    assert holder is not None
    assert holder.name == "Lee"
    with pytest.raises(NotYours):
        QUEUE.say(conn, case_id, ALICE, "late", "c2", 99, NOW)


def test_a_call_back_waits_again_when_its_time_comes(conn: sqlite3.Connection) -> None:
    case_id = opened(conn)
    QUEUE.schedule(conn, case_id, ALICE, later(3600), NOW)
    assert DESK.board(conn, NOW) == ()
    assert [row.id for row in DESK.scheduled(conn, NOW)] == [case_id]
    assert QUEUE.lapse(conn, later(3599)) == ()
    assert QUEUE.lapse(conn, later(3600)) == (case_id,)


# --- speaking --------------------------------------------------------------------------------------------------------


def test_the_first_word_makes_a_case_active(conn: sqlite3.Connection) -> None:
    assert state(conn, answered(conn, opened(conn))) is State.ACTIVE


def test_a_double_click_says_it_once(conn: sqlite3.Connection) -> None:
    case_id = answered(conn, opened(conn))
    first = QUEUE.say(conn, case_id, ALICE, "once", "same", 99, NOW)
    assert QUEUE.say(conn, case_id, ALICE, "once", "same", 99, NOW) == first
    assert len(DESK.thread(conn, case_id)) == 2


def test_nobody_replies_blind(conn: sqlite3.Connection) -> None:
    case_id = answered(conn, opened(conn))
    QUEUE.hear(conn, 1, "wait, it is worse", NOW)
    with pytest.raises(Stale) as refused:
        QUEUE.say(conn, case_id, ALICE, "all fine then", "c2", 1, NOW)
    assert [line.text for line in refused.value.news] == ["wait, it is worse"]
    QUEUE.say(conn, case_id, ALICE, "I see", "c2", 2, NOW)


def test_one_s_own_words_are_no_news(conn: sqlite3.Connection) -> None:
    case_id = answered(conn, opened(conn))
    assert QUEUE.say(conn, case_id, ALICE, "and", "c2", 0, NOW)


def test_only_the_holder_speaks(conn: sqlite3.Connection) -> None:
    case_id = answered(conn, opened(conn))
    with pytest.raises(NotYours):
        QUEUE.say(conn, case_id, BOB, "hi", "c2", 99, NOW)
    with pytest.raises(NoSuchCase):
        QUEUE.say(conn, CaseId(9), BOB, "hi", "c2", 99, NOW)


def test_empty_and_endless_words_are_refused(conn: sqlite3.Connection) -> None:
    case_id = answered(conn, opened(conn))
    for text in (" \n", "x" * 4001):
        with pytest.raises(Refused):
            QUEUE.say(conn, case_id, ALICE, text, "c2", 99, NOW)


def test_a_note_is_no_message(conn: sqlite3.Connection) -> None:
    case_id = opened(conn)
    assert QUEUE.note(conn, case_id, BOB, "careful", NOW) == 1
    assert QUEUE.note(conn, case_id, ALICE, "indeed", NOW) == 2
    assert [note.text for note in DESK.notes(conn, case_id)] == ["careful", "indeed"]
    assert DESK.thread(conn, case_id) == ()
    with pytest.raises(NoSuchCase):
        QUEUE.note(conn, CaseId(9), BOB, "x", NOW)


def test_a_note_posted_twice_is_kept_once(conn: sqlite3.Connection) -> None:
    case_id, other = opened(conn), opened(conn, 2)
    assert [QUEUE.note(conn, case_id, ALICE, "careful", NOW, "n1") for _ in range(2)] == [1, 1]
    assert QUEUE.note(conn, case_id, ALICE, "careful", NOW, "n2") == 2
    assert QUEUE.note(conn, other, ALICE, "careful", NOW, "n1") == 1
    with pytest.raises(Refused):
        QUEUE.note(conn, case_id, BOB, "mine", NOW, "n1")
    assert [note.text for note in DESK.notes(conn, case_id)] == ["careful", "careful"]


def test_receipts_may_overtake_each_other(conn: sqlite3.Connection) -> None:
    case_id = answered(conn, opened(conn))
    message = DESK.thread(conn, case_id)[0].id
    assert QUEUE.record_delivery(conn, message, DeliveryState.READ, NOW)
    assert not QUEUE.record_delivery(conn, message, DeliveryState.DELIVERED, NOW)
    assert not QUEUE.record_delivery(conn, message, DeliveryState.FAILED, NOW)
    assert DESK.thread(conn, case_id)[0].delivery is DeliveryState.READ


def test_only_a_person_sends_a_doubtful_message_again(conn: sqlite3.Connection) -> None:
    case_id = answered(conn, opened(conn))
    message = DESK.thread(conn, case_id)[0].id
    with pytest.raises(Refused):
        QUEUE.say_again(conn, message, ALICE, "c2", NOW)
    QUEUE.record_delivery(conn, message, DeliveryState.UNKNOWN, NOW, "no answer")
    again = QUEUE.say_again(conn, message, ALICE, "c2", NOW)
    assert [line.id for line in DESK.thread(conn, case_id)] == [message, again]
    assert QUEUE.say_again(conn, message, ALICE, "c2", NOW) == again


# --- passing on and ending -------------------------------------------------------------------------------------------


def test_the_sender_holds_a_case_until_it_is_accepted(conn: sqlite3.Connection) -> None:
    case_id = answered(conn, opened(conn))
    QUEUE.offer(conn, case_id, ALICE, BOB, NOW)
    QUEUE.say(conn, case_id, ALICE, "one moment", "c2", 99, NOW)
    assert [row.id for row in DESK.held(conn, NOW, BOB)] == [case_id]
    epoch = QUEUE.voice(conn, 1).epoch
    QUEUE.accept(conn, case_id, BOB, NOW)
    assert QUEUE.voice(conn, 1).epoch == epoch + 1
    QUEUE.say(conn, case_id, BOB, "hello", "c3", 99, NOW)
    with pytest.raises(NotYours):
        QUEUE.say(conn, case_id, ALICE, "bye", "c4", 99, NOW)


def test_an_offer_is_declined_taken_back_or_lapses_and_stays_with_its_sender(conn: sqlite3.Connection) -> None:
    case_id = answered(conn, opened(conn))
    for end in (
        lambda: QUEUE.decline(conn, case_id, BOB, NOW),
        lambda: QUEUE.decline(conn, case_id, ALICE, NOW),
        lambda: QUEUE.lapse(conn, later(120)),
    ):
        QUEUE.offer(conn, case_id, ALICE, BOB, NOW)
        end()
        assert state(conn, case_id) is State.ACTIVE
    with pytest.raises(NotYours):
        QUEUE.accept(conn, case_id, BOB, NOW)


def test_nobody_accepts_what_was_offered_to_another(conn: sqlite3.Connection) -> None:
    case_id = answered(conn, opened(conn))
    QUEUE.offer(conn, case_id, ALICE, BOB, NOW)
    with pytest.raises(NotYours):
        QUEUE.accept(conn, case_id, LEAD, NOW)
    with pytest.raises(NotYours):
        QUEUE.decline(conn, case_id, LEAD, NOW)


def test_closing_needs_a_wrap_up_and_codes(conn: sqlite3.Connection) -> None:
    case_id = answered(conn, opened(conn))
    with pytest.raises(Refused):
        QUEUE.close(conn, case_id, ALICE, "impersonation", "advised", NOW)
    QUEUE.wrap_up(conn, case_id, ALICE, NOW)
    with pytest.raises(Refused):
        QUEUE.close(conn, case_id, ALICE, "It was Mr Smith", "advised", NOW)
    QUEUE.close(conn, case_id, ALICE, "impersonation", "advised", NOW)
    case = DESK.case(conn, case_id, NOW)
    assert (case.row.state, case.issue, case.outcome) == (State.DONE, "impersonation", "advised")
    assert QUEUE.voice(conn, 1).speaker is Speaker.BOT


def test_nothing_unread_is_closed_over(conn: sqlite3.Connection) -> None:
    case_id = answered(conn, opened(conn))
    QUEUE.wrap_up(conn, case_id, ALICE, NOW)
    QUEUE.hear(conn, 1, "one more thing", NOW)
    with pytest.raises(Stale):
        QUEUE.close(conn, case_id, ALICE, "impersonation", "advised", NOW, seen_seq=1)
    QUEUE.say(conn, case_id, ALICE, "yes?", "c2", 2, NOW)
    assert state(conn, case_id) is State.ACTIVE


def test_nothing_unread_is_handed_back(conn: sqlite3.Connection) -> None:
    case_id = answered(conn, opened(conn))
    QUEUE.hear(conn, 1, "one more thing", NOW)
    with pytest.raises(Stale) as refused:
        QUEUE.give_back(conn, case_id, ALICE, "other", NOW, seen_seq=1)
    assert [line.text for line in refused.value.news] == ["one more thing"]
    assert state(conn, case_id) is State.ACTIVE
    QUEUE.give_back(conn, case_id, ALICE, "other", NOW, seen_seq=2)
    assert state(conn, case_id) is State.DONE


@pytest.mark.parametrize("before", ["claimed", "active", "paused", "offered", "wrap_up"])
def test_a_conversation_is_given_back_from_any_held_state(conn: sqlite3.Connection, before: str) -> None:
    case_id = opened(conn)
    QUEUE.claim(conn, case_id, ALICE, NOW)
    if before != "claimed":
        QUEUE.say(conn, case_id, ALICE, "Hello", "c1", 99, NOW)
    moves = {"paused": QUEUE.pause, "wrap_up": QUEUE.wrap_up}
    if before in moves:
        moves[before](conn, case_id, ALICE, NOW)
    if before == "offered":
        QUEUE.offer(conn, case_id, ALICE, BOB, NOW)
    QUEUE.give_back(conn, case_id, ALICE, "other", NOW)
    assert DESK.case(conn, case_id, NOW).outcome == "given_back"
    given = events_after(conn, 0)[-1]
    assert (given.kind, given.case_id, given.conversation) == ("case.given_back", case_id, 1)


def test_every_ended_case_leaves_one_fact_that_names_nobody(conn: sqlite3.Connection) -> None:
    case_id = opened(conn)
    QUEUE.claim(conn, case_id, ALICE, later(60))
    QUEUE.say(conn, case_id, ALICE, "Hello", "c1", 99, later(90))
    QUEUE.wrap_up(conn, case_id, ALICE, later(300))
    QUEUE.close(conn, case_id, ALICE, "impersonation", "advised", later(360))
    opened(conn, 2)
    QUEUE.abandon(conn, 2, NOW)
    facts = conn.execute(
        "SELECT period, tier, concern, issue, outcome, claim_wait_s, answer_wait_s, handling_s, answered_in_time"
        " FROM case_facts ORDER BY id"
    ).fetchall()
    assert facts == [
        ("2026-03-02", 2, "impersonation", "impersonation", "advised", 60, 90, 300, 1),
        ("2026-03-02", 2, "impersonation", None, "left", None, None, None, None),
    ]
    columns = {row[1] for row in conn.execute("PRAGMA table_info(case_facts)")}
    assert not columns & {"case", "conversation", "reference", "adviser"}


# --- reading ---------------------------------------------------------------------------------------------------------


def test_each_row_says_why_it_stands_where_it_stands(conn: sqlite3.Connection) -> None:
    opened(conn, 1, 0), opened(conn, 2, 1), opened(conn, 3, 1), opened(conn, 4, 3)
    why = [row.why_here for row in DESK.board(conn, later(15 * 60))]
    assert why == [
        (Reason(Why.DANGER),),
        (Reason(Why.OVERDUE, 5),),
        (Reason(Why.OVERDUE, 5), Reason(Why.SAME_DEADLINE)),
        (Reason(Why.DUE, 45),),
    ]


def test_events_resume_by_number(conn: sqlite3.Connection) -> None:
    case_id = answered(conn, opened(conn))
    everything = events_after(conn, 0)
    assert [event.kind for event in everything] == ["case.opened", "case.claimed", "case.answered", "message.said"]
    assert events_after(conn, 0, 2) + events_after(conn, everything[1].seq) == everything
    assert last_event(conn) == everything[-1].seq
    assert {event.case_id for event in everything} == {case_id}


def test_the_light_is_red_for_danger_only(conn: sqlite3.Connection) -> None:
    assert DESK.light(conn, NOW).colour is Colour.GREEN
    opened(conn, 1, 1)
    assert DESK.light(conn, NOW).rule is LightRule.MORE_WAITING_THAN_PLACES
    conn.execute("UPDATE adviser SET available = 1 WHERE id = 1")
    QUEUE.heartbeat(conn, ALICE, NOW)
    light = DESK.light(conn, later(60))
    assert (light.colour, light.free_places, light.longest_wait) == (Colour.GREEN, 2, timedelta(seconds=60))
    assert DESK.light(conn, later(91)).free_places == 0
    assert DESK.light(conn, later(3600)).rule is LightRule.OVERDUE
    opened(conn, 2, 0)
    assert DESK.light(conn, NOW).colour is Colour.RED


def test_the_words_of_an_ended_case_can_be_forgotten_and_its_fact_stays(conn: sqlite3.Connection) -> None:
    case_id = answered(conn, opened(conn))
    QUEUE.give_back(conn, case_id, ALICE, "other", NOW)
    conn.execute("DELETE FROM delivery")
    conn.execute("DELETE FROM message")
    conn.execute("UPDATE cases SET pack = NULL")
    assert DESK.case(conn, case_id, NOW).pack is None
    conn.execute("DELETE FROM queue_item")
    conn.execute("DELETE FROM cases")
    assert conn.execute("SELECT count(*) FROM case_facts").fetchone() == (1,)
    assert events_after(conn, 0)[0].conversation is None
