"""Every post of the desk, forged, spoilt, too long, with a file, too late and twice: nothing half done, no words lost.

The forms are those of the pages themselves (see busy_desk.py): a new form of a new page is walked without a line here.
"""

import asyncio
import html
import re
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from aiohttp import FormData
from aiohttp.test_utils import TestServer

from handoff.console.asking import IN_WORDS
from handoff.domain import CaseId
from tests.areas import gathered_who_may
from tests.busy_desk import (
    WORDS,
    Busy,
    Form,
    Input,
    busy_desk,
    changed,
    copied,
    crawled,
    forms_of,
    posts_of,
    served,
    visiting_as,
)
from tests.demo_desk import PASSWORD
from tests.test_console import Visitor

WHO = ("amira", "carys", "elin")
BY_SCRIPT = {"heartbeat", "typing", "log_in"}
"""Sent by the pages' own script, or by who has no page yet: tried where they belong."""
LONG = " ".join(["wordy"] * 3_333) + " x"
"""20,000 characters."""
RTL = "\u202egnp.exe <b>bold</b>"
SESSION = frozenset({"adviser_session", "login_attempt", "known_address", "sqlite_sequence"})
"""Who is there and who tried to be: no state of the queue."""
LOOKS = frozenset({"access.not_theirs", "record.opened", "watch.began", "notification.acked", "adviser.log_in_refused"})
TRAIL = frozenset({"event", "event_chain", "event_head"})
LOOKED_AT = frozenset({"event", "event_chain", "event_head", "watch", "notification"})
"""A refusal that shows a case is a look at it, and asking for another's case is written down."""
NO_SENTENCES = {
    "q": "what pages are searched by",
    "urls": "a number",
    "review_by": "a day",
    **dict.fromkeys(("mon", "tue", "wed", "thu", "fri", "sat", "sun"), "times of day; the first 100 signs come back"),
}
"""Where 20,000 characters are no words of anybody's: they need not come back."""
OLD, NEW = {"old": PASSWORD}, dict.fromkeys(("new", "again"), "another horse, another battery")
CHOSEN: dict[str, dict[str, str]] = {
    "add_takedown": {"stage": "reported"},
    "takedown_step": {"stage": "on_behalf"},
    "change_password": {**OLD, **NEW},
    "contact": {"name": "Philippa Example", "phone": "020 7946 0123"},
    "finish_gap": {"answer": WORDS},
    "add_person": {"name": "Frank Newby", "email": "frank@example.org", "role": "adviser"},
    "person_role": {"role": "senior"},
    "person_capacity": {"capacity": "7"},
    "erase": {"sure": "yes"},
    "review_hold": {"review_by": "2026-12-24"},
    "hold": {"review_by": "2026-12-24"},
    "add_term": {
        "name": "Made-up term",
        "first": "2026-09-01",
        "last": "2026-12-18",
        "source": "a made-up council’s calendar",
    },
    "start_practice": {"script": "left-overnight"},
}
"""What somebody who fills in the rest of these would choose."""


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Busy:
    return busy_desk(tmp_path_factory.mktemp("busy"))


@pytest.fixture(scope="module")
def forms(made: Busy, tmp_path_factory: pytest.TempPathFactory) -> tuple[Form, ...]:
    return asyncio.run(forms_in(made, tmp_path_factory.mktemp("crawled")))


async def forms_in(made: Busy, folder: Path) -> tuple[Form, ...]:
    with copied(made, folder) as busy:
        async with served(busy) as server:
            return await crawled(server, busy, WHO)


class Trying:
    """One desk on which posts are tried; made anew, where something was written."""

    def __init__(self, made: Busy, folder: Path) -> None:
        self._made, self._folder, self._count = made, folder, 0

    @asynccontextmanager
    async def desk(self) -> AsyncIterator["Trial"]:
        self._count += 1
        with copied(self._made, self._folder / str(self._count)) as busy:
            async with (
                served(busy) as server,
                visiting_as(server, busy, "amira") as amira,
                visiting_as(server, busy, "carys") as carys,
                visiting_as(server, busy, "elin") as elin,
            ):
                visitors = {"amira": amira, "carys": carys, "elin": elin}
                csrf = {name: await visitor.csrf() for name, visitor in visitors.items()}
                yield Trial(busy, server, visitors, csrf)


