"""What may go wrong at Meta's side of a send, and how fast it lets us send."""

from collections import deque
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from tests.fakes.whatsapp_people import Person
from tests.fakes.whatsapp_rules import Refused

PAIR_RATE = 131056
THROUGHPUT = 130429


class Answered(StrEnum):
    """How the HTTP request ends."""

    NORMALLY = "normally"
    NEVER = "never"
    DROPPED = "dropped"
    """The connection is closed without a word."""
    GARBLED = "garbled"
    """200 with a body that is not JSON."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One way in which a send goes wrong."""

    code: int | None = None
    status: int | None = None
    later: bool = False
    """The code comes as a `failed` webhook after a normal answer."""
    taken: bool = True
    """Whether the message was sent all the same."""
    answered: Answered = Answered.NORMALLY
    delay_s: float = 0.0


def refused(code: int, status: int | None = None) -> Fault:
    """The error at once, with the HTTP status it comes with."""
    return Fault(code=code, status=status, taken=False)


def failed_later(code: int) -> Fault:
    """Taken, then the webhook says that it failed."""
    return Fault(code=code, later=True)


def broken(status: int = 503) -> Fault:
    """A server error; not taken."""
    return Fault(code=131016, status=status, taken=False)


SILENT = Fault(taken=False, answered=Answered.NEVER)
DROPPED = Fault(taken=False, answered=Answered.DROPPED)
TAKEN_SILENT = Fault(answered=Answered.NEVER)
TAKEN_DROPPED = Fault(answered=Answered.DROPPED)
TAKEN_GARBLED = Fault(answered=Answered.GARBLED)


def slow(delay_s: float) -> Fault:
    return Fault(delay_s=delay_s)


class Faults:
    """Which faults wait for whom."""

    def __init__(self) -> None:
        self._waiting: list[tuple[Person | None, list[Fault]]] = []
        self._lasting: list[tuple[Person | None, Fault]] = []

    def put(self, fault: Fault, person: Person | None = None, times: int | None = 1) -> None:
        """For the next sends to this person, or to anybody; `times=None`: until `heal`."""
        if times is None:
            self._lasting.append((person, fault))
        else:
            self._waiting.append((person, [fault] * times))

    def heal(self, person: Person | None = None) -> None:
        """Takes away what waits for this person; without one, everything."""
        self._waiting = [each for each in self._waiting if person and each[0] is not person]
        self._lasting = [each for each in self._lasting if person and each[0] is not person]

    def next(self, person: Person) -> Fault:
        for whose, faults in self._waiting:
            if whose in (None, person) and faults:
                return faults.pop()
        return next((fault for whose, fault in self._lasting if whose in (None, person)), Fault())


@dataclass(slots=True)
class Pace:
    """Meta's limits. To one person: `burst` messages, and one more every `every`. Overall: `a_second`."""

    burst: int = 45
    every: timedelta = timedelta(seconds=6)
    a_second: int = 80

    def allows(self, person: Person, taken: "deque[tuple[datetime, Person]]", now: datetime) -> None:
        """`taken`: what was sent, in order. Raises: Refused."""
        if sum(1 for at, _ in taken if at > now - timedelta(seconds=1)) >= self.a_second:
            raise Refused(THROUGHPUT, "Message failed to send because there were too many messages sent at once")
        if self._left([at for at, whose in taken if whose is person], now) < 1:
            raise Refused(PAIR_RATE, "Too many messages sent to the same recipient in a short time")

    def _left(self, times: list[datetime], now: datetime) -> float:
        """What a bucket of `burst` holds after these sends."""
        left, before = float(self.burst), now
        for at in times:
            left = min(self.burst, left + max(timedelta(0), at - before) / self.every) - 1
            before = at
        return min(self.burst, left + (now - before) / self.every)
