"""What typed words answer: the choice or value that fits, when exactly one does."""

import re
from collections.abc import Callable, Sequence

from bot.domain import MAX_SLOT_CHARACTERS, Offer, SlotValue, Token
from bot.engine.index import Index
from bot.engine.walk import shown
from bot.engine.words import is_near, normal, without
from bot.library.model import Slot, SlotType

_NUMBER = re.compile(r"^(?:(?P<word>[^\W\d_]+) ?)?(?P<number>\d{1,2})$")
_SHORTEST_PART = 3
_SHORTEST_TO_MISTYPE = 6
_MOST_WORDS_AROUND = 10
_FLOAT = re.compile(r"^\s*(-?\d+(?:[.,]\d+)?)\s*$")


def titled(offers: Sequence[Offer], words: str) -> Offer | None:
    """The choice with exactly this title (both normalised)."""
    return next((offer for offer in offers if words and normal(offer.title) == words), None)


def fitting(index: Index, slot: Slot | None, offers: Sequence[Offer], text: str) -> Offer | None:
    """The one choice that the words mean, or a value for a slot that takes words or numbers; None: ask again."""
    words = normal(text)
    value = _number(slot, text) if slot and slot.type is SlotType.FLOAT else None
    if value is not None and slot:
        return Offer(Token(""), "", sets=((slot.name, value),))
    chosen = _chosen(index, offers, words) if words else None
    if chosen is None and slot and slot.type in (SlotType.TEXT, SlotType.ANY) and text.strip():
        return Offer(Token(""), "", sets=((slot.name, text.strip()[:MAX_SLOT_CHARACTERS]),))
    return chosen


def nearly(offers: Sequence[Offer], words: str) -> Offer | None:
    """The one choice whose title the words nearly are."""
    return _one(offers, lambda offer: is_near(words, normal(offer.title)))


def called(index: Index, offers: Sequence[Offer], words: str) -> Offer | None:
    """The one choice that editors list these words for ("DSL"), also when more follows "I am a"."""
    told = without(words, index.lead_in)
    known = [(word, offer) for offer in offers for word in _other_words(index, offer)]
    same = {id(offer): offer for word, offer in known if word in (words, told)}
    if not same and told != words and len(words.split()) <= _MOST_WORDS_AROUND:
        longest = max((word for word, _ in known if told.startswith(f"{word} ")), key=len, default="")
        same = {id(offer): offer for word, offer in known if word == longest}
    if not same:
        near = ((word, offer) for word, offer in known if len(word) >= _SHORTEST_TO_MISTYPE)
        same = {id(offer): offer for word, offer in near if is_near(told, word)}
    return next(iter(same.values())) if len(same) == 1 else None


def _other_words(index: Index, offer: Offer) -> frozenset[str]:
    if offer.dont_know:
        return frozenset()
    set_to = [(slot, value) for slot, value in offer.sets if isinstance(value, str)]
    words = {word for pair in set_to for word in index.meanings.get(pair, ())}
    return frozenset(words | {normal(offer.title)}) if words else frozenset()


def named_in_part(index: Index, offers: Sequence[Offer], words: str) -> Offer | None:
    """The one choice that has all the words in its title ("staff"), unless that also holds a no ("no staff")."""
    typed = set(words.split())
    found = _one(offers, lambda offer: typed <= set(normal(offer.title).split()))
    if found is None or len(words) < _SHORTEST_PART:
        return None
    unsaid = set(normal(found.title).split()) - typed
    return None if unsaid & index.no else found


def _chosen(index: Index, offers: Sequence[Offer], words: str) -> Offer | None:
    by_number = _by_number(index, offers, words)
    if by_number:
        return by_number
    for meant in (index.yes, index.no, index.dont_know):
        if words in meant:
            return _one(offers, lambda offer, meant=meant: _means(offer, meant))  # type: ignore[misc]
    return _one(offers, lambda offer: any(normal(_written(value)) == words for _, value in offer.sets))


def _means(offer: Offer, meant: frozenset[str]) -> bool:
    """True for "yes" words: a choice called or set to yes; "don't know" is never taken for the value it counts as."""
    if normal(offer.title) in meant:
        return True
    return not offer.dont_know and any(_in_words(value, meant) for _, value in offer.sets)


def _in_words(value: SlotValue, meant: frozenset[str]) -> bool:
    return normal(_written(value)) in meant


def _written(value: SlotValue) -> str:
    return shown(value)


def _one(offers: Sequence[Offer], fits: Callable[[Offer], bool]) -> Offer | None:
    found = [offer for offer in offers if fits(offer)]
    return found[0] if len(found) == 1 else None


def _by_number(index: Index, offers: Sequence[Offer], words: str) -> Offer | None:
    """ "2" is the second choice, unless a number like it stands in the title of another."""
    match = _NUMBER.match(words)
    if not match or (match["word"] and match["word"] not in index.option):
        return None
    number = int(match["number"])
    if not 1 <= number <= len(offers):
        return None
    chosen = offers[number - 1]
    others = (offer for offer in offers if offer is not chosen)
    return None if any(match["number"] in normal(offer.title).split() for offer in others) else chosen


def _number(slot: Slot, text: str) -> float | None:
    match = _FLOAT.match(text)
    if not match:
        return None
    value = float(match[1].replace(",", "."))
    low = slot.min_value is not None and value < slot.min_value
    high = slot.max_value is not None and value > slot.max_value
    return None if low or high else value
