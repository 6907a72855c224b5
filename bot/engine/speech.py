"""Saying a response: which variation fits, what its words need to know, which page it shows."""

from bot.domain import Advised, Reply, SlotValue, Token
from bot.engine.conditions import holds
from bot.engine.offers import choices
from bot.engine.placeholders import names_in
from bot.engine.walk import Walk, WalkError
from bot.library.conditions import Scope, names
from bot.library.model import Library, Response, Variation

Arguments = tuple[tuple[str, SlotValue], ...]


def say(walk: Walk, response_id: str, arguments: Arguments = ()) -> None:
    """Say what an editor's step asks for, its buttons included. Raises: WalkError when there is no such response."""
    response = walk.library.responses.get(response_id)
    if response is None and response_id not in walk.library.page_of_response:
        frame = walk.stack[-1] if walk.stack else None
        raise WalkError(f"no response {response_id}", frame.flow if frame else "", frame.step if frame else "")
    variation = variation_of(walk, response) if response else None
    offered = choices(walk, variation) if variation and variation.buttons else ()
    put(walk, response_id, arguments, offered)
    page = walk.library.page_of_response.get(response_id) or (
        walk.library.page_shown(variation, walk.slots) if variation else None
    )
    if page:
        advise(walk, page)


def put(walk: Walk, response_id: str, arguments: Arguments = (), offered: tuple[tuple[Token, str], ...] = ()) -> None:
    """Add a reply by its id; the words are looked up when it is delivered."""
    walk.replies.append(Reply(response_id, _known(walk, response_id) + arguments, offered, walk.language))


def variation_of(walk: Walk, response: Response) -> Variation | None:
    """The first variation that fits here, of those not meant for one channel only."""
    context = walk.context
    fitting = [v for v in response.variations if v.condition is None or holds(v.condition, walk.slots, context)]
    return next((v for v in fitting if v.channel is None), fitting[0] if fitting else None)


def advise(walk: Walk, page: str) -> None:
    frame = walk.stack[-1] if walk.stack else None
    walk.advised += (Advised(page, frame.flow if frame else "", frame.step if frame else "", walk.at),)


def _known(walk: Walk, response_id: str) -> Arguments:
    """The slots (and `context.x`) that this response reads, with their values now."""
    needs = walk.index.needs.get(response_id)
    if needs is None:
        needs = walk.index.needs[response_id] = _needs(walk.library, response_id)
    if not needs:
        return ()
    context = {f"context.{name}": value for name, value in walk.context.items()}
    pairs = ((name, walk.slots.get(name, context.get(name))) for name in needs)
    return tuple((name, value) for name, value in pairs if value is not None)


def _needs(library: Library, response_id: str) -> tuple[str, ...]:
    response = library.responses.get(response_id)
    variations = response.variations if response else ()
    pages = {library.page_of_response.get(response_id)} | {variation.page for variation in variations}
    pages |= {page for variation in variations for page in library.pages_by(variation).values()}
    shown = [page for key, page in library.pages.items() if key.partition(".")[0] in pages]
    texts = [text for variation in variations for text in variation.text.values()]
    texts += [section.markdown for page in shown for section in page.sections]
    found = {name for text in texts for name in names_in(text)}
    found |= {variation.page_by for variation in variations if variation.page_by}
    for variation in variations:
        if variation.condition:
            read = names(variation.condition.tree)
            found |= {f"context.{n.name}" if n.scope is Scope.CONTEXT else n.name for n in read}
    if any(name.startswith("term.") for name in found):
        found.add("nation")
    return tuple(sorted(name for name in found if not name.startswith(("term.", "service."))))
