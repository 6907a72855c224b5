"""Reviews of closed cases: drawing the sample, the short form, and what was said about one's own."""

import secrets
from datetime import date, timedelta

from aiohttp import web

from handoff import reviews as kept
from handoff.console.asking import case_id_of, found_case, see, who, words_of
from handoff.console.attending import SHOWN
from handoff.console.auth import form_of
from handoff.console.parts import parts_of, session_of
from handoff.console.render import page
from handoff.desk import Case, last_event
from handoff.domain import MAX_MESSAGE_CHARACTERS, MAY_TAKE_OVER
from handoff.errors import NoSuchCase, Refused
from handoff.reviews import LARGEST_SAMPLE, Sampled, Verdict

USUAL_SAMPLE = 5
USUAL_PERIOD = timedelta(days=28)
MAX_SEED_CHARACTERS = 40


async def reviews(request: web.Request) -> web.Response:
    """What was said about one's own cases; for a senior or lead, a sample to review."""
    parts, me = parts_of(request), session_of(request).adviser
    reader = parts.ledger.reader()
    today = parts.hours.local(parts.now()).date()
    first, last = _day(request, "from", today - USUAL_PERIOD), _day(request, "to", today)
    size = min(LARGEST_SAMPLE, max(1, _number(request, "size", USUAL_SAMPLE)))
    seed = request.query.get("seed", "")[:MAX_SEED_CHARACTERS] or f"{first.isoformat()}"
    may_review = me.role in MAY_TAKE_OVER
    return page(
        request,
        "reviews.html",
        seq=last_event(reader),
        about_me=kept.about(reader, parts.ledger.seal, me.id),
        may_review=may_review,
        drawn=kept.sample(reader, me.id, first, last, seed, size) if may_review else (),
        first=first.isoformat(),
        last=last.isoformat(),
        seed=seed,
        fresh_seed=secrets.token_hex(3),
        size=size,
        largest=LARGEST_SAMPLE,
    )


async def review_page(request: web.Request) -> web.Response:
    found, sampled = _reviewable(request)
    return _form(request, found, sampled)


async def review(request: web.Request) -> web.Response:
    form = await form_of(request)
    words, kinds = parts_of(request).mask(words_of(form, "text"))
    found, sampled = _reviewable(request)
    verdict = form.get("verdict", "")
    too_long = len(words) > MAX_MESSAGE_CHARACTERS
    if verdict not in set(Verdict) or too_long:
        return _form(request, found, sampled, 422, verdict=verdict, words=words, too_long=too_long)
    parts, case_id, me, now = who(request)
    seal = parts.ledger.seal
    try:
        await parts.ledger.write(lambda conn: kept.write(conn, seal, case_id, me, Verdict(verdict), words, now))
    except Refused as error:
        return _form(request, found, sampled, 409, verdict=verdict, words=words, refused=str(error))
    return see(request, "review", case=case_id, masked=",".join(kinds))


def _reviewable(request: web.Request) -> tuple[Case, Sampled]:
    """The case and how it was closed. Raises: NoSuchCase, for one's own and for what is not closed too."""
    parts, me = parts_of(request), session_of(request).adviser
    found = found_case(request)
    sampled = kept.one(parts.ledger.reader(), me.id, case_id_of(request))
    if sampled is None:
        raise NoSuchCase
    return found, sampled


def _form(
    request: web.Request,
    found: Case,
    sampled: Sampled,
    status: int = 200,
    *,
    verdict: str = "",
    words: str = "",
    too_long: bool = False,
    refused: str = "",
) -> web.Response:
    parts, me = parts_of(request), session_of(request).adviser
    reader = parts.ledger.reader()
    said = kept.of_case(reader, parts.ledger.seal, found.row.id)
    request[SHOWN] = found
    masked = request.query.get("masked", "")
    return page(
        request,
        "review.html",
        status,
        seq=last_event(reader),
        row=found.row,
        case=found,
        sampled=sampled,
        lines=parts.desk.thread(reader, found.row.id),
        given=next((each for each in said if each.reviewer_id == me.id), None),
        verdict=verdict,
        text=words,
        missing=status == 422 and verdict not in set(Verdict),
        too_long=too_long,
        refused=refused,
        masked=tuple(masked.split(",")) if masked else (),
    )


def _day(request: web.Request, name: str, otherwise: date) -> date:
    try:
        return date.fromisoformat(request.query.get(name, ""))
    except ValueError:
        return otherwise


def _number(request: web.Request, name: str, otherwise: int) -> int:
    text = request.query.get(name, "")
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 4 else otherwise
