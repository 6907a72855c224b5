"""python-telegram-bot's requests over one aiohttp session, telling apart what surely failed and what may have worked.

Nothing is said of an address that was asked: it holds the bot's token.
"""

import json
from typing import Any

from aiohttp import (
    ClientConnectorError,
    ClientError,
    ClientSession,
    ClientTimeout,
    ConnectionTimeoutError,
    DummyCookieJar,
    InvalidURL,
    TCPConnector,
)
from telegram.error import NetworkError, TelegramError
from telegram.request import BaseRequest, RequestData

CALL_S = 20.0
CONNECT_S = 10.0
FLOOD_PAUSE_S = 5.0
"""How long to wait where Telegram says "too many requests" and not for how long."""


class NoConnection(NetworkError):
    """Telegram was not reached: nothing was sent."""

    def __init__(self) -> None:
        super().__init__("no_connection")


class Lost(NetworkError):
    """The request left and no usable answer came: Telegram may have done it."""


class Flood(TelegramError):
    """Telegram takes no more for `retry_after_s` seconds."""

    def __init__(self, retry_after_s: float) -> None:
        super().__init__("flood")
        self.retry_after_s = retry_after_s


class AiohttpRequest(BaseRequest):
    """No limit of connections: a slow answer for one recipient never keeps another waiting."""

    __slots__ = ("_session",)

    def __init__(self) -> None:
        self._session: ClientSession | None = None

    @property
    def read_timeout(self) -> float:
        return CALL_S

    async def initialize(self) -> None:
        if self._session is None:
            self._session = ClientSession(
                connector=TCPConnector(limit=0), cookie_jar=DummyCookieJar(), trust_env=False, auto_decompress=True
            )

    async def shutdown(self) -> None:
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    @staticmethod
    def parse_json_payload(payload: bytes) -> dict[str, Any]:
        """As the library does it, without writing what could not be read to a log.

        Raises: Lost.
        """
        try:
            read = json.loads(payload.decode("utf-8", "replace"))
        except ValueError:
            raise Lost("unreadable") from None
        if not isinstance(read, dict):
            raise Lost("unreadable")
        return read

    async def do_request(
        self,
        url: str,
        method: str,
        request_data: RequestData | None = None,
        read_timeout: Any = BaseRequest.DEFAULT_NONE,
        write_timeout: Any = BaseRequest.DEFAULT_NONE,  # noqa: ARG002 the library asks for it; one limit covers all
        connect_timeout: Any = BaseRequest.DEFAULT_NONE,  # noqa: ARG002
        pool_timeout: Any = BaseRequest.DEFAULT_NONE,  # noqa: ARG002
    ) -> tuple[int, bytes]:
        """`read_timeout` is the limit for the whole request.

        Raises: NoConnection; Lost; Flood.
        """
        total = read_timeout if isinstance(read_timeout, (int, float)) else CALL_S
        try:
            status, body = await self._asked(url, method, request_data, ClientTimeout(total, CONNECT_S))
        except (ClientConnectorError, ConnectionTimeoutError, InvalidURL):
            raise NoConnection() from None
        except TimeoutError:
            raise Lost("timeout") from None
        except (ClientError, OSError):
            raise Lost("connection_lost") from None
        if status >= 500:
            raise Lost(f"http_{status}")
        if status == 429:
            raise Flood(_pause_s(body))
        if status < 300 and b'"result"' not in body:
            raise Lost("unreadable")
        return status, body

    async def _asked(
        self, url: str, method: str, request_data: RequestData | None, limits: ClientTimeout
    ) -> tuple[int, bytes]:
        await self.initialize()
        assert self._session is not None
        form = request_data.json_parameters if request_data else None
        async with self._session.request(method, url, data=form, timeout=limits, allow_redirects=False) as answer:
            return answer.status, await answer.read()


def _pause_s(body: bytes) -> float:
    try:
        return max(float(AiohttpRequest.parse_json_payload(body)["parameters"]["retry_after"]), 0.0)
    except (Lost, KeyError, TypeError, ValueError):
        return FLOOD_PAUSE_S
