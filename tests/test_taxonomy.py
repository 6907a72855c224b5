"""What cases are about: versions of the list, the crosswalk between them, and the page on which a lead makes one."""

import re
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from aiohttp.test_utils import TestServer
from hypothesis import given
from hypothesis import strategies as st

from handoff import taxonomy
from handoff.domain import AdviserId, Role, code
from handoff.errors import Refused
from handoff.migrations.closing import FIRST_TERMS
from handoff.taxonomy import NewerVersion, NoSuchVersion, Problem, Term, Version
from tests.demo_desk import MONDAY, Clock, DemoDesk, desk_in
from tests.test_console import Visitor, _mask, visiting


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[DemoDesk]:
    made = desk_in(tmp_path, Clock())
    yield made
    made.ledger.close()


@pytest.fixture
def lead(desk: DemoDesk) -> AdviserId:
    return desk.adviser("Carys Lewis", Role.LEAD)


@pytest.fixture
async def server(desk: DemoDesk) -> AsyncIterator[TestServer]:
    running = TestServer(desk.app(mask=_mask))
    await running.start_server()
    yield running
    await running.close()


@pytest.fixture
async def visitor(server: TestServer, desk: DemoDesk, lead: AdviserId) -> AsyncIterator[Visitor]:
    async with visiting(server, desk, lead) as visiting_desk:
        yield visiting_desk


def make(desk: DemoDesk, lead: AdviserId, *changed: Term, why: str = "It was time.") -> int:
    """The newest version again, with some terms as given instead (or added)."""
    newest = taxonomy.newest(desk.ledger.reader())
    terms = {term.code: term for term in (*newest.living, *changed)}
    return desk.ledger.write_now(
        lambda conn: taxonomy.make(conn, newest.number, tuple(terms.values()), why, lead, MONDAY)
    )


def retired(code: str, maps_to: str | None) -> Term:
    return Term(code, code, maps_to)


def test_the_first_version_holds_the_fact_sheet_s_list(desk: DemoDesk) -> None:
    first = taxonomy.newest(desk.ledger.reader())
    assert (first.number, first.made_by, len(first.living), first.retired) == (1, None, 27, ())
    assert tuple((term.code, term.label) for term in first.living) == FIRST_TERMS
    assert all(code(term.code) == term.code for term in first.living)


def test_a_term_is_followed_through_renaming_merging_and_retiring(desk: DemoDesk, lead: AdviserId) -> None:
    make(desk, lead, Term("hate", "Hate and prejudice", "hate"), retired("scams", "hacking"))
    make(desk, lead, retired("hacking", "security"), Term("security", "Hacking and scams", "security"))
    make(desk, lead, retired("challenges_hoaxes", None))
    reader = desk.ledger.reader()
    walk = {(code, to): taxonomy.crosswalk(reader, code, 1, to) for code in ("scams", "hate") for to in (1, 2, 3, 4)}
    assert [walk["scams", to] for to in (1, 2, 3, 4)] == ["scams", "hacking", "security", "security"]
    assert [walk["hate", to] for to in (1, 2, 3, 4)] == ["hate"] * 4
    assert taxonomy.crosswalk(reader, "challenges_hoaxes", 3, 4) is None
    assert taxonomy.crosswalk(reader, "challenges_hoaxes", 1, 4) is None
    assert taxonomy.crosswalk(reader, "security", 3, 4) == "security"
    assert taxonomy.as_of_now(reader, "scams") == "security"
    assert taxonomy.as_of_now(reader, "never_was") is None
    assert taxonomy.living(reader)["hate"] == "Hate and prejudice"
    assert taxonomy.labels(reader)["scams"] == "scams"
    assert set(taxonomy.living(reader)) == {code for code, _ in FIRST_TERMS} - {
        "scams", "hacking", "challenges_hoaxes"
    } | {"security"}  # fmt: skip


