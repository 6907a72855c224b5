"""The ladder: who is told of what nobody acknowledged, when, how often, and with which words."""

import asyncio
import itertools
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import pytest

from bot.alerts import Alerts
from bot.config import read_settings
from bot.errors import DeliveryError, SettingsError
from bot.ladder import SAID, Group, Ladder, Letters, Teller
from bot.mail import Post
from bot.migrations import migrations as bot_migrations
from handoff import notifications, watching
from handoff.domain import AdviserId, CaseId, DeliveryState, Pack, PackAnswer, Role
from handoff.ledger import Ledger
from handoff.migrations import migrations
from handoff.notifications import AFTER, TOLD_ON, Audience, Kind, Rung, notify, open_of
from handoff.queue import Queue
from handoff.seal import Seal
from tests.demo_desk import OPEN, Clock, DemoDesk
from tests.fakes.smtp import MailServer, mail_server

MINUTE = timedelta(minutes=1)
TO = ("duty@example.org", "lead@example.org")


@dataclass
class Posts:
    """The advisers' group as a ladder sees it."""

    posted: list[str] = field(default_factory=list)
    failures: list[Exception] = field(default_factory=list)
    hangs: bool = False

    async def post(self, text: str, case: int | None) -> int:
        if self.hangs:
            await asyncio.Event().wait()
        if self.failures:
            raise self.failures.pop(0)
        assert case is None
        self.posted.append(text)
        return len(self.posted)

    async def amend(self, message_id: int, text: str, case: int | None) -> None:
        raise AssertionError("nothing is amended by the ladder")


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def desk(tmp_path: Path, clock: Clock) -> Iterator[DemoDesk]:
    seal = Seal(b"k" * 32)
    ledger = Ledger(tmp_path / "desk.db", seal, [migrations, bot_migrations])
    references = (f"FL-7K3Q-{a}{b}" for a in "2346" for b in "2346")
    yield DemoDesk(ledger, Queue(seal, OPEN, reference=references.__next__), clock, itertools.count(1))
    ledger.close()


@pytest.fixture
def amira(desk: DemoDesk) -> AdviserId:
    return desk.adviser("Amira Khan")


@pytest.fixture
async def mail() -> AsyncIterator[MailServer]:
    async with mail_server() as running:
        yield running
        assert running.complaints == []


@pytest.fixture
def posts() -> Posts:
    return Posts()


def letters(mail: MailServer) -> Letters:
    return Letters(Post("127.0.0.1", mail.port, "firstline@example.org", TO, starttls=False))


def ladder(desk: DemoDesk, **tellers: Teller) -> Ladder:
    named = {Rung(name): teller for name, teller in tellers.items()}
    return Ladder(desk.ledger, desk.now, named, "https://help.example.org/", first_wait_s=0.001)


def bodies(mail: MailServer) -> list[str]:
    return [each.get_content() for each in mail.taken]


# --- what is said, when ----------------------------------------------------------------------------------------------


async def test_danger_is_mailed_at_once_with_tier_reference_and_link_alone(desk: DemoDesk, mail: MailServer) -> None:
    case_id = desk.case(0)
    await ladder(desk, email=letters(mail)).climb(Rung.EMAIL)
    letter = mail.taken[0]
    assert letter["Subject"] == "Firstline: Danger, 1 notice"
    assert letter["Auto-Submitted"] == "auto-generated"
    assert letter.get_content().splitlines() == [
        f"Danger: FL-7K3Q-22 is waiting. https://help.example.org/desk/cases/{case_id}",
        "",
        "Nobody has acknowledged this at the desk yet.",
    ]
    assert mail.envelopes == [("firstline@example.org", TO)]


async def test_the_rest_is_mailed_after_five_minutes_unless_somebody_has_seen_it(
    desk: DemoDesk, clock: Clock, mail: MailServer, amira: AdviserId
) -> None:
    climbing = ladder(desk, email=letters(mail))
    taken, waits = desk.case(1), desk.case(1)
    await climbing.climb(Rung.EMAIL)
    assert mail.taken == []
    desk.claim(taken, amira)
    clock.pass_(AFTER[Rung.EMAIL])
    await climbing.climb(Rung.EMAIL)
    assert [f"/cases/{waits}" in body and f"/cases/{taken}" not in body for body in bodies(mail)] == [True]


