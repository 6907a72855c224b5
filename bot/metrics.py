"""What an operator watches: turns, latencies, the outbox's depth and age, the queue. Numbers only, no words."""

import time
from collections.abc import Callable, Mapping
from typing import Any

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from bot.channels.contract import Pushing
from bot.courier import Courier
from bot.domain import ChannelName
from bot.outbox import UNTIL_THEY_WRITE
from handoff.ledger import Ledger


class Metrics:
    def __init__(
        self,
        ledger: Ledger,
        courier: Courier,
        channels: Mapping[ChannelName, Pushing[Any]],
        stuck: Callable[[], Mapping[str, int]] = dict,
    ) -> None:
        self._ledger = ledger
        self._courier = courier
        self._channels = channels
        self._registry = registry = CollectorRegistry()
        self._seconds = Histogram(
            "firstline_request_seconds", "Time to answer a request", ["route", "status"], registry=registry
        )
        self._commits = Counter("firstline_commits", "Commits on disk", registry=registry)
        self._outbox = Gauge(
            "firstline_outbox", "Outbox rows that wait, failed or are in doubt", ["state"], registry=registry
        )
        self._troubled = Gauge(
            "firstline_outbox_troubled", "Outbox rows failed or in doubt", ["reason"], registry=registry
        )
        self._oldest = Gauge("firstline_outbox_oldest_seconds", "Age of the oldest reply that waits", registry=registry)
        self._tries = Counter(
            "firstline_delivery_failures", "Tries to deliver that failed", ["channel", "reason"], registry=registry
        )
        self._refused = Counter(
            "firstline_channel_passed_over", "What came in and was not taken", ["channel", "kind"], registry=registry
        )
        self._up = Gauge("firstline_channel_up", "Whether a channel's provider answers", ["channel"], registry=registry)
        self._cases = Gauge("firstline_cases", "Cases by state", ["state"], registry=registry)
        self._stuck = Gauge("firstline_stuck", "Things that ought not to be", ["kind"], registry=registry)
        self._stuck_now = stuck
        self._counted: dict[object, int] = {}

    @property
    def middleware(self) -> Middleware:
        @web.middleware
        async def timed(request: web.Request, handler: Handler) -> web.StreamResponse:
            started, status = time.perf_counter(), 500
            try:
                response = await handler(request)
                status = response.status
                return response
            except web.HTTPException as answer:
                status = answer.status
                raise
            finally:
                resource = request.match_info.route.resource
                route = resource.canonical if resource else "unknown"
                self._seconds.labels(route, status).observe(time.perf_counter() - started)

        return timed

    async def page(self, _: web.Request) -> web.Response:
        self._read()
        return web.Response(body=generate_latest(self._registry), content_type="text/plain")

    def _read(self) -> None:
        self._count(self._commits, "commits", self._ledger.commits)
        self._read_outbox()
        self._read_channels()
        for kind, count in self._stuck_now().items():
            self._stuck.labels(kind).set(count)
        self._cases.clear()
        for row in self._ledger.reader().execute(
            "SELECT state, count(*) FROM queue_item WHERE conversation > 0 GROUP BY state"
        ):
            self._cases.labels(row[0]).set(row[1])

    def _read_outbox(self) -> None:
        db = self._ledger.reader()
        self._outbox.clear()
        self._troubled.clear()
        for state in ("queued", "sending"):
            self._outbox.labels(state).set(db.execute(f"{_WAITING} AND state = ?", [state]).fetchone()[0])
        for reason, state, count in db.execute(_TROUBLED):
            self._troubled.labels(reason or "unknown").inc(count)
            self._outbox.labels(state).inc(count)
        oldest = db.execute(_OLDEST).fetchone()[0]
        self._oldest.set(time.time() - oldest / 1000 if oldest else 0)

    def _read_channels(self) -> None:
        for (name, reason), count in self._courier.failures.items():
            self._count(self._tries.labels(name, reason), ("tries", name, reason), count)
        for name, channel in self._channels.items():
            self._up.labels(name).set(channel.up and not self._courier.is_down(name))
            for kind, count in channel.counts.items():
                self._count(self._refused.labels(name, kind), ("refused", name, kind), count)

    def _count(self, counter: Counter, key: object, count: int) -> None:
        """What is counted elsewhere since the start, as a counter."""
        counter.inc(count - self._counted.get(key, 0))
        self._counted[key] = count


_PUSHED = "FROM outbox WHERE pushed = 1 AND state IN ('queued', 'sending')"
_WAITING = f"SELECT count(*) {_PUSHED}"
_OLDEST = f"SELECT min(at) {_PUSHED} AND not_before < {UNTIL_THEY_WRITE}"
"""What waits for the enquirer to write is nobody's fault."""
_CASES = "SELECT state, count(*) FROM queue_item WHERE conversation > 0 GROUP BY state"
"""Practice is not counted."""
_TROUBLED = "SELECT reason, state, count(*) FROM outbox WHERE state IN ('failed', 'unknown') GROUP BY reason, state"
