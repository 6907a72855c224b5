"""What an operator watches: turns, latencies, the outbox's depth and age, the queue. Numbers only, no words."""

import time

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from handoff.ledger import Ledger


class Metrics:
    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._registry = CollectorRegistry()
        self._seconds = Histogram(
            "firstline_request_seconds", "Time to answer a request", ["route", "status"], registry=self._registry
        )
        self._commits = Counter("firstline_commits", "Commits on disk", registry=self._registry)
        self._outbox = Gauge("firstline_outbox", "Outbox rows by state", ["state"], registry=self._registry)
        self._oldest = Gauge(
            "firstline_outbox_oldest_seconds", "Age of the oldest reply that waits", registry=self._registry
        )
        self._cases = Gauge("firstline_cases", "Cases by state", ["state"], registry=self._registry)
        self._counted = 0

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
        db = self._ledger.reader()
        self._commits.inc(self._ledger.commits - self._counted)
        self._counted = self._ledger.commits
        self._outbox.clear()
        for row in db.execute("SELECT state, count(*) FROM outbox WHERE state <> 'sent' GROUP BY state"):
            self._outbox.labels(row[0]).set(row[1])
        oldest = db.execute("SELECT min(at) FROM outbox WHERE state IN ('queued', 'sending')").fetchone()[0]
        self._oldest.set(time.time() - oldest / 1000 if oldest else 0)
        self._cases.clear()
        for row in db.execute("SELECT state, count(*) FROM queue_item GROUP BY state"):
            self._cases.labels(row[0]).set(row[1])
