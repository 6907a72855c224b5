"""The word lists that editors own (content/words), as values."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class DangerWords:
    """`phrases` show the danger screen by themselves; a `now` and a `harm` in one message do so together.

    `unless`: a saying that means no danger ("mum will kill me if she finds out"); it calls off a phrase it touches.
    What is like the `alarming` examples, and not like the `calm` ones, shows it as well; `denials` ("only joking") are
    taken out before that, so that none can turn the screen off.
    """

    phrases: tuple[str, ...] = ()
    now: tuple[str, ...] = ()
    harm: tuple[str, ...] = ()
    unless: tuple[str, ...] = ()
    denials: tuple[str, ...] = ()
    kinds: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Kind -> words that count as one when messages are compared with the examples."""
    alarming: tuple[str, ...] = ()
    calm: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ChildWords:
    """How a child writes, and how an adult who speaks of a child does."""

    certain: tuple[str, ...] = ()
    """Said of oneself: only `unless` and `adult` call it off."""
    likely: tuple[str, ...] = ()
    """`perhaps_adult` calls it off as well."""
    unless: tuple[str, ...] = ()
    """Calls off what it overlaps."""
    adult: tuple[str, ...] = ()
    perhaps_adult: tuple[str, ...] = ()
    kinds: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """As in DangerWords."""
    children: tuple[str, ...] = ()
    """Messages as children write them; `adults`: as adults do who speak of a child, or of themselves."""
    adults: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class UrgentWords:
    """What makes a message urgent whatever its topic, and what shows that someone is in danger at this moment."""

    today: tuple[str, ...] = ()
    happening: tuple[str, ...] = ()
    over: tuple[str, ...] = ()
    """Said of what is past: calls off `happening`."""


@dataclass(frozen=True, slots=True)
class KnownWords:
    """What helps the guard: common names (so that small letters are seen too), words that are none, public numbers."""

    first_names: frozenset[str] = frozenset()
    last_names: frozenset[str] = frozenset()
    not_names: frozenset[str] = frozenset()
    helplines: frozenset[str] = frozenset()
    """Digits only."""


@dataclass(frozen=True, slots=True)
class Words:
    """Everything in content/words. All languages together: nobody is asked which one they are about to type."""

    danger: DangerWords = DangerWords()
    child: ChildWords = ChildWords()
    known: KnownWords = KnownWords()
    urgent: UrgentWords = UrgentWords()
    platforms: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """platform -> phrases that name it."""
    spellings: Mapping[str, str] = field(default_factory=dict)
    """A word as typed -> the words it stands for."""
