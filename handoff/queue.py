"""The queue of cases for people: what the bot and advisers may do with a case. All of it inside one ledger write."""

import sqlite3
from collections.abc import Callable
from datetime import datetime

from handoff import delivery, moves, thread
from handoff.domain import (
    MAX_MESSAGE_CHARACTERS,
    MAY_TAKE_OVER,
    AdviserId,
    Author,
    CaseId,
    DeliveryState,
    Message,
    MessageId,
    Move,
    NewCase,
    OpenedCase,
    Rules,
    Speaker,
    State,
    Voice,
    code,
)
from handoff.errors import NoSuchCase, NotAllowed, NotYours, Refused, Stale
from handoff.hours import Hours
from handoff.intake import Intake, live_case, new_reference
from handoff.moments import to_ms
from handoff.seal import Seal


class Queue:
    """Every method that writes takes the ledger's connection and the time, and raises HandoffError when refused."""

    def __init__(
        self,
        seal: Seal,
        hours: Hours,
        rules: Rules | None = None,
        reference: Callable[[], str] = new_reference,
    ) -> None:
        self._seal = seal
        self._rules = rules or Rules()
        self._intake = Intake(seal, hours, self._rules, reference)

    # --- the enquirer's side (called by the bot) ---------------------------------------------------------------------

    def open_case(self, conn: sqlite3.Connection, case: NewCase, now: datetime) -> OpenedCase:
        """Puts a case into the queue. A conversation with a live case keeps it: the new reason joins its thread as a
        system message (the code), and its tier and deadline become the graver of the two."""
        return self._intake.open_case(conn, case, now)

    def live_case(self, conn: sqlite3.Connection, conversation: int) -> OpenedCase | None:
        """The case this conversation's words go to, if any."""
        return live_case(conn, conversation)

    def hear(self, conn: sqlite3.Connection, conversation: int, text: str, now: datetime) -> MessageId | None:
        """Adds the enquirer's words to their live case; None when there is none."""
        live = live_case(conn, conversation)
        if live is None:
            return None
        return thread.add(conn, self._seal, live.id, Author.ENQUIRER, text, now)

    def flag(
        self, conn: sqlite3.Connection, conversation: int, code: str, now: datetime, tier: int | None = None
    ) -> None:
        """Adds a system line with that code to the live case, if there is one; a graver `tier` raises the case."""
        live = live_case(conn, conversation)
        if live is not None:
            self._intake.flag(conn, live, code, now, tier)

    def abandon(self, conn: sqlite3.Connection, conversation: int, now: datetime) -> CaseId | None:
        """The enquirer left for good. Unanswered, the case ends as abandoned; else its holder has only to wrap it up.

        Either way the voice is the bot's again, and words that come later do not reach the case.
        """
        live = live_case(conn, conversation)
        if live is None:
            return None
        parameters = {"case": live.id, "by": None, "now": to_ms(now), "forget": self._forget_at(now)}
        for statement in (moves.STATEMENTS[Move.ABANDONED], moves.LEAVE, moves.LEAVE_WRAP_UP):
            if conn.execute(statement, parameters).fetchone() is not None:
                return live.id
        raise Refused

    # --- holding a case ----------------------------------------------------------------------------------------------

    def claim(self, conn: sqlite3.Connection, case_id: CaseId, adviser: AdviserId, now: datetime) -> None:
        """Takes a waiting case. Raises: AlreadyClaimed (by whom), AtCapacity, NotAllowed, Refused, NoSuchCase."""
        self._move(conn, Move.CLAIMED, case_id, adviser, now)

    def next_please(self, conn: sqlite3.Connection, adviser: AdviserId, now: datetime) -> CaseId | None:
        """Takes the first waiting case; None when nothing waits. Raises: AtCapacity, NotAllowed."""
        parameters = {"by": adviser, "now": to_ms(now), "lease": to_ms(now + self._rules.lease)}
        with moves.refusals():
            row = conn.execute(moves.CLAIM_NEXT, parameters).fetchone()
        return None if row is None else CaseId(row[0])

    def release(self, conn: sqlite3.Connection, case_id: CaseId, adviser: AdviserId, now: datetime) -> None:
        """Puts a held case back into its old place."""
        self._move(conn, Move.RELEASED, case_id, adviser, now)

    def take_over(self, conn: sqlite3.Connection, case_id: CaseId, adviser: AdviserId, now: datetime) -> None:
        """A senior or lead takes a case out of another's hands. Raises: NotAllowed for others."""
        row = conn.execute("SELECT role FROM adviser WHERE id = ?", [adviser]).fetchone()
        if row is None or row[0] not in MAY_TAKE_OVER:
            raise NotAllowed
        parameters = {"case": case_id, "by": adviser, "now": to_ms(now)}
        if conn.execute(moves.SEIZE, parameters).fetchone() is None:
            moves.refuse(conn, Move.RELEASED, case_id, None)
        self.claim(conn, case_id, adviser, now)

    def schedule(
        self, conn: sqlite3.Connection, case_id: CaseId, adviser: AdviserId, wake_at: datetime, now: datetime
    ) -> None:
        """A call-back was agreed: the case rests until `wake_at`, then waits in its old place. One that the adviser
        holds is let go first; the bot looks after the enquirer meanwhile."""
        row = conn.execute('SELECT 1 FROM queue_item WHERE "case" = ? AND holder = ?', [case_id, adviser]).fetchone()
        if row is not None:
            self._move(conn, Move.RELEASED, case_id, adviser, now)
        self._move(conn, Move.SCHEDULED, case_id, adviser, now, wake=to_ms(wake_at))

    def heartbeat(self, conn: sqlite3.Connection, adviser: AdviserId, now: datetime) -> None:
        """The adviser's console is alive: their leases run anew."""
        conn.execute("UPDATE adviser SET heartbeat_at = ? WHERE id = ?", [to_ms(now), adviser])
        lease = to_ms(now + self._rules.lease)
        conn.execute("UPDATE queue_item SET lease_until = ? WHERE holder = ?", [lease, adviser])

    def lapse(self, conn: sqlite3.Connection, now: datetime) -> tuple[CaseId, ...]:
        """To be called every few seconds. Claimed cases whose lease ran out and call-backs whose time came wait again,
        in their old places; transfers nobody took stay with their sender. Returns what now waits."""
        at = {"now": to_ms(now)}
        conn.execute(moves.OFFERS_LAPSE, at).fetchall()
        back = conn.execute(moves.LAPSE, at).fetchall() + conn.execute(moves.WAKE, at).fetchall()
        return tuple(CaseId(row[0]) for row in back)

    def something_lapses(self, conn: sqlite3.Connection, now: datetime) -> bool:
        """True when `lapse` has something to do: asked on a reader, so that a quiet desk writes nothing."""
        return conn.execute(moves.ANYTHING_LAPSES, {"now": to_ms(now)}).fetchone() is not None

    # --- speaking ----------------------------------------------------------------------------------------------------

    def say(
        self,
        conn: sqlite3.Connection,
        case_id: CaseId,
        adviser: AdviserId,
        text: str,
        client_id: str,
        seen_seq: int,
        now: datetime,
    ) -> MessageId:
        """The holder answers; the first word makes the case active, and a paused or wrapped-up one active again.

        The same `client_id` again returns the same message. Raises: Stale (what is new), NotYours, Refused, AtCapacity.
        """
        said = thread.said(conn, case_id, adviser, client_id)
        if said is not None:
            return said
        words = _words(text)
        state = self._held_state(conn, case_id, adviser)
        self._refuse_unread(conn, case_id, adviser, seen_seq)
        wakes = {State.CLAIMED: Move.ANSWERED, State.PAUSED: Move.RESUMED, State.WRAP_UP: Move.REOPENED}
        if state in wakes:
            self._move(conn, wakes[state], case_id, adviser, now)
        with moves.refusals():
            return thread.add(conn, self._seal, case_id, Author.ADVISER, words, now, adviser, client_id)

    def say_again(
        self, conn: sqlite3.Connection, message_id: MessageId, adviser: AdviserId, client_id: str, now: datetime
    ) -> MessageId:
        """Sends the words of a failed or unknown message once more, as a new one: a person chose so."""
        message = self.message(conn, message_id)
        if message is None or message.delivery not in {DeliveryState.UNKNOWN, DeliveryState.FAILED}:
            raise Refused
        last = conn.execute('SELECT max(seq) FROM message WHERE "case" = ?', [message.case_id]).fetchone()
        return self.say(conn, message.case_id, adviser, message.text, client_id, last[0], now)

    def note(
        self,
        conn: sqlite3.Connection,
        case_id: CaseId,
        adviser: AdviserId,
        text: str,
        now: datetime,
        client_id: str | None = None,
        to: AdviserId | None = None,
    ) -> int:
        """Writes a note for other advisers; nothing leads from it to anything that is sent. Returns its number.

        The same `client_id` again returns the same note. `to`: it is meant for whoever holds the case.
        """
        if conn.execute("SELECT 1 FROM cases WHERE id = ?", [case_id]).fetchone() is None:
            raise NoSuchCase
        noted = thread.noted(conn, case_id, adviser, client_id)
        if noted is not None:
            return noted
        with moves.refusals():
            return thread.add_note(conn, self._seal, case_id, adviser, _words(text), now, client_id, to)

    def pause(self, conn: sqlite3.Connection, case_id: CaseId, adviser: AdviserId, now: datetime) -> None:
        self._move(conn, Move.PAUSED, case_id, adviser, now)

    def resume(self, conn: sqlite3.Connection, case_id: CaseId, adviser: AdviserId, now: datetime) -> None:
        """Raises: AtCapacity when the adviser took other cases meanwhile."""
        self._move(conn, Move.RESUMED, case_id, adviser, now)

    # --- passing on --------------------------------------------------------------------------------------------------

    def offer(
        self, conn: sqlite3.Connection, case_id: CaseId, adviser: AdviserId, to: AdviserId, now: datetime
    ) -> None:
        """Offers a case to another; until they accept, its sender holds it and may speak."""
        until = to_ms(now + self._rules.offer)
        self._move(conn, Move.OFFERED, case_id, adviser, now, to=to, until=until)

    def accept(self, conn: sqlite3.Connection, case_id: CaseId, adviser: AdviserId, now: datetime) -> None:
        self._move(conn, Move.ACCEPTED, case_id, adviser, now)

    def decline(self, conn: sqlite3.Connection, case_id: CaseId, adviser: AdviserId, now: datetime) -> None:
        """The one it was offered to says no, or its sender takes the offer back."""
        self._move(conn, Move.DECLINED, case_id, adviser, now)

    # --- ending ------------------------------------------------------------------------------------------------------

    def wrap_up(self, conn: sqlite3.Connection, case_id: CaseId, adviser: AdviserId, now: datetime) -> None:
        self._move(conn, Move.WRAPPING_UP, case_id, adviser, now)

    def close(
        self,
        conn: sqlite3.Connection,
        case_id: CaseId,
        adviser: AdviserId,
        issue: str,
        outcome: str,
        now: datetime,
        seen_seq: int | None = None,
    ) -> None:
        """Ends a case in wrap-up. `issue` and `outcome` are codes; with `seen_seq`, nothing unread is closed over."""
        self._refuse_unread(conn, case_id, adviser, seen_seq)
        closing = {"issue": _code(issue), "outcome": _code(outcome)}
        self._move(conn, Move.CLOSED, case_id, adviser, now, forget=self._forget_at(now), **closing)

    def give_back(
        self,
        conn: sqlite3.Connection,
        case_id: CaseId,
        adviser: AdviserId,
        issue: str,
        now: datetime,
        seen_seq: int | None = None,
    ) -> None:
        """Hands the conversation back to the bot, from any held state; the case is done, with outcome `given_back`.

        With `seen_seq`, nothing unread is handed back.
        """
        state = self._held_state(conn, case_id, adviser)
        self._refuse_unread(conn, case_id, adviser, seen_seq)
        if state is not State.WRAP_UP:
            self._move(conn, Move.WRAPPING_UP, case_id, adviser, now)
        self._move(conn, Move.GIVEN_BACK, case_id, adviser, now, issue=_code(issue), forget=self._forget_at(now))

    # --- what the bot's relay and courier need -----------------------------------------------------------------------

    def record_delivery(
        self,
        conn: sqlite3.Connection,
        message_id: MessageId,
        state: DeliveryState,
        now: datetime,
        reason: str | None = None,
    ) -> bool:
        """How far a message got. False, and nothing changed, when it had got further already (receipts overtake)."""
        return delivery.record(conn, message_id, state, now, reason)

    def message(self, conn: sqlite3.Connection, message_id: MessageId) -> Message | None:
        return thread.line(conn, self._seal, message_id)

    def voice(self, conn: sqlite3.Connection, conversation: int) -> Voice:
        """Who may speak. What the bot writes must carry this epoch and be written while the bot is the speaker."""
        row = conn.execute("SELECT speaker, epoch FROM voice WHERE conversation = ?", [conversation]).fetchone()
        return Voice() if row is None else Voice(Speaker(row[0]), row[1])

    # --- within ------------------------------------------------------------------------------------------------------

    def _move(
        self,
        conn: sqlite3.Connection,
        move: Move,
        case_id: CaseId,
        adviser: AdviserId,
        now: datetime,
        **more: int | str,
    ) -> None:
        times = {"now": to_ms(now), "lease": to_ms(now + self._rules.lease)}
        moves.make(conn, move, case_id, adviser, {**times, **more})

    def _forget_at(self, now: datetime) -> int:
        return to_ms(now + self._rules.keep)

    def _refuse_unread(
        self, conn: sqlite3.Connection, case_id: CaseId, adviser: AdviserId, seen_seq: int | None
    ) -> None:
        """Raises: Stale, with what others have said since `seen_seq`."""
        news = () if seen_seq is None else thread.news(conn, self._seal, case_id, adviser, seen_seq)
        if news:
            raise Stale(news)

    def _held_state(self, conn: sqlite3.Connection, case_id: CaseId, adviser: AdviserId) -> State:
        row = conn.execute('SELECT state, holder FROM queue_item WHERE "case" = ?', [case_id]).fetchone()
        if row is None:
            raise NoSuchCase
        if row[1] != adviser:
            raise NotYours
        return State(row[0])


def _words(text: str) -> str:
    words = text.strip()
    if not words:
        raise Refused("There is nothing to send.")
    if len(words) > MAX_MESSAGE_CHARACTERS:
        raise Refused(f"That is longer than {MAX_MESSAGE_CHARACTERS} characters. Send it in parts.")
    return words


def _code(text: str) -> str:
    if code(text) != text:
        raise Refused("An issue or outcome is a code of the taxonomy.")
    return text
