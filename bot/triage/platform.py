"""Which app or site a message names, by the names people give it (content/words/platforms.yml)."""

from bot.triage.lexicon import Words
from bot.triage.phrases import PhraseBook, tokens

NONE = "no_platform"
"""The editors' key for sayings that hold a platform's name and mean something else ("a snap decision")."""


class PlatformSpotter:
    """Knows the editors' names of platforms; made once per word list."""

    def __init__(self, words: Words) -> None:
        self._spellings = words.spellings
        self._phrases = PhraseBook((name for names in words.platforms.values() for name in names), words.spellings)
        self._platform = {name: platform for platform, names in words.platforms.items() for name in names}

    def platform_of(self, text: str) -> str | None:
        """The platform named first, or None; of two names at one place the longer counts."""
        found = sorted(self._phrases.find(tokens(text, self._spellings)), key=lambda each: (each.start, -each.end))
        read = 0
        for each in found:
            if each.start < read:
                continue
            if self._platform[each.phrase] != NONE:
                return self._platform[each.phrase]
            read = each.end
        return None


def platform_of(text: str, words: Words) -> str | None:
    """The platform a message names first, or None. Keep a PlatformSpotter where this is asked often."""
    return PlatformSpotter(words).platform_of(text)