def test_what_never_lived_and_what_lies_behind_is_refused(desk: DemoDesk, lead: AdviserId) -> None:
    make(desk, lead, Term("new_one", "New", "new_one"))
    reader = desk.ledger.reader()
    with pytest.raises(Refused):
        taxonomy.crosswalk(reader, "hate", 2, 1)
    with pytest.raises(Refused):
        taxonomy.crosswalk(reader, "new_one", 1, 2)
    with pytest.raises(NoSuchVersion):
        taxonomy.crosswalk(reader, "hate", 1, 9)


@given(st.data())
def test_a_version_is_taken_or_refused_as_its_problems_say(data: st.DataObject) -> None:
    """Whatever becomes of each code: with no problem said, every code maps to one that lives, or to nothing."""
    codes = ("a", "b", "c")
    before = Version(1, MONDAY, None, "x", tuple(Term(code, code, code) for code in codes))
    fates = {code: data.draw(st.sampled_from([*codes, "d", None])) for code in codes}
    terms = [Term(code, code, fate) for code, fate in fates.items()]
    alive = {code for code, fate in fates.items() if fate == code}
    is_right = alive != set() and all(fate is None or fate in alive for fate in fates.values())
    assert (taxonomy.problems(before, frozenset(codes), terms, "why") == ()) is is_right


def problems(*terms: Term, why: str = "because") -> list[str]:
    before = Version(1, MONDAY, None, "x", (Term("a", "A", "a"), Term("b", "B", "b")))
    return [found.about for found in taxonomy.problems(before, frozenset({"a", "b", "was"}), terms, why)]


def test_each_thing_that_is_wrong_is_told() -> None:
    a, b = Term("a", "A", "a"), Term("b", "B", "b")
    assert problems(a, b) == []
    assert problems(a) == ["b"]
    assert problems(a, b, b) == ["b"]
    assert problems(a, replace(b, label=" ")) == ["b"]
    assert problems(a, replace(b, label="x" * 81)) == ["b"]
    assert problems(a, replace(b, maps_to="nowhere")) == ["b"]
    assert problems(a, replace(b, maps_to="")) == ["b"]
    assert problems(a, b, Term("was", "Was", "was")) == ["was"]
    assert problems(a, b, Term("Mr Smith", "Mr", "Mr Smith")) == ["Mr Smith"]
    assert problems(a, b, Term("c", "C", None)) == ["c"]
    assert problems(replace(a, maps_to=None), replace(b, maps_to=None)) == ["a"]
    assert problems(a, b, why=" ") == ["why"]
    assert problems(a, b, why="x" * 401) == ["why"]
    assert isinstance(taxonomy.problems(Version(1, MONDAY, None, "x", ()), frozenset(), (), "x")[0], Problem)


def test_two_leads_make_one_version_only(desk: DemoDesk, lead: AdviserId) -> None:
    terms = taxonomy.newest(desk.ledger.reader()).living
    make(desk, lead)
    with pytest.raises(NewerVersion):
        desk.ledger.write_now(lambda conn: taxonomy.make(conn, 1, terms, "again", lead, MONDAY))
    with pytest.raises(Refused, match="hate"):
        desk.ledger.write_now(lambda conn: taxonomy.make(conn, 2, terms[:5], "too short", lead, MONDAY))
    assert taxonomy.newest(desk.ledger.reader()).number == 2


# --- the page --------------------------------------------------------------------------------------------------------


def form(desk: DemoDesk, **changed: object) -> dict[str, object]:
    newest = taxonomy.newest(desk.ledger.reader())
    fields: dict[str, object] = {"base": newest.number, "why": "Merged."}
    for term in newest.living:
        fields |= {f"label.{term.code}": term.label, f"fate.{term.code}": "keep"}
    return fields | changed


