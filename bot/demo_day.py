"""A believable day for `firstline demo`: enquirers who walked the flows, advisers at work. All of it invented."""

import asyncio
import contextlib
import itertools
import random
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from sqlite3 import Connection

from bot.app import Firstline
from bot.channels.contract import TELEGRAM, WEB, WHATSAPP, WINDOWS, Limits, Line, Parcel, Pushing
from bot.courier import Courier
from bot.domain import Address, ChannelName, Opened, Said, Turn
from bot.engine.render import Rendered
from bot.reply_window import ReplyWindow
from bot.speech import Speech
from handoff import advisers, closing
from handoff.closing import Closing, Escalation
from handoff.domain import AdviserId, CaseId, DeliveryState, NewCase, Role
from handoff.errors import LedgerError

BEAT_S = 20
FEW_ANSWERS = 8
"""So many questions are answered before somebody asks for a person."""
USUAL = ("No", "Not sure", "Don't know", "I don't know")
"""What is answered to most of them."""
MOST = 10**6
DAYS_BACK, CLOSED_A_DAY = 20, 2
"""Enough closed cases for an honest estimate of the wait."""


@dataclass(frozen=True, slots=True)
class Colleague:
    name: str
    role: Role
    capacity: int = 3


COLLEAGUES = (
    Colleague("Amira Khan", Role.ADVISER),
    Colleague("Ben Okafor", Role.ADVISER),
    Colleague("Carys Lewis", Role.SENIOR, 4),
    Colleague("Dilys Morgan", Role.EDITOR, 0),
    Colleague("Edward Quayle", Role.AUDITOR, 0),
)


def email_of(colleague: Colleague) -> str:
    return f"{colleague.name.split()[0].lower()}@example.org"


@dataclass(frozen=True, slots=True)
class Enquiry:
    """Somebody who asked for a person `ago`; `then` is what they wrote afterwards."""

    ago: timedelta
    opening: str
    role: str
    nation: str
    channel: ChannelName = WEB
    then: tuple[str, ...] = ()
    waits_for_questions: bool = True
    """False for somebody who wants a person at once."""


def minutes(number: int) -> timedelta:
    return timedelta(minutes=number)


WAITING = (
    Enquiry(minutes(34), "Someone made a fake account in our school's name", "Head or senior leader", "Wales",
            TELEGRAM),
    Enquiry(minutes(22), "Parents are posting lies about our school on Facebook", "Safeguarding lead", "England", WEB,
            ("It has been shared 40 times since this morning.",)),
    Enquiry(minutes(15), "Which age is right for this game, and how do I set the controls?", "Foster or other carer",
            "Scotland", WHATSAPP),
    Enquiry(minutes(9), "Pupils are bullying another pupil in a group chat", "Teacher or school staff",
            "Northern Ireland"),
    Enquiry(minutes(3), "A pupil has sent a nude image and it is being passed round", "Safeguarding lead", "England",
            TELEGRAM, ("We have not looked at it. Two phones are in the office.",)),
)  # fmt: skip
HELD = (
    (0, Enquiry(minutes(41), "A parent is harassing one of our teachers online",
                "Head or senior leader", "England", WEB,
                ("We have screenshots of nine posts.", "Can we make him stop?")),
     ("Hello, I am Amira. I have read what you told the bot, so you need not tell it again.",
      "Is the teacher safe at home, and has anybody answered him?")),
    (1, Enquiry(minutes(28), "Someone nobody knows keeps writing to one of our children in a game",
                "Social worker", "Wales", WHATSAPP,
                ("They have only written in the game.",)),
     ("Hello, I am Ben. Thank you for keeping the device as it is.",)),
    (2, Enquiry(minutes(19), "A member of staff has been messaging a pupil privately", "Head or senior leader",
                "England", TELEGRAM), ()),
)  # fmt: skip
"""(who of COLLEAGUES holds it, the enquiry, what they have said so far)."""
CLOSED = (
    ("impersonation", "reported"),
    ("reputation", "advised"),
    ("cyberbullying", "tell_lead"),
    ("nudes", "referred"),
    ("reporting_help", "advised"),
)
"""(issue, outcome) of the weeks before."""


