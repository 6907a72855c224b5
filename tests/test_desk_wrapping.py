"""Closing a case: what the form asks, what it refuses and keeps, and the fact that stays."""

import json
import re
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from aiohttp.test_utils import TestServer
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from handoff import closing, taxonomy
from handoff.closing import Closing, Escalation, Scope
from handoff.domain import AdviserId, CaseId, NewCase, Role, State
from handoff.errors import NoSuchCase, NotYours, Refused
from handoff.taxonomy import Term
from tests.demo_desk import MONDAY, Clock, DemoDesk, desk_in
from tests.test_console import Visitor, _mask, visiting

ENOUGH = {"issue": "impersonation", "setting": "secondary", "outcome": "advised", "route": "setting", "seen_seq": 0}
EVERYTHING = {
    **ENOUGH, "also.hate": "yes", "also.cyberbullying": "yes", "role": "head", "nation": "wales", "platform": "tiktok",
    "outcome": "reported", "route": "platform", "escalation": "clarified", "knew_tools": "no", "urls": "12",
    "scope": "out_of_scope",
    "signpost.posh": "yes", "signpost.report-remove": "yes", "follow_up": "yes", "feedback": "yes", "weight": "4",
    "wants_talk": "yes",
}  # fmt: skip


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def desk(tmp_path: Path, clock: Clock) -> Iterator[DemoDesk]:
    made = desk_in(tmp_path, clock)
    yield made
    made.ledger.close()


@pytest.fixture
async def server(desk: DemoDesk) -> AsyncIterator[TestServer]:
    running = TestServer(desk.app(mask=_mask))
    await running.start_server()
    yield running
    await running.close()


@pytest.fixture
def amira(desk: DemoDesk) -> AdviserId:
    return desk.adviser("Amira Khan", capacity=20)


@pytest.fixture
async def visitor(server: TestServer, desk: DemoDesk, amira: AdviserId) -> AsyncIterator[Visitor]:
    async with visiting(server, desk, amira) as visiting_desk:
        yield visiting_desk


def mine(desk: DemoDesk, amira: AdviserId, **more: Any) -> CaseId:
    case_id = desk.case(**more)
    desk.claim(case_id, amira)
    return case_id


def facts(desk: DemoDesk) -> list[dict[str, Any]]:
    return [dict(row) for row in desk.ledger.reader().execute("SELECT * FROM case_facts ORDER BY id")]


def kept(desk: DemoDesk, table: str) -> list[tuple[Any, ...]]:
    return [tuple(row) for row in desk.ledger.reader().execute(f"SELECT * FROM {table}")]


async def test_everything_that_was_chosen_is_kept_with_the_close(
    desk: DemoDesk, visitor: Visitor, amira: AdviserId
) -> None:
    case_id = mine(desk, amira)
    done = await visitor.post(f"/cases/{case_id}/close", **EVERYTHING)
    assert done.headers["Location"].startswith("/desk/?notice=closed")
    (fact,) = facts(desk)
    assert {name: fact[name] for name in fact if name in Closing.__dataclass_fields__} == {
        "issue": "impersonation", "role": "head", "setting": "secondary", "nation": "wales", "platform": "tiktok",
        "route": "platform", "escalation": "clarified", "knew_tools": "no", "urls": 12,
        "signposts": '["posh","report-remove"]', "follow_up": 1, "feedback": 1, "scope": "out_of_scope",
    }  # fmt: skip
    assert (fact["outcome"], fact["taxonomy"], fact["lane"], fact["is_return"]) == ("reported", 1, "live", 0)
    assert json.loads(fact["concerns"]) == ["impersonation", "cyberbullying", "hate"]
    assert kept(desk, "case_term") == [
        (case_id, "cyberbullying", 0, 1), (case_id, "hate", 0, 1), (case_id, "impersonation", 1, 1)
    ]  # fmt: skip
    assert kept(desk, "debrief")[0][1:5] == (case_id, amira, 4, 1)