async def test_a_lead_renames_adds_and_merges(desk: DemoDesk, visitor: Visitor) -> None:
    assert "version 1" in await visitor.page("/taxonomy")
    assert "No category has been retired" in await visitor.page("/taxonomy")
    page = await visitor.page("/taxonomy/new")
    assert page.count('value="keep" selected') == 27
    changed = {
        "label.hate": "Hate & <b>prejudice</b>", "fate.scams": "security", "fate.hacking": "security",
        "new_code.1": "security", "new_label.1": "Hacking, scams",
    }  # fmt: skip
    made = await visitor.post("/taxonomy/new", **form(desk, **changed))
    assert made.headers["Location"] == "/desk/taxonomy"
    page = await visitor.page("/taxonomy")
    assert "version 2" in page
    assert "Hate &amp; &lt;b&gt;prejudice&lt;/b&gt;" in page
    assert "Added: Hacking, scams" in page
    assert "Renamed: Hate or prejudice → Hate &amp;" in page
    assert re.search(r"<code>scams</code></th><td>2</td><td>Hacking, scams", page)
    kinds = [row[0] for row in desk.ledger.reader().execute("SELECT kind FROM event WHERE kind GLOB 'taxonomy.*'")]
    assert kinds == ["taxonomy.made"]


async def test_a_form_that_leaves_something_open_comes_back_with_what_was_written(
    desk: DemoDesk, visitor: Visitor
) -> None:
    changed = {
        "fate.scams": "hacking",
        "fate.hacking": "nothing",
        "label.hate": "",
        "why": "",
        "new_label.1": "No code",
    }
    refused = await visitor.post("/taxonomy/new", **form(desk, **changed))
    text = await refused.text()
    assert refused.status == 422
    for place in ("label-scams", "label-hate", "why", "new_code-1"):
        assert f'<a href="#{place}">' in text, place
    assert 'value="No code"' in text
    assert re.search(r'<option value="nothing" selected', text)
    fields = form(desk)
    del fields["fate.hate"]
    assert (await visitor.post("/taxonomy/new", **fields)).status == 422
    assert (await visitor.post("/taxonomy/new", **form(desk, base="one"))).status == 400
    assert taxonomy.newest(desk.ledger.reader()).number == 1


async def test_a_name_in_the_reason_is_taken_out_and_shown_first(desk: DemoDesk, visitor: Visitor) -> None:
    refused = await visitor.post("/taxonomy/new", **form(desk, why="Jane asked for it"))
    text = await refused.text()
    assert refused.status == 422
    assert "Jane" not in text
    assert "[name] asked for it" in text


async def test_a_version_made_meanwhile_is_shown_and_nothing_is_made(
    desk: DemoDesk, visitor: Visitor, lead: AdviserId
) -> None:
    fields = form(desk, **{"label.hate": "My name for it"})
    make(desk, lead, Term("new_one", "New one", "new_one"))
    late = await visitor.post("/taxonomy/new", **fields)
    text = await late.text()
    assert late.status == 409
    assert "Not made: somebody was faster" in text
    assert 'value="My name for it"' in text
    assert 'value="New one"' in text
    assert text.count('value="keep" selected') == 28
    assert taxonomy.newest(desk.ledger.reader()).number == 2


async def test_those_who_may_only_look_see_no_button(server: TestServer, desk: DemoDesk) -> None:
    editor = desk.adviser("Ed Moss", Role.EDITOR, available=False)
    async with visiting(server, desk, editor) as visitor:
        assert "Make a new version" not in await visitor.page("/taxonomy")
        assert (await visitor.post("/taxonomy/new", base=1, why="x")).status == 403


async def test_every_page_has_the_newest_labels_and_the_last_ones_of_what_was_retired(
    desk: DemoDesk, visitor: Visitor, lead: AdviserId
) -> None:
    desk.case(2, "hate"), desk.case(2, "scams")
    make(desk, lead, Term("hate", "Renamed by the lead", "hate"), Term("scams", "Money: scams", "hacking"))
    board = await visitor.page("/")
    assert "Renamed by the lead" in board
    assert "Money: scams" in board
