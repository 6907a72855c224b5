"""What may go wrong between a bot and Telegram, and for how many calls."""

from collections.abc import Iterator
from dataclasses import dataclass

from tests.fakes.telegram_rules import PREFIX

ANSWER, SILENCE, DROP, GARBAGE = "answer", "silence", "drop", "garbage"


@dataclass(frozen=True, slots=True)
class Fault:
    """How one call fails. `taken`: it takes effect all the same, whatever the bot gets to hear."""

    ending: str = ANSWER
    status: int = 200
    description: str = ""
    retry_after: int | None = None
    taken: bool = False
    delay_s: float = 0.0


def server_error(status: int = 502, taken: bool = False) -> Fault:
    """A page of HTML, as the machine in front of Telegram sends it."""
    return Fault(status=status, taken=taken)


def too_many(retry_after: int = 1) -> Fault:
    return Fault(status=429, description=f"Too Many Requests: retry after {retry_after}", retry_after=retry_after)


def forbidden(words: str = "bot was blocked by the user") -> Fault:
    return Fault(status=403, description=PREFIX[403] + words)


def bad_request(words: str) -> Fault:
    return Fault(status=400, description=PREFIX[400] + words)


def silence(taken: bool = False) -> Fault:
    """No answer until the bot gives up."""
    return Fault(SILENCE, taken=taken)


def drop(taken: bool = True) -> Fault:
    """The connection is lost where the answer should be."""
    return Fault(DROP, taken=taken)


def garbage(taken: bool = True) -> Fault:
    """200, and half a JSON document."""
    return Fault(GARBAGE, taken=taken)


def slow(seconds: float) -> Fault:
    """Taken at once, answered later."""
    return Fault(taken=True, delay_s=seconds)


@dataclass(slots=True)
class _Planned:
    method: str
    fault: Fault
    chat: int | None
    left: int | None

    def fits(self, method: str, chat: int | None) -> bool:
        here = self.chat is None or self.chat == chat
        return here and self.method.lower() in ("*", method.lower()) and self.left != 0


class Faults:
    """The faults to come; of those that fit a call, the one planned first is used up first."""

    def __init__(self) -> None:
        self._planned: list[_Planned] = []

    def plan(self, method: str, fault: Fault, times: int | None, chat: int | None) -> None:
        self._planned.append(_Planned(method, fault, chat, times))

    def heal(self) -> None:
        self._planned.clear()

    def next(self, method: str, chat: int | None) -> Fault | None:
        for one in self._fitting(method, chat):
            if one.left is not None:
                one.left -= 1
            return one.fault
        return None

    def _fitting(self, method: str, chat: int | None) -> Iterator[_Planned]:
        return (one for one in self._planned if one.fits(method, chat))
