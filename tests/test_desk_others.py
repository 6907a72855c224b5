"""Somebody else's case, and somebody's hostile words: asked for by every route, shown on every page."""

import asyncio
import re
from collections.abc import Iterator
from dataclasses import replace
from io import BytesIO
from pathlib import Path

import pytest

from handoff import gaps, people, practice, reviews, transfers, watching
from handoff.domain import CaseId, NewCase, PackAdvice, PackAnswer
from handoff.gaps import GapKind, NewGap
from handoff.tasks import NewTask, TaskKind, Tasks
from tests.busy_desk import SEAL, Busy, Form, busy_desk, copied, pages, seeds, served, visiting_as
from tests.demo_desk import PACK
from tests.recorded import IDENTITY, NOTE, RATIONALE, TALK
from tests.test_console import routes_of
from tests.test_desk_posts import TRAIL as TOLD
from tests.test_desk_posts import forms_in, happy

SECRET = (*IDENTITY, NOTE, TALK, RATIONALE, "impersonation", "tiktok", "is posting videos of staff")
TRAIL = {*TOLD, "sqlite_sequence"}
TELLS_WHO_HAS_IT = {
    ("POST", "claim"): "a lost claim is no error page: the queue says who has the case, by its reference",
}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Busy:
    return busy_desk(tmp_path_factory.mktemp("busy"))


@pytest.fixture(scope="module")
def forms(made: Busy, tmp_path_factory: pytest.TempPathFactory) -> tuple[Form, ...]:
    return asyncio.run(forms_in(made, tmp_path_factory.mktemp("crawled")))


@pytest.fixture
def busy(made: Busy, tmp_path: Path) -> Iterator[Busy]:
    with copied(made, tmp_path / "copy") as copy:
        yield copy


# --- somebody else's -------------------------------------------------------------------------------------------------


def path_to(canonical: str, case: CaseId) -> str:
    path = canonical.removeprefix("/desk").replace("{case}", str(case)).replace("{page}", "threshold-nudes")
    return re.sub(r"{\w+}", "1", path)


@pytest.mark.parametrize(
    ("who", "which"),
    [("ben", "full"), *((who, which) for who in ("ben", "sian", "carys") for which in ("practising", "nothing"))],
)
async def test_a_case_that_is_not_theirs_is_a_404_that_tells_nothing_and_is_written_down(
    busy: Busy, forms: tuple[Form, ...], who: str, which: str
) -> None:
    """Every route with a case in its address. Ben may not see what Amira holds; nobody may see her practice."""
    case = busy.cases.get(which, CaseId(99_999))
    filled = {form.route: happy(form) for form in forms}
    async with served(busy) as server, visiting_as(server, busy, who) as visitor:
        csrf, tried = await visitor.csrf(), 0
        for method, name, canonical in routes_of(server.app):
            if "{case}" not in canonical:
                continue
            before, trail = busy.dump(), _trail(busy)
            path = path_to(canonical, case)
            answer = await (
                visitor.get(path) if method == "GET" else visitor.post(path, csrf, **filled.get(name, {"text": "x"}))
            )
            page, tried = await answer.text(), tried + 1
            if (method, name) in TELLS_WHO_HAS_IT and which == "full":
                assert answer.headers["Location"] == f"/desk/?lost={case}"
            else:
                is_for_seniors = answer.status == 403 and who == "ben"
                assert answer.status == 404 or is_for_seniors, (method, name, answer.status)
            assert not [word for word in SECRET if word in page], (method, name)
            after = busy.dump()
            assert {table for table in after if after[table] != before[table]} <= TRAIL
            assert _trail(busy)[len(trail) :] in ([], [("access.not_theirs", case, busy.people[who])]), name
        assert tried > 40
    not_theirs = [each for each in _trail(busy) if each[0] == "access.not_theirs"]
    assert not_theirs == ([("access.not_theirs", case, busy.people[who])] if which == "full" else [])


def _trail(busy: Busy) -> list[tuple[str, int, int]]:
    rows = busy.desk.ledger.reader().execute('SELECT kind, "case", adviser FROM event ORDER BY seq')
    return [tuple(row) for row in rows]


