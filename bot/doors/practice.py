"""The live library's practice scripts, as the desk plays them."""

from bot.library.model import Library
from bot.library.practice import PracticeScript
from bot.shelf import Shelf
from handoff.domain import Lane, Pack, PackAdvice, PackAnswer
from handoff.practice import Script


class LivePractice:
    def __init__(self, shelf: Shelf) -> None:
        self._shelf = shelf

    def scripts(self) -> tuple[Script, ...]:
        live = self._shelf.live()
        return tuple(_script(each, live.library) for each in live.practice)


def _script(script: PracticeScript, library: Library) -> Script:
    pack = Pack(
        answers=tuple(PackAnswer(each.question, each.answer, each.dont_know) for each in script.answers),
        advice=tuple(PackAdvice(each, library.pages[each].title) for each in script.advice),
        words=script.words,
    )
    return Script(
        id=script.id,
        title=script.title,
        about=script.about,
        minutes=script.minutes,
        tier=script.tier,
        concern=script.concern,
        role=script.role,
        nation=script.nation,
        platform=script.platform,
        lane=Lane(script.lane),
        library=library.version,
        pack=pack,
        replies=script.replies,
        good=script.good,
    )
