"""How Meta's webhooks reach us: signed, repeated until answered with 200, several to a body, late, twice, or forged."""

import asyncio
import hashlib
import hmac
import io
import json
import secrets
from collections.abc import Generator, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum

import aiohttp

from tests.fakes.whatsapp_rules import Json


class Signing(StrEnum):
    """What stands in X-Hub-Signature-256."""

    RIGHT = "right"
    NONE = "none"
    WRONG = "wrong"
    """Made with another secret."""
    RESERIALISED = "reserialised"
    """Right for the body as it was before something on the way wrote the same JSON differently."""


class By(StrEnum):
    """What a body that carries several things repeats."""

    ENTRIES = "entries"
    CHANGES = "changes"
    MESSAGES = "messages"


@dataclass(frozen=True, slots=True)
class Change:
    """One change of the account that we are told of."""

    field: str
    value: Json


class Push:
    """One webhook on its way. `await push` waits until it was answered with 200, or will not be tried again."""

    def __init__(self, id_: str = "") -> None:
        self.id = id_
        """The id of the message it tells of; empty where it tells of none."""
        self.body = b""
        self.signature = ""
        self.answers: list[int] = []
        """HTTP statuses in order; 0 where there was no connection or no answer."""
        self._done = asyncio.Event()

    def __await__(self) -> Generator[object, None, "Push"]:
        yield from self._done.wait().__await__()
        return self

    @property
    def done(self) -> bool:
        return self._done.is_set()

    def finish(self) -> None:
        self._done.set()


class Webhooks:
    """Delivers what happens on the account to `url`."""

    def __init__(self, account: str, secret: str) -> None:
        self.account = account
        self.secret = secret
        self.url: str | None = None
        """Where; read before each try. None: webhooks are only made and kept in `pushed`."""
        self.signing = Signing.RIGHT
        self.copies = 1
        """How often each is delivered."""
        self.in_order = True
        """Whether a message of a person waits until the one before was taken."""
        self.retry_s = 0.05
        self.tries = 2_000
        self.pushed: list[Push] = []
        self.challenge = ""
        self._collected: list[tuple[Change, Push]] | None = None
        self._turn = asyncio.Lock()
        self._tasks: set[asyncio.Task[None]] = set()

    def push(self, change: Change, id_: str = "", queued: bool = True) -> Push:
        """Sends soon. `queued`: in its place after those before; otherwise at once."""
        push = Push(id_)
        if self._collected is not None:
            self._collected.append((change, push))
        else:
            self.deliver(self.serialised([change]), [push], queued=queued)
        return push

    @contextmanager
    def together(self, by: By = By.MESSAGES, backwards: bool = False) -> Iterator[None]:
        """What happens inside goes out in one body, if wanted in the opposite order."""
        collected: list[tuple[Change, Push]] = []
        self._collected = collected
        try:
            yield
        finally:
            self._collected = None
        if collected:
            changes = [change for change, _ in collected]
            body = self.serialised(changes[::-1] if backwards else changes, by)
            self.deliver(body, [push for _, push in collected])

    def again(self, push: Push) -> Push:
        """The very same body once more, as Meta does for up to seven days."""
        repeated = Push(push.id)
        self.deliver(push.body, [repeated])
        return repeated

    def deliver(
        self, body: bytes, pushes: list[Push], signing: Signing | None = None, queued: bool = True, tries: int = 0
    ) -> None:
        """Sends any bytes. What is not rightly signed is tried once only."""
        signing = signing or self.signing
        tries = tries or (self.tries if signing is Signing.RIGHT else 1)
        sent, signature = signed(body, self.secret, signing)
        for push in pushes:
            push.body, push.signature = sent, signature
        self.pushed += pushes
        task = asyncio.create_task(self._deliver(pushes, tries, queued))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def verify(self, token: str) -> tuple[int, str]:
        """The handshake: what our GET answered, status and text; the text must be `challenge`."""
        self.challenge = str(secrets.randbelow(10**10))
        asked = {"hub.mode": "subscribe", "hub.verify_token": token, "hub.challenge": self.challenge}
        async with aiohttp.ClientSession() as session, session.get(str(self.url), params=asked) as answer:
            return answer.status, await answer.text()

    async def close(self) -> None:
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def serialised(self, changes: list[Change], by: By = By.MESSAGES) -> bytes:
        """The body, written as Meta writes it: nothing but ASCII, and slashes with a backslash before them."""
        named = [{"value": change.value, "field": change.field} for change in changes]
        if by is By.MESSAGES:
            named = [{"value": change.value, "field": change.field} for change in merged(changes)]
        groups = [[each] for each in named] if by is By.ENTRIES else [named]
        entries = [{"id": self.account, "changes": group} for group in groups]
        written = json.dumps({"object": "whatsapp_business_account", "entry": entries}, separators=(",", ":"))
        return written.replace("/", "\\/").encode()

    async def _deliver(self, pushes: list[Push], tries: int, queued: bool) -> None:
        try:
            if queued and self.in_order:
                async with self._turn:
                    await self._until_taken(pushes, tries)
            else:
                await self._until_taken(pushes, tries)
        finally:
            for push in pushes:
                push.finish()

    async def _until_taken(self, pushes: list[Push], tries: int) -> None:
        for _ in range(self.copies):
            for _ in range(tries):
                status = await self._post(pushes[0])
                for push in pushes:
                    push.answers += [] if status is None else [status]
                if status in (None, 200):
                    break
                await asyncio.sleep(self.retry_s if tries > 1 else 0)

    async def _post(self, push: Push) -> int | None:
        if self.url is None:
            return None
        headers = {"Content-Type": "application/json", "User-Agent": "facebookexternalua"}
        if push.signature:
            headers["X-Hub-Signature-256"] = push.signature
        patience = aiohttp.ClientTimeout(total=10)
        try:
            async with (
                aiohttp.ClientSession(timeout=patience) as session,
                session.post(self.url, data=io.BytesIO(push.body), headers=headers) as answer,
            ):
                await answer.read()
                return answer.status
        except (aiohttp.ClientError, TimeoutError, OSError):
            return 0


def signed(body: bytes, secret: str, signing: Signing) -> tuple[bytes, str]:
    """What is sent, and the header's value; empty for none."""
    if signing is Signing.NONE:
        return body, ""
    key = "another-secret" if signing is Signing.WRONG else secret
    signature = "sha256=" + hmac.new(key.encode(), body, hashlib.sha256).hexdigest()
    if signing is Signing.RESERIALISED:
        body = json.dumps(json.loads(body), ensure_ascii=False).encode()
    return body, signature


def merged(changes: Iterable[Change]) -> list[Change]:
    """One change for each field: messages, statuses and contacts side by side, each contact once."""
    made: dict[str, Change] = {}
    for change in changes:
        into = made.setdefault(change.field, Change(change.field, {}))
        for key, given in change.value.items():
            if isinstance(given, list):
                had = into.value.setdefault(key, [])
                had += [each for each in given if each not in had or key != "contacts"]
            else:
                into.value[key] = given
    return list(made.values())