async def test_the_bot_s_answers_are_suggested_and_only_what_is_unknown_is_asked(
    desk: DemoDesk, visitor: Visitor, amira: AdviserId
) -> None:
    page = await visitor.page(f"/cases/{mine(desk, amira, platform='tiktok')}/wrap-up")
    assert '<option value="impersonation" selected>' in page
    assert "as the bot heard" in page
    assert "The bot heard: Teacher · England · TikTok" in page
    unknown = desk.ledger.write_now(
        lambda conn: desk.queue.open_case(conn, NewCase(77, 2, "asked", "web", "v1"), MONDAY)
    ).id
    desk.claim(unknown, amira)
    page = await visitor.page(f"/cases/{unknown}/wrap-up")
    assert "The bot heard" not in page
    for name in ("role", "setting", "nation"):
        assert re.search(rf'id="{name}" name="{name}"', page)
    refused = await visitor.post(f"/cases/{unknown}/close", **ENOUGH)
    text = await refused.text()
    assert refused.status == 422
    assert ["Choose who asked" in text, "Choose the nation" in text, "Choose the setting" in text] == [
        True,
        True,
        False,
    ]
    done = await visitor.post(f"/cases/{unknown}/close", **{**ENOUGH, "role": "not_known", "nation": "not_known"})
    assert done.status == 303
    assert [(fact["role"], fact["nation"]) for fact in facts(desk)] == [(None, None)]


@pytest.mark.parametrize(
    ("field", "value", "says"),
    [
        ("issue", "", "Choose what it was about"), ("issue", "made_up", "Choose what it was about"),
        ("also.made_up", "yes", "Choose again what else"), ("setting", "", "Choose the setting"),
        ("setting", "x", "Choose the setting"), ("role", "<b>", "Choose who asked"),
        ("nation", "narnia", "Choose the nation"),
        ("platform", "x" * 20_000, "Choose the platform again"), ("outcome", "", "Choose how it ended"),
        ("outcome", "\u202ekcab", "Choose how it ended"), ("route", "", "Choose where it went"),
        ("route", "1", "Choose where it went"), ("escalation", "perhaps", "Choose again whether it must"),
        ("knew_tools", "no idea", "Choose again whether they"), ("scope", "perhaps", "Choose again whether the Online"),
        ("urls", "1001", "Write the number"), ("urls", "-1", "Write the number"), ("urls", "٣", "Write the number"),
        ("urls", "9" * 5_000, "Write the number"), ("signpost.nobody", "yes", "Choose again where you"),
        ("weight", "6", "Choose again how heavy"),
    ],
)  # fmt: skip
async def test_a_forged_or_empty_field_brings_the_form_back_with_the_rest_kept(
    desk: DemoDesk, visitor: Visitor, amira: AdviserId, field: str, value: str, says: str
) -> None:
    case_id = mine(desk, amira)
    refused = await visitor.post(f"/cases/{case_id}/close", **{**EVERYTHING, field: value})
    text = await refused.text()
    assert refused.status == 422
    assert re.search(r'<li><a href="#[a-z_0-9-]+">' + says, text)
    assert len(re.findall(r'<li><a href="#', text)) == 1
    chosen = {
        "also": 'id="also-hate" value="yes" checked', "signpost": 'id="signpost-posh" value="yes" checked',
        "route": 'value="platform" checked', "wants_talk": 'id="wants_talk" value="yes" checked',
    }  # fmt: skip
    assert all(mark in text for name, mark in chosen.items() if name != field)
    assert facts(desk) == kept(desk, "closing") == kept(desk, "debrief") == []