class Trial:
    def __init__(self, busy: Busy, server: TestServer, visitors: dict[str, Visitor], csrf: dict[str, str]) -> None:
        self.busy, self.server, self.visitors, self.csrf = busy, server, visitors, csrf
        self._before, self._commits = busy.dump(), busy.desk.ledger.commits

    async def post(self, form: Form, fields: dict[str, str], csrf: str | None = None) -> tuple[int, str]:
        """The status, and the page it ends in as people read it."""
        token = self.csrf[form.who] if csrf is None else csrf
        answer = await self.visitors[form.who].post(form.action, token, **fields)
        assert answer.status < 500, (form.route, fields)
        return answer.status, html.unescape(await answer.text())

    async def found(self, form: Form) -> Form:
        """The same form as it stands on its page now."""
        page = await self.visitors[form.who].page(form.page)
        here = forms_of(page, form.page, form.who, posts_of(self.server.app))
        return next(each for each in here if (each.action, each.names) == (form.action, form.names))

    def wrote_events(self) -> bool:
        """Whether anything was told since this began."""
        return len(self.busy.dump()["event"]) > len(self._before["event"])

    def wrote(self) -> set[str]:
        """The tables in which something changed since the last question, but for a note of the refusal itself."""
        ledger = self.busy.desk.ledger
        if ledger.commits == self._commits:
            return set()
        self._commits, before, self._before = ledger.commits, self._before, self.busy.dump()
        kinds = {row[1] for row in self._before["event"][len(before["event"]) :]}
        return changed(before, self._before) - SESSION - (LOOKED_AT if kinds <= LOOKS else set())


@pytest.fixture
def trying(made: Busy, tmp_path: Path) -> Trying:
    return Trying(made, tmp_path)


def test_every_post_of_the_desk_is_in_some_form(made: Busy, forms: tuple[Form, ...], trying: Trying) -> None:
    posts = {name for method, name in gathered_who_may() if method == "POST"}
    assert posts - {form.route for form in forms} == BY_SCRIPT


# --- forged ----------------------------------------------------------------------------------------------------------


async def test_without_its_own_token_no_form_does_anything_and_its_words_come_back(
    forms: tuple[Form, ...], trying: Trying
) -> None:
    async with trying.desk() as trial:
        for form in forms:
            foreign = trial.csrf["elin" if form.who != "elin" else "amira"]
            for csrf in ("", "x", foreign):
                filled = form.filled() | {each.name: f"{WORDS}, {RTL}" for each in form.typed}
                status, page = await trial.post(form, filled, csrf)
                assert status == 403, (form.route, csrf)
                assert trial.wrote() == set(), form.route
                assert_given_back(form, filled, page)


async def test_no_form_takes_a_file(forms: tuple[Form, ...], trying: Trying) -> None:
    async with trying.desk() as trial:
        for form in forms:
            data = FormData({**form.filled(), "csrf": trial.csrf[form.who]})
            data.add_field("photo", b"GIF89a", filename="photo.gif", content_type="image/gif")
            client = trial.visitors[form.who].client
            answer = await client.post(f"/desk{form.action}", data=data, allow_redirects=False)
            assert answer.status == 415, form.route
            assert "We do not take files here" in await answer.text()
            assert trial.wrote() == set(), form.route


# --- too long, spoilt ------------------------------------------------------------------------------------------------


def assert_given_back(form: Form, filled: dict[str, str], page: str) -> None:
    """What an adviser wrote in words is on the page they see next."""
    for each in form.typed:
        if each.kind == "textarea" or each.name in IN_WORDS:
            assert filled[each.name] in page, (form.route, each.name)


