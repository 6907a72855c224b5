"""A desk with invented cases on loopback: for the console's tests, its pictures, and looking at it by hand.

`python tests/demo_desk.py` serves it under /desk; log in as amira@example.org with the password below.
"""

import asyncio
import itertools
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from aiohttp import web

from handoff import advisers
from handoff.advisers import hash_password
from handoff.console.app import console
from handoff.console.parts import Mask, unmasked
from handoff.domain import AdviserId, CaseId, DeliveryState, NewCase, Pack, PackAdvice, PackAnswer, Role
from handoff.doorkeeper import Credentials, Doorkeeper, LoggedIn
from handoff.doors import SHUT, Doors
from handoff.hours import OpeningHours, week_from
from handoff.ledger import Ledger
from handoff.migrations import migrations
from handoff.queue import Queue
from handoff.seal import Seal
from handoff.timetable import Timetable

MONDAY = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)
PASSWORD = "correct horse battery"
HASH = hash_password(PASSWORD)
OPEN = OpeningHours(week=week_from("mon-fri 09:00-17:00"))
PACK = Pack(
    answers=(
        PackAnswer("Is anyone in danger right now?", "No"),
        PackAnswer("Does the account contact pupils?", "I don’t know", dont_know=True),
        PackAnswer("Where is it?", "TikTok"),
        PackAnswer("How long has it been up?", "More than 48 hours"),
    ),
    advice=(
        PackAdvice("keep-evidence", "Keep evidence before you report or block"),
        PackAdvice("report-fake-account", "Report a fake account"),
        PackAdvice("after-48-hours", "When 48 hours have passed"),
    ),
    words=("someone made a tiktok in our schools name and it is posting videos of staff with music over them",),
)


class Clock:
    """The time, as the test says."""

    def __init__(self, at: datetime = MONDAY) -> None:
        self.at = at

    def __call__(self) -> datetime:
        return self.at

    def pass_(self, passed: timedelta) -> None:
        self.at += passed


@dataclass(slots=True)
class DemoDesk:
    """Everything the console stands on, with a few shortcuts; `conversations` counts up."""

    ledger: Ledger
    queue: Queue
    now: Callable[[], datetime]
    conversations: "itertools.count[int]"

    def adviser(self, name: str, role: Role = Role.ADVISER, capacity: int = 3, available: bool = True) -> AdviserId:
        email = f"{name.split()[0].lower()}@example.org"
        adviser_id = self.ledger.write_now(
            lambda conn: advisers.add(conn, name, email, HASH, role, self.now(), capacity)
        )
        if available:
            self.ledger.write_now(lambda conn: advisers.set_available(conn, adviser_id, True, self.now()))
        return adviser_id

    def case(self, tier: int = 2, concern: str = "impersonation", pack: Pack = PACK, **more: str) -> CaseId:
        values = {"reason": "asked", "channel": "telegram", "role": "teacher", "nation": "england", **more}
        new = NewCase(next(self.conversations), tier, library="2026-11-20.1", concern=concern, pack=pack, **values)
        return self.ledger.write_now(lambda conn: self.queue.open_case(conn, new, self.now())).id

    def hear(self, case_id: CaseId, text: str) -> None:
        def work(conn: object) -> None:
            self.queue.hear(conn, self._conversation(case_id), text, self.now())  # type: ignore[arg-type]

        self.ledger.write_now(work)

    def flag(self, case_id: CaseId, code: str, tier: int | None = None) -> None:
        conversation = self._conversation(case_id)
        self.ledger.write_now(lambda conn: self.queue.flag(conn, conversation, code, self.now(), tier))

    def claim(self, case_id: CaseId, adviser: AdviserId) -> None:
        self.ledger.write_now(lambda conn: self.queue.claim(conn, case_id, adviser, self.now()))

    def say(self, case_id: CaseId, adviser: AdviserId, text: str, delivered: DeliveryState | None = None) -> None:
        mark = f"demo-{next(self.conversations)}"
        message = self.ledger.write_now(
            lambda conn: self.queue.say(conn, case_id, adviser, text, mark, 10**6, self.now())
        )
        if delivered:
            self.ledger.write_now(lambda conn: self.queue.record_delivery(conn, message, delivered, self.now()))

    def token(self, adviser: AdviserId) -> str:
        """A session's cookie, without the slow hashing of a log-in."""
        door, reader = Doorkeeper(self.ledger.seal), self.ledger.reader()
        credentials = door.credentials(reader, advisers.find(reader, adviser).email, "192.0.2.9", self.now())
        assert isinstance(credentials, Credentials)
        logged_in = self.ledger.write_now(lambda conn: door.log_in(conn, credentials, True, self.now()))
        assert isinstance(logged_in, LoggedIn)
        return logged_in.token

    def app(self, mask: Mask = unmasked, doors: Doors = SHUT) -> web.Application:
        app = web.Application()
        desk = console(self.ledger, self.queue, OPEN, self.now, secure_cookies=False, mask=mask, doors=doors)
        app.add_subapp("/desk", desk)
        return app

    def _conversation(self, case_id: CaseId) -> int:
        row = self.ledger.reader().execute("SELECT conversation FROM cases WHERE id = ?", [case_id]).fetchone()
        return int(row[0])