class PretendChannel(Pushing[Rendered]):
    """Takes every message and throws it away: nobody is at the other end of a demo."""

    limits = Limits(text=4096, buttons=10, title=100, rows=10)

    def __init__(self, name: ChannelName) -> None:
        self.name = name
        self.counts: Counter[str] = Counter()

    def parts(self, parcel: Parcel) -> Sequence[Rendered]:
        return parcel.messages

    async def deliver(self, address: Address, seq: int, part: Rendered) -> str | None:  # noqa: ARG002
        return None


@dataclass
class DemoDay:
    firstline: Firstline
    now: Callable[[], datetime]
    seed: int = 7
    _people: list[AdviserId] = field(default_factory=list)
    _numbers: "itertools.count[int]" = field(default_factory=lambda: itertools.count(1))
    _forgotten: "itertools.count[int]" = field(default_factory=lambda: itertools.count(10**9))

    async def fill(self, password_hash: str) -> None:
        """Weeks of closed cases, then a morning: some wait, some are held, one is put off, one is danger."""
        for each in COLLEAGUES:
            self._people.append(await self._hire(each, password_hash))
        await self._weeks_before()
        for holder, enquiry, said in HELD:
            await self._conversation(self._people[holder], enquiry, said)
        for enquiry in WAITING:
            await self.enquire(enquiry)
        await self._danger()
        await self._put_off()

    async def live(self) -> None:
        """Colleagues' consoles stay alive, and what is sent to messengers goes nowhere. Until cancelled."""
        line = self.firstline
        pretend = {name: PretendChannel(name) for name in (TELEGRAM, WHATSAPP)}
        courier = Courier(
            line.ledger, pretend, Speech(line.shelf, line.queue), line.queue, ReplyWindow(WINDOWS), self.now
        )
        line.ledger.on_commit(courier.wake)
        with contextlib.suppress(LedgerError):  # the service is stopping
            await asyncio.gather(courier.run(), self._beat())

    async def enquire(self, enquiry: Enquiry) -> CaseId:
        """Walks the real flows up to a person. Returns the case."""
        at, address = self.now() - enquiry.ago - minutes(3), Address(f"demo-{next(self._numbers)}")

        async def say(text: str) -> Sequence[Line]:
            nonlocal at
            at += timedelta(seconds=9)
            return await self._turn(enquiry.channel, address, Said(text, at))

        def is_passed_on() -> bool:
            return self.firstline.rooms.state(enquiry.channel, address).speaker != "bot"

        await self._turn(enquiry.channel, address, Opened(at))
        lines = await say(enquiry.opening)
        for _ in range(FEW_ANSWERS if enquiry.waits_for_questions else 0):
            title = _answer(lines, (enquiry.role, enquiry.nation, *USUAL))
            if title is None or is_passed_on():
                break
            lines = await say(title)
        at = self.now() - enquiry.ago
        for text in ("talk to a person", "yes"):
            if not is_passed_on():
                await say(text)
        for text in enquiry.then:
            await say(text)
        row = self.firstline.ledger.reader().execute("SELECT max(id) FROM cases").fetchone()
        return CaseId(row[0])

    # --- what advisers do --------------------------------------------------------------------------------------------

    async def _conversation(self, holder: AdviserId, enquiry: Enquiry, said: Sequence[str]) -> CaseId:
        case = await self.enquire(enquiry)
        at = self.now() - enquiry.ago + minutes(2)
        queue, write = self.firstline.queue, self.firstline.ledger.write
        await write(lambda db: queue.claim(db, case, holder, at))
        for number, text in enumerate(said):
            await write(partial(self._said, case, holder, number, text, at + minutes(number + 1)))
        await write(partial(self._heartbeat, holder))
        return case

    async def _danger(self) -> None:
        enquiry = Enquiry(minutes(1), "A child has told me he will hurt himself tonight", "Teacher or school staff",
                          "England", WEB, waits_for_questions=False)  # fmt: skip
        await self.enquire(enquiry)

    async def _put_off(self) -> None:
        """A call-back that Carys agreed, for later today or the next time the service is open."""
        enquiry = Enquiry(minutes(55), "Our pupils share a scary challenge video", "Early years", "England")
        carys = self._people[2]
        case = await self._conversation(carys, enquiry, ("Hello, I am Carys. When may I come back to you?",))
        now = self.now()
        then = self.firstline.hours.add(now, timedelta(hours=2)).replace(minute=30, second=0, microsecond=0)
        then = max(then, now + minutes(30))
        await self.firstline.ledger.write(lambda db: self.firstline.queue.schedule(db, case, carys, then, now))

    async def _weeks_before(self) -> None:
        """Closed cases of the days before, at these hours, each handled in 8 to 30 minutes."""
        dice = random.Random(self.seed)
        for day, number in itertools.product(range(1, DAYS_BACK + 1), range(CLOSED_A_DAY)):
            opened = self.now() - timedelta(days=day, minutes=dice.randrange(50))
            took, holder = minutes(dice.randrange(8, 30)), self._people[number % 3]
            work = self._closed_case(dice.randrange(1, 4), *dice.choice(CLOSED), opened, took, holder)
            await self.firstline.ledger.write(work)

    def _closed_case(
        self, tier: int, issue: str, outcome: str, opened: datetime, took: timedelta, holder: AdviserId
    ) -> Callable[[Connection], None]:
        """Of a conversation whose words were forgotten long ago: only its case is left."""
        queue, claimed, ended = self.firstline.queue, opened + minutes(2), opened + minutes(2) + took
        new = NewCase(next(self._forgotten), tier, "asked", "web", "demo", issue, "teacher", "england")

        def work(db: Connection) -> None:
            case = queue.open_case(db, new, opened).id
            queue.claim(db, case, holder, claimed)
            said = queue.say(db, case, holder, "Hello, how can I help?", "demo-0", 0, claimed + minutes(1))
            queue.record_delivery(db, said, DeliveryState.READ, claimed + minutes(1))
            queue.wrap_up(db, case, holder, ended)
            closing.record(db, case, holder, Closing(issue, route="setting", escalation=Escalation.CLARIFIED), ended)
            queue.close(db, case, holder, issue, outcome, ended)

        return work

    # --- within ------------------------------------------------------------------------------------------------------

    async def _turn(self, channel: ChannelName, address: Address, heard: Said | Opened) -> Sequence[Line]:
        turn = Turn(channel, address, f"demo-{next(self._numbers)}", heard)
        return (await self.firstline.rooms.answer(turn)).lines

    async def _hire(self, colleague: Colleague, password_hash: str) -> AdviserId:
        at = self.now() - timedelta(days=60)

        def work(db: Connection) -> AdviserId:
            name, email = colleague.name, email_of(colleague)
            made = advisers.add(db, name, email, password_hash, colleague.role, at, colleague.capacity)
            if colleague.capacity:
                advisers.set_available(db, made, True, self.now())
            return made

        return await self.firstline.ledger.write(work)

    async def _beat(self) -> None:
        while True:
            for adviser in self._people:
                await self.firstline.ledger.write(partial(self._heartbeat, adviser))
            await asyncio.sleep(BEAT_S)

    def _heartbeat(self, adviser: AdviserId, db: Connection) -> None:
        self.firstline.queue.heartbeat(db, adviser, self.now())

    def _said(self, case: CaseId, holder: AdviserId, number: int, text: str, at: datetime, db: Connection) -> None:
        """Read, where it is the first; only delivered, where it is not."""
        queue = self.firstline.queue
        message = queue.say(db, case, holder, text, f"demo-{number}", MOST, at)
        reach = DeliveryState.DELIVERED if number else DeliveryState.READ
        queue.record_delivery(db, message, reach, at)
        db.execute("UPDATE outbox SET state = ? WHERE message = ?", [reach, message])


def _answer(lines: Sequence[Line], wanted: Sequence[str]) -> str | None:
    """What is pressed of what the last line offers: one of these, else the first; None when nothing is asked."""
    titles = [title for _, title in lines[-1].rendered.choices] if lines else []
    return next((title for title in wanted if title in titles), titles[0] if titles else None)
