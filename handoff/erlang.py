"""Queues with many places, by formula: how many are answered in time, leave, wait; and how many places are needed.

Nobody leaves (M/M/n, "Erlang C"): A. K. Erlang, 1917; the recursion for Erlang B and the step from B to C as in
R. B. Cooper, Introduction to Queueing Theory, 1981, chapter 3.
People leave when they have waited too long (M/M/n+M, "Erlang A"): C. Palm, 1946; O. Garnett, A. Mandelbaum and
M. Reiman, Designing a Call Center with Impatient Customers, M&SOM 4(3), 2002. With arrivals at rate λ, handling at
rate μ and patience at rate θ, somebody who never left would find the wait V with density proportional to
g(v) = exp(λ(1 - e^(-θv))/θ - nμv) (F. Baccelli and G. Hebuterne, 1981). All sums are of positive terms and kept as
logarithms, so that hundreds of places and any overload can be told.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from math import exp, expm1, inf, lgamma, log
from typing import Final

NEARLY: Final = 1e-16
"""A term so much smaller than the sum changes it no more."""


@dataclass(frozen=True, slots=True)
class Load:
    """What comes to the places. Times in hours; `patience` None: nobody leaves."""

    per_hour: float
    handling: float
    patience: float | None = None

    def __post_init__(self) -> None:
        if self.per_hour < 0 or self.handling <= 0 or (self.patience is not None and self.patience <= 0):
            raise ValueError("a load has arrivals of 0 or more an hour, and times above 0")

    @property
    def offered(self) -> float:
        """How many places would be busy if nobody left: erlangs."""
        return self.per_hour * self.handling


@dataclass(frozen=True, slots=True)
class Outlook:
    """How so many places fare under a load that has lasted for long."""

    waits: float
    """The share of those who come that does not find a place at once."""
    left: float
    """The share of those who come that leaves before an answer."""
    busy: float
    """The share of the places that is in use; 1 when they are overrun."""
    mean_wait: float
    """Hours, of everybody, those who leave included; endless when the places are overrun and nobody leaves."""


def erlang_b(places: int, offered: float) -> float:
    """The share that finds all places in use when nobody may wait. `places` 0 or more."""
    blocked = 1.0
    for number in range(1, places + 1):
        blocked = offered * blocked / (number + offered * blocked)
        if not blocked:
            break  # smaller than can be written, and more places make it smaller still
    return blocked


def erlang_c(places: int, offered: float) -> float:
    """The share that has to wait when nobody leaves; 1 when the places are overrun."""
    if offered >= places:
        return 1.0
    blocked, busy = erlang_b(places, offered), offered / places
    return blocked / (1 - busy * (1 - blocked))


def in_time(load: Load, places: int, within: float) -> float:
    """The share of those who come that is answered before `within` hours have passed. Who has left is not."""
    if load.per_hour == 0:
        return 1.0
    if load.patience is None:
        free = places - load.offered
        return 0.0 if free <= 0 else 1 - erlang_c(places, load.offered) * exp(-free * within / load.handling)
    return _Impatient(load, load.patience, places).answered(within)


def outlook(load: Load, places: int) -> Outlook:
    if load.per_hour == 0:
        return Outlook(0, 0, 0, 0)
    if load.patience is None:
        free, waits = places - load.offered, erlang_c(places, load.offered)
        return Outlook(waits, 0, min(1, load.offered / places), waits * load.handling / free if free > 0 else inf)
    queue = _Impatient(load, load.patience, places)
    left = max(0.0, 1 - queue.answered(inf))
    return Outlook(queue.waits, left, load.offered * (1 - left) / places, left * load.patience)


def percentile(in_time_within: Callable[[float], float], share: float) -> float:
    """Hours: `share` (0 to 1) of those who are ever answered waited no longer. Endless where nobody ever is.

    `in_time_within` says, for so many hours, the share of those who come that is answered in them.
    """
    target = share * in_time_within(inf)
    if not target:
        return inf
    if in_time_within(0) >= target:
        return 0.0
    low, high = 0.0, 1.0
    while in_time_within(high) < target:
        low, high = high, 2 * high
    while high - low > 1e-6 * high:
        middle = (low + high) / 2
        low, high = (middle, high) if in_time_within(middle) < target else (low, middle)
    return high


class _Impatient:
    """M/M/n+M. With J(t) the integral of g from t on: λ times the integral of e^(-θv) g(v) from 0 to t is
    g(t) - 1 + nμ(J(0) - J(t)), because the logarithm of g has the derivative λe^(-θv) - nμ. So all is told by J."""

    def __init__(self, load: Load, patience: float, places: int) -> None:
        self._rate, self._leave, self._drain = load.per_hour, 1 / patience, places / load.handling
        self._blocked = erlang_b(places - 1, load.offered)
        self._log_scale = max(0.0, log(self._rate) + self._log_tail(0))
        behind = exp(log(self._rate) + self._log_tail(0) - self._log_scale) * self._blocked
        self._whole = exp(-self._log_scale) + behind
        """One over the chance that one place is free, times the chance that all but one are in use alone; scaled."""
        self.waits = behind / self._whole

    def answered(self, within: float) -> float:
        end, begin = self._drain * self._tail(0), exp(-self._log_scale)
        late = 0.0 if within == inf else self._scaled(self._log_g(within)) - self._drain * self._tail(within)
        answered_late = self._blocked * (end - begin + late) / self._whole
        return min(1.0, max(0.0, 1 - self.waits + answered_late))

    def _log_g(self, wait: float) -> float:
        return -self._rate / self._leave * expm1(-self._leave * wait) - self._drain * wait

    def _log_tail(self, wait: float) -> float:
        """log J(t): g(t)/θ times the sum of x^k / (s(s+1)...(s+k)), s = nμ/θ and x = λe^(-θt)/θ."""
        steps = self._drain / self._leave
        still = self._rate / self._leave * exp(-self._leave * wait)
        return self._log_g(wait) - log(self._leave) + _log_sum(steps, still)

    def _tail(self, wait: float) -> float:
        return self._scaled(self._log_tail(wait))

    def _scaled(self, logarithm: float) -> float:
        return exp(logarithm - self._log_scale)


def _log_sum(steps: float, still: float) -> float:
    """The logarithm of the sum of x^k / (s(s+1)...(s+k)) over all k: e^x x^-s γ(s, x), γ the lower incomplete gamma
    function. Far above s that is all of the gamma function (Chernoff's bound on what is missing)."""
    if still > steps and still - steps - steps * log(still / steps) > -log(NEARLY):
        return still - steps * log(still) + lgamma(steps)
    terms = list(_log_terms(steps, still))
    most = max(terms)
    return most + log(sum(exp(term - most) for term in terms))


def _log_terms(steps: float, still: float) -> Iterator[float]:
    """Growing while k < x - s, then falling faster and faster."""
    term, number, most = -log(steps), 0, -inf
    while term > most + log(NEARLY) or number < still - steps:
        yield term
        most, number = max(most, term), number + 1
        if not still:
            return
        term += log(still) - log(steps + number)