async def test_the_group_is_told_of_what_has_no_button_there(
    desk: DemoDesk, clock: Clock, posts: Posts, amira: AdviserId
) -> None:
    case_id = desk.case(2)
    desk.claim(case_id, amira)
    desk.say(case_id, amira, "Hello", DeliveryState.FAILED)
    climbing = ladder(desk, telegram=Group(posts))
    await climbing.climb(Rung.TELEGRAM)
    assert posts.posted == []
    clock.pass_(AFTER[Rung.TELEGRAM])
    await climbing.climb(Rung.TELEGRAM)
    assert posts.posted == [
        f"Soon: FL-7K3Q-22 has a message that was not delivered. https://help.example.org/desk/cases/{case_id}"
    ]


def test_what_is_not_done_at_its_case_leads_to_where_it_is_done(desk: DemoDesk) -> None:
    """The case itself may be a colleague's: to follow a link there would be to pry."""
    case_id = desk.case(1)
    climbing = ladder(desk)
    for kind, place in ((Kind.SECOND_READING, "second-readings"), (Kind.TASK_DUE, "tasks")):
        desk.ledger.write_now(lambda conn, kind=kind: notify(conn, kind, Audience.ON_DUTY, desk.now(), case_id=case_id))
        (told,) = open_of(desk.ledger.reader(), [kind])
        assert climbing.line(told).endswith(f"https://help.example.org/desk/{place}")


async def test_many_at_once_are_few_messages(desk: DemoDesk, mail: MailServer) -> None:
    for _ in range(13):
        desk.case(0)
    await ladder(desk, email=letters(mail)).climb(Rung.EMAIL)
    assert [each["Subject"] for each in mail.taken] == ["Firstline: Danger, 13 notices"]


def test_everything_that_may_leave_has_words() -> None:
    assert frozenset().union(*TOLD_ON.values()) == set(SAID)


# --- once, over restarts and faults ----------------------------------------------------------------------------------


async def test_a_restart_repeats_nothing_and_loses_nothing(desk: DemoDesk, mail: MailServer) -> None:
    first = desk.case(0)
    await ladder(desk, email=letters(mail)).climb(Rung.EMAIL)
    second = desk.case(0)
    for _ in range(2):
        await ladder(desk, email=letters(mail)).climb(Rung.EMAIL)
    assert [each.splitlines()[0].endswith(f"/cases/{first}") for each in bodies(mail)] == [True, False]
    assert [each.splitlines()[0].endswith(f"/cases/{second}") for each in bodies(mail)] == [False, True]


async def test_one_told_in_the_moment_of_a_crash_is_told_again_as_the_same_message(
    desk: DemoDesk, mail: MailServer
) -> None:
    desk.case(0)
    teller = letters(mail)

    class Dies:
        async def tell(self, *told: object) -> None:
            await teller.tell(*told)  # type: ignore[arg-type]
            raise RuntimeError("killed")

    with pytest.raises(RuntimeError):
        await ladder(desk, email=Dies()).climb(Rung.EMAIL)  # type: ignore[arg-type]
    await ladder(desk, email=teller).climb(Rung.EMAIL)
    assert len({each["Message-ID"] for each in mail.taken}) == 1
    assert len(mail.taken) == 2


@pytest.mark.parametrize(("fault", "reason", "tries_again"), [
    ("451 later", "smtp_451", True),
    ("554 never", "smtp_554", False),
    ("hang up", "no_connection", True),
])  # fmt: skip
async def test_a_mail_server_that_fails_is_told_again_later(
    desk: DemoDesk, mail: MailServer, fault: str, reason: str, tries_again: bool
) -> None:
    desk.case(0)
    mail.faults = [fault]
    climbing = ladder(desk, email=letters(mail))
    with pytest.raises(DeliveryError) as caught:
        await climbing.climb(Rung.EMAIL)
    assert (caught.value.reason, caught.value.retry_after_s is not None) == (reason, tries_again)
    await climbing.climb(Rung.EMAIL)
    assert len(mail.taken) == 1


async def test_no_server_and_no_such_address_are_faults_with_a_name(desk: DemoDesk, mail: MailServer) -> None:
    nobody = Post("127.0.0.1", 1, "firstline@example.org", TO, starttls=False)
    with pytest.raises(DeliveryError, match="no_connection"):
        await nobody.send("s", "t", "m", desk.now())
    mail.refused = frozenset(TO)
    with pytest.raises(DeliveryError, match="undeliverable"):
        await Post("127.0.0.1", mail.port, "firstline@example.org", TO, starttls=False).send("s", "t", "m", desk.now())


async def test_nothing_is_said_to_a_server_that_cannot_do_tls_when_tls_is_wanted(
    desk: DemoDesk, mail: MailServer
) -> None:
    post = Post("127.0.0.1", mail.port, "firstline@example.org", TO, "user", "secret", starttls=True)
    with pytest.raises(DeliveryError):
        await post.send("s", "t", "m", desk.now())
    assert mail.envelopes == []
    assert "secret" not in repr(post)