def desk_in(folder: Path, now: Callable[[], datetime]) -> DemoDesk:
    seal = Seal(b"k" * 32)
    ledger = Ledger(folder / "desk.db", seal, [migrations])
    return DemoDesk(ledger, Queue(seal, Timetable(ledger, OPEN)), now, itertools.count(1))


def fill(desk: DemoDesk, clock: Clock) -> AdviserId:
    """A morning in the queue: two advisers, six cases, one conversation under way. Returns the adviser to log in as."""
    amira, ben = desk.adviser("Amira Khan"), desk.adviser("Ben Okafor")
    desk.adviser("Carys Lewis", Role.LEAD, available=False)
    talk = desk.case(2, platform="tiktok")
    desk.claim(talk, amira)
    clock.pass_(timedelta(minutes=2))
    desk.say(talk, amira, "Hello, I am Amira from the helpline. I have read what you told the bot.", DeliveryState.READ)
    clock.pass_(timedelta(minutes=1))
    desk.hear(talk, "Thank you!! It has 400 followers now and <b>parents</b> are commenting. Diolch yn fawr")
    desk.say(
        talk, amira, "Please report each video, not only the account, and keep the numbers you get.", DeliveryState.SENT
    )
    desk.say(talk, amira, "Has anybody at the school replied to the comments?", DeliveryState.UNKNOWN)
    desk.hear(talk, "No, we told everyone not to. شكرا for asking")
    note = "Head is the only one who can prove the name is theirs. Ring back after assembly."
    desk.ledger.write_now(lambda conn: desk.queue.note(conn, talk, amira, note, clock()))
    other = desk.case(3, "age_controls", channel="web", role="foster_carer", nation="wales", language="cy")
    desk.claim(other, ben)
    desk.case(1, "staff_abuse", channel="web", role="head", nation="scotland", platform="instagram")
    clock.pass_(timedelta(minutes=6))
    desk.case(3, "reporting_help", channel="whatsapp", role="social_worker", nation="northern_ireland")
    desk.case(2, "reputation", role="safeguarding_lead", platform="tiktok")
    clock.pass_(timedelta(minutes=9))
    desk.case(0, "immediate_danger", reason="danger", role="police", nation="england")
    desk.case(2, "cyberbullying", channel="web", role="youth_worker", platform="snapchat")
    clock.pass_(timedelta(minutes=1))
    for each in (amira, ben):
        desk.ledger.write_now(lambda conn, each=each: desk.queue.heartbeat(conn, each, clock()))  # type: ignore[misc]
    return amira


async def serve(port: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        clock = Clock()
        desk = desk_in(Path(folder), clock)
        fill(desk, clock)
        began, filled = datetime.now(UTC), clock.at
        desk.now = lambda: filled + (datetime.now(UTC) - began)
        runner = web.AppRunner(desk.app())
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", port).start()
        sys.stdout.write(f"http://127.0.0.1:{port}/desk/  amira@example.org  {PASSWORD}\n")
        sys.stdout.flush()
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1]) if len(sys.argv) > 1 else 8099))