@pytest.mark.parametrize("thing", ["tasks", "takedowns", "second-readings"])
async def test_what_belongs_to_another_s_case_is_a_404_too(busy: Busy, forms: tuple[Form, ...], thing: str) -> None:
    posted = {form.action: happy(form) for form in forms if form.action.startswith(f"/{thing}/")}
    assert posted
    async with served(busy) as server, visiting_as(server, busy, "ben") as visitor:
        csrf, before = await visitor.csrf(), busy.dump()
        for action, filled in posted.items():
            number = re.sub("[0-9]+", "1", action)  # each is Amira's own, the decision too
            for answer in (await visitor.post(number, csrf, **filled), await visitor.get(f"/{thing}/1")):
                page = await answer.text()
                assert answer.status == 404, number
                assert "Please ask the platform again" not in page.replace(filled.get("reason", "-"), "")
        after = busy.dump()
        assert {table for table in after if after[table] != before[table]} <= TRAIL
        assert [each[0] for each in _trail(busy)[len(before["event"]) :]] == ["access.not_theirs"]


# --- hostile words ---------------------------------------------------------------------------------------------------

HOSTILE = "<script>alert(1)</script><img src=x onerror=alert(2)> \"'><a href=javascript:alert(3)> \u202eevil\u2066"
AS_TEXT = "&lt;script&gt;alert(1)&lt;/script&gt;&lt;img src=x onerror=alert(2)&gt;"
RAW = re.compile("<script>alert|<img src=x|<a href=javascript|[\u202a-\u202e\u2066-\u2069]")
OWN_FIELD = re.compile(r"<(textarea|input)\b[^>]*>(?:[^<]*</textarea>)?")
"""What somebody typed stands in its own field as it was typed, escaped."""


@pytest.fixture
def hostile(busy: Busy) -> Busy:
    """Everybody who can write anything has written that: enquirer, bot's labels, colleagues."""
    desk, amira, ben, case = busy.desk, busy.people["amira"], busy.people["ben"], busy.cases
    write, queue, now = desk.ledger.write_now, desk.queue, desk.now
    pack = replace(
        PACK,
        words=(HOSTILE,),
        answers=(PackAnswer(HOSTILE, HOSTILE),),
        advice=(PackAdvice("keep-evidence", HOSTILE),),
    )
    for name, conversation, tier in (("hostile", 501, 1), ("hostile_done", 502, 2), ("hostile_waits", 503, 0)):
        new = NewCase(conversation, tier, "asked", "web", "2026-11-20.1", "impersonation", pack=pack)
        case[name] = write(lambda db, new=new: queue.open_case(db, new, now())).id  # type: ignore[misc]
        desk.hear(case[name], HOSTILE)
    for name, holder in (("hostile", amira), ("hostile_done", ben)):
        desk.claim(case[name], holder)
        desk.say(case[name], holder, HOSTILE)
        write(lambda db, id_=case[name], by=holder: queue.note(db, id_, by, HOSTILE, now()))  # type: ignore[misc]
    write(lambda db: watching.whisper(db, queue, case["hostile"], busy.people["carys"], HOSTILE, now(), "w-9"))
    task = NewTask(case["hostile"], TaskKind.FOLLOW_UP, now(), HOSTILE, amira, client_id="task-9")
    write(lambda db: Tasks(SEAL).add(db, task, amira, now()))
    gap = NewGap(GapKind.WRONG, None, None, HOSTILE, "gap-9")
    write(lambda db: gaps.report(db, SEAL, amira, gap, now()))
    write(lambda db: transfers.offer(queue, db, case["hostile"], amira, ben, HOSTILE, "t-9", now()))
    write(lambda db: queue.wrap_up(db, case["hostile_done"], ben, now()))
    write(lambda db: queue.close(db, case["hostile_done"], ben, "impersonation", "advised", now()))
    carys = busy.people["carys"]
    write(lambda db: reviews.write(db, SEAL, case["hostile_done"], carys, reviews.Verdict.GOOD, HOSTILE, now()))
    contact = people.Contact("Philippa Example", "020 7946 0123")
    write(lambda db: people.keep(db, SEAL, case["hostile"], amira, contact, now()))
    write(lambda db: people.reveal(db, SEAL, case["hostile"], amira, people.RevealReason.DANGER, HOSTILE, now()))
    script = replace(practice_script(), title=HOSTILE[:60], pack=pack)
    case["hostile_practice"] = write(lambda db: practice.begin(db, queue, SEAL, script, amira, now()))
    return busy