async def test_every_link_of_the_summary_leads_to_a_field(desk: DemoDesk, visitor: Visitor, amira: AdviserId) -> None:
    wrong = {
        "role": "x",
        "nation": "x",
        "platform": "xx",
        "escalation": "x",
        "knew_tools": "x",
        "urls": "x",
        "weight": "x",
    }
    refused = await visitor.post(
        f"/cases/{mine(desk, amira)}/close", **{**wrong, "also.x": "yes", "signpost.x": "yes", "seen_seq": 0}
    )
    text = await refused.text()
    targets = re.findall(r'<li><a href="#([a-z_0-9-]+)">', text)
    assert len(targets) == 13
    assert all(f'id="{target}"' in text for target in targets)


async def test_giving_back_needs_only_what_it_is_about(desk: DemoDesk, visitor: Visitor, amira: AdviserId) -> None:
    case_id = mine(desk, amira)
    given = await visitor.post(f"/cases/{case_id}/close", issue="hate", outcome="given_back", seen_seq=0)
    assert given.headers["Location"].startswith("/desk/?notice=given_back")
    assert (facts(desk)[0]["outcome"], facts(desk)[0]["route"]) == ("given_back", None)


async def test_a_second_click_and_a_stale_form_close_nothing_twice(
    desk: DemoDesk, visitor: Visitor, amira: AdviserId
) -> None:
    case_id = mine(desk, amira)
    desk.hear(case_id, "one more thing")
    stale = await visitor.post(f"/cases/{case_id}/close", **EVERYTHING)
    assert stale.status == 409
    assert 'id="also-hate" value="yes" checked' in await stale.text()
    assert kept(desk, "closing") == kept(desk, "debrief") == facts(desk) == []
    assert (await visitor.post(f"/cases/{case_id}/close", **{**EVERYTHING, "seen_seq": 1})).status == 303
    assert (await visitor.post(f"/cases/{case_id}/close", **{**EVERYTHING, "seen_seq": 1})).status in {404, 409}
    assert len(facts(desk)) == len(kept(desk, "debrief")) == 1


async def test_what_another_holds_cannot_be_closed(
    desk: DemoDesk, visitor: Visitor, server: TestServer, amira: AdviserId
) -> None:
    ben = desk.adviser("Ben Okafor", Role.SENIOR)
    case_id = mine(desk, ben)
    assert (await visitor.post(f"/cases/{case_id}/close", **EVERYTHING)).status == 404
    theirs = mine(desk, amira)
    async with visiting(server, desk, ben) as senior:
        assert (await senior.post(f"/cases/{theirs}/close", **EVERYTHING)).status == 404
    assert facts(desk) == []


async def test_an_issue_retired_while_the_form_was_open_is_asked_again(
    desk: DemoDesk, visitor: Visitor, amira: AdviserId
) -> None:
    case_id = mine(desk, amira, concern="scams")
    living = taxonomy.newest(desk.ledger.reader()).living
    terms = tuple(Term(term.code, term.label, "hacking" if term.code == "scams" else term.code) for term in living)
    desk.ledger.write_now(lambda conn: taxonomy.make(conn, 1, terms, "merged", amira, MONDAY))
    assert (await visitor.post(f"/cases/{case_id}/close", **{**ENOUGH, "issue": "scams"})).status == 422
    assert '<option value="hacking" selected>' in await visitor.page(f"/cases/{case_id}/wrap-up")
    assert (await visitor.post(f"/cases/{case_id}/close", **{**ENOUGH, "issue": "hacking"})).status == 303
    assert (facts(desk)[0]["concern"], facts(desk)[0]["issue"], facts(desk)[0]["taxonomy"]) == ("scams", "hacking", 2)


def close(desk: DemoDesk, case_id: CaseId, adviser: AdviserId, what: Closing, outcome: str = "advised") -> None:
    def work(conn: Any) -> None:
        desk.queue.wrap_up(conn, case_id, adviser, desk.now())
        closing.record(conn, case_id, adviser, what, desk.now())
        desk.queue.close(conn, case_id, adviser, what.issue, outcome, desk.now())

    desk.ledger.write_now(work)


