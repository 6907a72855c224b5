"""Passing a conversation to a colleague: its sender holds it until the other accepts."""

from aiohttp import web

from handoff import transfers
from handoff.console.area import CASE, HOLDERS, Area, Route
from handoff.console.asking import Draft, case_id_of, client_id_of, found_case, make_move, see, who, words_of
from handoff.console.auth import form_of
from handoff.console.parts import parts_of, session_of
from handoff.console.reading import is_theirs
from handoff.console.render import page
from handoff.console.talk import show_case
from handoff.console.transfer_form import TransferForm
from handoff.domain import AdviserId
from handoff.errors import AtCapacity, NoSuchCase, NotAllowed, NotYours, Refused
from handoff.queue import Queue

MAX_REASON_CHARACTERS = 300
_FULL = "You hold as many conversations as you may. Wrap one up or pause one, then accept."


async def transfer(request: web.Request) -> web.Response:
    """Offers the case. What is missing or refused comes back with what was written."""
    form = await form_of(request)
    found = found_case(request)
    if not is_theirs(session_of(request).adviser, found.row):
        raise NotYours
    reason, kinds = parts_of(request).mask(" ".join(words_of(form, "reason").split()))
    to = _colleague(request, form.get("to", ""))
    filled = TransferForm(to=to, reason=reason, masked=kinds, is_open=True)
    if to is None or not reason or len(reason) > MAX_REASON_CHARACTERS:
        return show_case(request, found, 422, transfer=filled.missing(MAX_REASON_CHARACTERS))
    parts, case_id, me, now = who(request)
    mark = client_id_of(form, "transfer_id")
    try:
        await parts.ledger.write(lambda conn: transfers.offer(parts.queue, conn, case_id, me, to, reason, mark, now))
    except (Refused, NotAllowed) as error:
        return show_case(request, found_case(request), 409, transfer=filled.refused_for(str(error)))
    return see(request, "case", case=case_id)


async def accept(request: web.Request) -> web.Response:
    """The one it was offered to takes it, unless the offer is over."""
    try:
        found = found_case(request)
        await make_move(request, Queue.accept)
    except AtCapacity:
        return show_case(request, found_case(request), 409, Draft(refused=_FULL))
    except (NoSuchCase, NotYours):
        return page(request, "offer_over.html", 404)
    return see(request, "case", case=found.row.id)


async def decline(request: web.Request) -> web.Response:
    """The other says no and goes on with the queue; or the sender takes the offer back and stays."""
    try:
        found = found_case(request)
        await make_move(request, Queue.decline)
    except (NoSuchCase, NotYours):
        return page(request, "offer_over.html", 404)
    if is_theirs(session_of(request).adviser, found.row):
        return see(request, "case", case=case_id_of(request))
    return see(request, "board", notice="declined", ref=found.row.reference)


def _colleague(request: web.Request, text: str) -> AdviserId | None:
    """Somebody on duty, other than who asks."""
    parts, me = parts_of(request), session_of(request).adviser
    on_duty = parts.desk.on_duty(parts.ledger.reader(), parts.now())
    return next((each.id for each in on_duty if str(each.id) == text and each.id != me.id), None)


AREA = Area(
    routes=(
        Route("POST", f"{CASE}/transfer", "transfer", transfer, HOLDERS),
        Route("POST", f"{CASE}/accept", "accept", accept, HOLDERS),
        Route("POST", f"{CASE}/decline", "decline", decline, HOLDERS),
    ),
)