def practice_script() -> practice.Script:
    from tests.test_desk_practice import SCRIPT

    return replace(SCRIPT, id="hostile")


async def test_hostile_words_are_text_on_every_page_that_shows_them(hostile: Busy) -> None:
    shown: set[str] = set()
    for who in ("amira", "ben", "carys"):
        async with served(hostile) as server, visiting_as(server, hostile, who) as visitor:
            own = [f"/cases/{case}{more}" for case in hostile.cases.values() for more in SHOWN_BELOW]
            own += [f"/tasks/{number}" for number in range(1, 6)]
            async for at, page in pages(visitor, [*seeds(hostile), *own]):
                assert not RAW.search(OWN_FIELD.sub("", page)), at
                if AS_TEXT in page:
                    shown.add(re.sub("[0-9]+", "1", at.partition("?")[0]))
    assert shown >= WHERE_IT_IS_SHOWN, WHERE_IT_IS_SHOWN - shown


SHOWN_BELOW = ("", "/peek", "/record", "/record/advice", "/review", "/contact", "/tasks", "/wrap-up", "/practice")
WHERE_IT_IS_SHOWN = {
    "/cases/1",
    "/cases/1/peek",
    "/cases/1/record",
    "/cases/1/review",
    "/cases/1/contact",
    "/cases/1/tasks",
    "/tasks",
    "/tasks/1",
    "/gaps",
    "/reviews",
}


async def test_hostile_words_are_text_where_a_page_is_refused_or_a_claim_is_stopped(hostile: Busy) -> None:
    """The answers to posts show the words of others too: news that stopped a reply, or a close."""
    hostile.desk.hear(hostile.cases["hostile"], HOSTILE)
    async with served(hostile) as server, visiting_as(server, hostile, "amira") as visitor:
        case = hostile.cases["hostile"]
        for action, fields in {
            "say": {"text": HOSTILE, "seen_seq": 0, "client_id": "m-9"},
            "close": {"issue": "hate", "outcome": "given_back", "seen_seq": 0},
        }.items():
            answer = await visitor.post(f"/cases/{case}/{action}", **fields)
            page = await answer.text()
            assert answer.status == 409
            assert AS_TEXT in page
            assert not RAW.search(OWN_FIELD.sub("", page)), action


async def test_hostile_words_are_text_in_the_pdf_too(hostile: Busy) -> None:
    pytest.importorskip("weasyprint")
    pypdf = pytest.importorskip("pypdf")
    async with served(hostile) as server, visiting_as(server, hostile, "amira") as visitor:
        answer = await visitor.get(f"/cases/{hostile.cases['hostile']}/record/advice.pdf")
        assert (answer.status, answer.content_type) == (200, "application/pdf")
        reader = pypdf.PdfReader(BytesIO(await answer.read()))
    text = "".join(page.extract_text() for page in reader.pages)
    assert "record" in text.casefold()
    assert not re.search("[\u202a-\u202e\u2066-\u2069]", text)
    assert not any("/Annots" in page and "javascript" in str(page["/Annots"]) for page in reader.pages)


def test_raw_words_would_be_seen() -> None:
    """The control of the search itself."""
    for raw in ("<script>alert(1)", "<img src=x>", "x \u202e y", "<a href=javascript:alert(3)>"):
        assert RAW.search(OWN_FIELD.sub("", f"<p>{raw}</p>"))
    assert not RAW.search(OWN_FIELD.sub("", "<textarea name=text>\u202e</textarea><p>‹U+202E›</p>"))