def practice_of(desk: DemoDesk, adviser: AdviserId) -> CaseId:
    """A practice case that its adviser holds."""
    new = NewCase(-5, 0, "asked", "web", "v1", concern="hate", role="teacher", nation="wales")
    case_id = desk.ledger.write_now(lambda conn: desk.queue.open_case(conn, new, desk.now())).id
    begun = "INSERT INTO practice VALUES (?, ?, 'script', 0, x'00', 0)"
    desk.ledger.write_now(lambda conn: conn.execute(begun, [case_id, adviser]).rowcount)
    desk.claim(case_id, adviser)
    return case_id


async def test_practice_leaves_no_fact_and_no_weight(desk: DemoDesk, visitor: Visitor, amira: AdviserId) -> None:
    rehearsed = practice_of(desk, amira)
    assert (await visitor.post(f"/cases/{rehearsed}/close", **{**ENOUGH, "weight": "5"})).status == 303
    assert facts(desk) == kept(desk, "debrief") == []


def test_practice_closed_beside_the_form_leaves_no_fact_either(desk: DemoDesk, amira: AdviserId) -> None:
    practice = practice_of(desk, amira)
    close(desk, practice, amira, Closing("hate"))
    assert facts(desk) == []
    close(desk, mine(desk, amira), amira, Closing("hate"))
    assert len(facts(desk)) == 1


def test_a_conversation_that_comes_again_is_a_return(desk: DemoDesk, amira: AdviserId) -> None:
    for conversation in (41, 42, 41):
        new = NewCase(conversation, 2, "asked", "web", "v1", concern="hate")
        case_id = desk.ledger.write_now(lambda conn, new=new: desk.queue.open_case(conn, new, MONDAY)).id  # type: ignore[misc]
        desk.claim(case_id, amira)
        close(desk, case_id, amira, Closing("hate"))
    assert [fact["is_return"] for fact in facts(desk)] == [0, 0, 1]


def test_only_the_holder_in_wrap_up_says_what_a_case_was(desk: DemoDesk, amira: AdviserId) -> None:
    ben, case_id = desk.adviser("Ben Okafor"), mine(desk, amira)

    def record(who: AdviserId, case: CaseId, what: Closing) -> None:
        desk.ledger.write_now(lambda conn: closing.record(conn, case, who, what, MONDAY))

    with pytest.raises(NotYours):
        record(ben, case_id, Closing("hate"))
    with pytest.raises(NoSuchCase):
        record(amira, CaseId(999), Closing("hate"))
    with pytest.raises(Refused):
        record(amira, case_id, Closing("hate"))
    desk.ledger.write_now(lambda conn: desk.queue.wrap_up(conn, case_id, amira, MONDAY))
    for wrong in (
        Closing("nothing_known"), Closing("hate", also=frozenset({"made_up"})), Closing("hate", setting="Mr Smith’s"),
        Closing("hate", nation="narnia"), Closing("hate", urls=-1), Closing("hate", signposts=frozenset({"Mr Smith"})),
    ):  # fmt: skip
        with pytest.raises(Refused):
            record(amira, case_id, wrong)
    assert kept(desk, "closing") == kept(desk, "case_term") == []