async def test_twenty_thousand_characters_are_refused_whole_in_every_field(
    forms: tuple[Form, ...], trying: Trying
) -> None:
    wrong = []
    async with trying.desk() as trial:
        for form, each in of_every_field(forms):
            status, page = await trial.post(form, happy(form) | {each.name: LONG})
            written, given = trial.wrote(), LONG in page or each.name in NO_SENTENCES
            is_draft = form.route == "insert"  # a draft that goes on to another page; sent it is refused
            if written or not given or not (status in {409, 422} or is_draft):
                wrong.append((form.route, each.name, status, written, given))
    assert not wrong, "\n".join(map(str, wrong))


def of_every_field(forms: tuple[Form, ...]) -> Iterator[tuple[Form, Input]]:
    """Each field that takes words, once for each route; one of the fields that are alike but for their number."""
    seen = set()
    for form in forms:
        for each in form.typed:
            if each.name == "username":  # tells a password manager whose password it is; nobody reads it
                continue
            key = (form.route, re.sub(r"[.-].*", "", each.name), each.kind)
            if key not in seen:
                seen.add(key)
                yield form, each


NUMBERS = ("", "x", "-1", "9" * 30, "²", "1e3", "\x00")
DAYS = ("x", "2026-02-30", "0001-01-01", "9999-12-31")
TIMES = ("x", "2026-11-24T25:00", "0001-01-01T00:00+14:00", "9999-12-31T23:59-14:00", "2027-03-28T01:30")
CODES = ("", "nothing-known", RTL, "'); DROP TABLE cases; --")
TEXTS = ("", "   ", "\x00", "\u202e" * 3, "\U0010ffff")
SPOILT = {
    "hidden": NUMBERS,
    "number": NUMBERS,
    "date": DAYS,
    "time": ("x", "25:00", "24:00", "\u0661\u0662:00"),
    "datetime-local": TIMES,
    "select": CODES,
    "radio": CODES,
    "checkbox": CODES,
    "button": CODES,
    "password": ("", "\x00", "x" * 20_000),
}
"""What no browser sends, by the kind of field; all else is text."""


async def test_spoilt_numbers_days_choices_and_signs_do_nothing_by_halves(
    forms: tuple[Form, ...], trying: Trying
) -> None:
    """Whatever is refused has written nothing; what is taken is taken whole (and the next begins on a fresh desk)."""
    once = {(form.route, form.names): form for form in reversed(forms)}
    left = [(form, name, value) for form in once.values() for name, value in spoilings(form)]
    assert len(left) > 500
    while left:
        async with trying.desk() as trial:
            while left:
                form, name, value = left.pop()
                status, page = await trial.post(form, happy(form) | {name: value})
                written = trial.wrote()
                if status < 400 and (written or form.route in {"log_out", "own_sessions"}):
                    break
                assert written == set(), (form.route, name, value, status, written)
                assert "<h1" in page or status < 400, (form.route, name, value, status)


def spoilings(form: Form) -> Iterator[tuple[str, str]]:
    seen = set()
    for each in form.inputs:
        alike = re.sub(r"[.-].*", "", each.name)
        if alike not in seen:
            seen.add(alike)
            yield from ((each.name, value) for value in SPOILT.get(each.kind, TEXTS))


# --- twice, too late -------------------------------------------------------------------------------------------------

BY_NATURE = {
    "reveal": "each answer shows somebody's details, so each is a look of its own",
    "access": "each answer hands out all that is held, so each is written down",
    "person_password": "each answer shows a password, and the newest counts",
    "contact": "what is sealed is not opened to be compared: the same is kept once more, the copy before is emptied",
    "ask_again": "the plan to ask takes the place of the one before: one question is asked",
}
"""Posts of which the second does something too."""