async def test_a_group_that_hangs_holds_no_letter_up(
    desk: DemoDesk, mail: MailServer, posts: Posts, amira: AdviserId
) -> None:
    posts.hangs = True
    case_id = desk.case(2)
    desk.claim(case_id, amira)
    desk.flag(case_id, "danger_words", 0)
    mail.faults = ["451 later"]
    climbing = asyncio.create_task(ladder(desk, email=letters(mail), telegram=Group(posts)).run())
    async with asyncio.timeout(20):
        await mail.arrived.wait()
    climbing.cancel()
    with suppress(asyncio.CancelledError):
        await climbing
    assert len(mail.taken) == 1


async def test_what_time_brings_about_is_swept_and_watches_that_were_left_end(
    desk: DemoDesk, clock: Clock, amira: AdviserId
) -> None:
    carys = desk.adviser("Carys Lewis", Role.SENIOR)
    case_id = desk.case(2)
    desk.case(2)
    desk.claim(case_id, amira)
    desk.ledger.write_now(lambda conn: watching.watch(conn, case_id, carys, clock()))
    clock.pass_(timedelta(minutes=31))
    await ladder(desk).sweep()
    reader = desk.ledger.reader()
    assert [row[0] for row in reader.execute("SELECT kind FROM notification")] == ["case_overdue"]
    assert not watching.any_left(reader, clock())
    commits = desk.ledger.commits
    await ladder(desk).sweep()
    assert desk.ledger.commits == commits


# --- no content ------------------------------------------------------------------------------------------------------


def everything(desk: DemoDesk, clock: Clock, amira: AdviserId) -> list[CaseId]:
    """One of nearly every kind of notice, about cases full of canaries."""
    ben = desk.adviser("Canary-Adviser")
    pack = Pack(words=("canary-words",), answers=(PackAnswer("canary-question", "canary-answer"),))
    more = {"role": "canary_role", "platform": "canary_platform", "reason": "canary_reason", "nation": "wales"}
    cases = [desk.case(tier, "canary_concern", pack, **more) for tier in (0, 1, 2, 2)]
    desk.claim(cases[2], amira)
    desk.say(cases[2], amira, "canary-said", DeliveryState.UNKNOWN)
    desk.hear(cases[2], "canary-heard")
    desk.ledger.write_now(lambda conn: desk.queue.note(conn, cases[2], amira, "canary-note", clock()))
    desk.ledger.write_now(lambda conn: desk.queue.offer(conn, cases[2], amira, ben, clock()))
    desk.claim(cases[3], ben)
    desk.say(cases[3], ben, "canary-said", DeliveryState.FAILED)
    desk.flag(cases[3], "canary_flag", 0)
    clock.pass_(timedelta(hours=2))
    desk.ledger.write_now(lambda conn: notifications.sweep(conn, clock()))
    return cases


async def test_no_canary_leaves_by_any_rung(
    desk: DemoDesk, clock: Clock, mail: MailServer, posts: Posts, amira: AdviserId
) -> None:
    everything(desk, clock, amira)
    climbing = ladder(desk, email=letters(mail), telegram=Group(posts))
    await climbing.climb(Rung.EMAIL)
    await climbing.climb(Rung.TELEGRAM)
    announced = Recorder()
    await Alerts(desk.ledger, desk.queue, clock, announced).follow()
    said = " ".join([*bodies(mail), *map(str, mail.taken), *posts.posted, *announced.posted]).lower()
    assert len(announced.posted) >= 2
    assert len(posts.posted) == 1
    assert "fl-7k3q-22" in said
    assert [word for word in ("canary", "wales", "telegram", "amira") if word in said] == []


@dataclass
class Recorder(Posts):
    async def post(self, text: str, case: int | None) -> int:
        self.posted.append(text)
        return len(self.posted)


# --- settings --------------------------------------------------------------------------------------------------------


def test_addresses_without_a_mail_server_are_refused_at_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SettingsError, match="FIRSTLINE_SMTP_HOST and FIRSTLINE_SMTP_FROM is missing"):
        read_settings(alert_emails="duty@example.org")
    with pytest.raises(SettingsError, match="is not an e-mail address"):
        read_settings(alert_emails="duty@example.org, nobody", smtp_host="mail.example.org", smtp_from="a@example.org")


def test_addresses_are_read_with_commas_between() -> None:
    settings = read_settings(
        alert_emails=" duty@example.org, ,lead@example.org", smtp_host="mail.example.org", smtp_from="a@example.org"
    )
    assert settings.alert_addresses == TO