CODES = [code for code, _ in (("hate", 0), ("threats", 0), ("nudes", 0), ("scams", 0))]
CLOSINGS = st.builds(
    Closing,
    issue=st.sampled_from(CODES), also=st.frozensets(st.sampled_from(CODES)),
    role=st.sampled_from([None, "head", "police"]), setting=st.sampled_from([None, "primary"]),
    nation=st.sampled_from([None, "wales", "scotland"]), platform=st.sampled_from([None, "tiktok"]),
    route=st.sampled_from([None, "police"]), escalation=st.sampled_from([None, *Escalation]),
    knew_tools=st.sampled_from([None, True, False]), urls=st.one_of(st.none(), st.integers(0, 1000)),
    scope=st.sampled_from([None, *Scope]), signposts=st.frozensets(st.sampled_from(["posh", "ceop", "report-remove"])),
    follow_up=st.booleans(), feedback=st.booleans(),
)  # fmt: skip


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.tuples(CLOSINGS, st.sampled_from([None, "teacher"]), st.sampled_from([None, "england"]), st.booleans()),
        min_size=1, max_size=6,
    )
)  # fmt: skip
def test_the_facts_equal_an_independent_computation(tmp_path: Path, cases: list[tuple[Any, ...]]) -> None:
    """Each fact worked out anew from what was asked for, without a line of the trigger's SQL."""
    clock = Clock()
    folder = tmp_path / str(len(list(tmp_path.iterdir())))
    folder.mkdir()
    desk = desk_in(folder, clock)
    amira = desk.adviser("Amira Khan", capacity=20)
    expected = []
    for number, (what, role, nation, leaves) in enumerate(cases, 1):
        new = NewCase(number, 2, "asked", "web", "v1", concern="hate", role=role, nation=nation, platform="x")
        case_id = desk.ledger.write_now(lambda conn, new=new: desk.queue.open_case(conn, new, clock())).id  # type: ignore[misc]
        clock.pass_(timedelta(seconds=30))
        base = {
            "concern": "hate",
            "channel": "web",
            "lane": "live",
            "taxonomy": 1,
            "is_return": 0,
            "period": "2026-11-23",
        }
        if leaves:
            desk.ledger.write_now(lambda conn, number=number: desk.queue.abandon(conn, number, clock()))  # type: ignore[misc]
            empty = dict.fromkeys(
                ("issue", "concerns", "setting", "route", "escalation", "knew_tools", "urls", "signposts", "follow_up",
                 "feedback", "scope", "claim_wait_s", "answer_wait_s", "handling_s")
            )  # fmt: skip
            expected.append({**base, **empty, "outcome": "left", "role": role, "nation": nation, "platform": "x"})
            continue
        desk.claim(case_id, amira)
        clock.pass_(timedelta(seconds=15))
        desk.say(case_id, amira, "Hello")
        clock.pass_(timedelta(seconds=300))
        close(desk, case_id, amira, what, "referred")
        expected.append({
            **base, "issue": what.issue, "outcome": "referred",
            "concerns": [what.issue, *sorted(what.also - {what.issue})],
            "role": what.role or role, "nation": what.nation or nation, "platform": what.platform or "x",
            "setting": what.setting, "route": what.route, "escalation": what.escalation and what.escalation.value,
            "knew_tools": {None: None, True: "yes", False: "no"}[what.knew_tools], "urls": what.urls,
            "scope": what.scope and what.scope.value, "signposts": sorted(what.signposts),
            "follow_up": int(what.follow_up), "feedback": int(what.feedback),
            "claim_wait_s": 30, "answer_wait_s": 45, "handling_s": 315,
        })  # fmt: skip
    found = [
        {
            name: json.loads(value) if name in {"concerns", "signposts"} and value else value
            for name, value in row.items()
        }
        for row in facts(desk)
    ]
    desk.ledger.close()
    assert [{name: row[name] for name in want} for row, want in zip(found, expected, strict=True)] == expected
    identifying = {"case", "conversation", "reference", "adviser", "at"}
    assert not identifying & set(found[0])


def test_who_closes_without_the_form_still_leaves_a_fact(desk: DemoDesk, amira: AdviserId) -> None:
    case_id = mine(desk, amira)
    desk.ledger.write_now(lambda conn: desk.queue.give_back(conn, case_id, amira, "impersonation", MONDAY))
    (fact,) = facts(desk)
    assert (fact["concerns"], fact["role"], fact["urls"]) == ('["impersonation"]', "teacher", None)
    row = desk.ledger.reader().execute("SELECT state FROM queue_item").fetchone()
    assert row[0] == State.DONE