async def test_a_second_click_changes_nothing_more(forms: tuple[Form, ...], trying: Trying) -> None:
    """Beyond the trail, which may say that it was asked again."""
    for form in forms:
        async with trying.desk() as trial:
            filled = happy(await trial.found(form))
            await trial.post(form, filled)
            trial.wrote()
            status, page = await trial.post(form, filled)
            more = trial.wrote() - TRAIL
            assert more == set() or form.route in BY_NATURE, (form.route, status, more)
            assert status < 400 or "<h1" in page


async def test_a_second_click_that_did_more_would_be_seen(
    forms: tuple[Form, ...], trying: Trying, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control: without what the page had seen, "next please" takes a second case."""
    (form,) = {form.who: form for form in forms if form.route == "next" and form.who == "amira"}.values()
    async with trying.desk() as trial:
        for _ in range(2):
            await trial.post(form, {})
            assert "queue_item" in trial.wrote()


async def test_a_day_later_every_form_says_that_one_is_logged_out_and_gives_the_words_back(
    forms: tuple[Form, ...], trying: Trying
) -> None:
    """A browser that slept: its pages are as they were, its session is not."""
    async with trying.desk() as trial:
        trial.busy.clock.pass_(timedelta(days=1))
        for form in forms:
            filled = happy(form) | {each.name: f"{WORDS}, {RTL}" for each in form.typed}
            status, page = await trial.post(form, filled)
            assert status == 401, form.route
            assert "You are logged out" in page
            assert_given_back(form, filled, page)
            assert trial.wrote() == set(), form.route


async def test_with_a_form_of_yesterday_and_a_log_in_of_today_the_words_come_back_too(
    forms: tuple[Form, ...], trying: Trying
) -> None:
    async with trying.desk() as trial:
        trial.busy.clock.pass_(timedelta(days=1))
        for name, visitor in trial.visitors.items():
            token = trial.busy.desk.token(trial.busy.people[name])
            visitor.client.session.cookie_jar.update_cookies({"desk": token}, trial.server.make_url("/"))
        trial.wrote()
        for form in forms:
            filled = happy(form) | {each.name: f"{WORDS}, {RTL}" for each in form.typed}
            status, page = await trial.post(form, filled)
            assert status == 403, form.route
            assert "the form is out of date" in page
            assert_given_back(form, filled, page)
            assert trial.wrote() == set(), form.route


# --- an old page: somebody else was there meanwhile ------------------------------------------------------------------


async def test_what_is_sent_from_an_old_page_is_stopped_and_shown_what_is_new(
    forms: tuple[Form, ...], trying: Trying
) -> None:
    """Versions from the past: whatever carries a number of what its page had seen is refused once there is more."""
    tried = set()
    for form in forms:
        if form.route not in MEANWHILE:
            continue
        tried.add(form.route)
        async with trying.desk() as trial:
            words = {each.name: f"{WORDS} {RTL}" for each in form.typed if each.name in IN_WORDS}
            filled = happy(await trial.found(form)) | words
            await MEANWHILE[form.route](trial, form)
            trial.wrote()
            status, page = await trial.post(form, filled)
            assert status == 409, (form.route, status)
            assert trial.wrote() == set(), form.route
            assert_given_back(form, filled, page)
    assert tried == set(MEANWHILE)


async def _they_write(trial: "Trial", form: Form) -> None:
    trial.busy.desk.hear(CaseId(int(form.action.split("/")[2])), "It is gone now, thank you")


async def _the_same_is_done(trial: "Trial", form: Form) -> None:
    status, _ = await trial.post(form, happy(await trial.found(form)))
    assert status == 303


MEANWHILE = {
    "say": _they_write,
    "close": _they_write,
    "move_task": _the_same_is_done,
    "takedown_step": _the_same_is_done,
    "change_hours": _the_same_is_done,
    "taxonomy_new": _the_same_is_done,
    "read_again": _the_same_is_done,
    "take_up_gap": _the_same_is_done,
    "finish_gap": _the_same_is_done,
    "review": _the_same_is_done,
}


def happy(form: Form) -> dict[str, str]:
    """What somebody who means it sends."""
    return form.filled() | CHOSEN.get(form.route, {})
