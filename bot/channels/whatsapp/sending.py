"""Requests to the Cloud API, and what each of its refusals means for whoever waits."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NoReturn

import msgspec
import structlog
from aiohttp import ClientConnectorError, ClientError, ClientSession, ClientTimeout, ConnectionTimeoutError, InvalidURL

from bot.channels.whatsapp.messages import Content
from bot.domain import Person
from bot.errors import DeliveryError

log = structlog.get_logger()

PATIENCE_S = 20.0
"""For an answer; less than half of it for a connection."""
BAD_TOKEN = 190


@dataclass(frozen=True, slots=True)
class Policy:
    """What to do about one code. `reason` is what the desk and the metrics say."""

    reason: str
    retry_after_s: float | None = None
    """None: never again."""
    in_doubt: bool = False
    provider_down: bool = False
    window_closed: bool = False
    slow_down: bool = False
    """The whole channel is too fast, not this recipient."""
    plainer: bool = False
    """Buttons or a list may have been what was wrong: words alone may pass."""
    token: bool = False
    """Nothing gets through until somebody sets another access token."""


WINDOW = Policy("window_closed", window_closed=True)
UNDELIVERABLE = Policy("undeliverable")
PAIR_RATE = Policy("pair_rate", retry_after_s=6)
THROUGHPUT = Policy("throughput", retry_after_s=2, slow_down=True)
BAD_VALUE = Policy("bad_value", plainer=True)
TOKEN = Policy("token_refused", retry_after_s=60, provider_down=True, token=True)
RESTRICTED = Policy("account_restricted", retry_after_s=300, provider_down=True)
OUTAGE = Policy("provider_error", retry_after_s=0, in_doubt=True, provider_down=True)

POLICIES = {
    131047: WINDOW,
    131026: UNDELIVERABLE,
    131021: Policy("sender_is_recipient"),
    131030: Policy("not_in_test_list"),
    131049: Policy("held_back_by_whatsapp"),
    131050: Policy("stopped_by_recipient"),
    130472: Policy("held_back_by_whatsapp"),
    130497: Policy("country_not_allowed"),
    131062: Policy("number_needed"),
    137000: Policy("identity_changed"),
    131056: PAIR_RATE,
    4: THROUGHPUT,
    80007: THROUGHPUT,
    130429: THROUGHPUT,
    100: BAD_VALUE,
    131008: BAD_VALUE,
    131009: BAD_VALUE,
    131051: Policy("unsupported", plainer=True),
    132000: Policy("template"),
    132001: Policy("template"),
    132005: Policy("template"),
    132007: Policy("template"),
    132008: Policy("template"),
    132012: Policy("template"),
    132015: Policy("template"),
    132016: Policy("template"),
    0: TOKEN,
    3: TOKEN,
    10: TOKEN,
    BAD_TOKEN: TOKEN,
    131005: TOKEN,
    33: RESTRICTED,
    368: RESTRICTED,
    131031: RESTRICTED,
    131037: RESTRICTED,
    131042: RESTRICTED,
    131045: RESTRICTED,
    131048: RESTRICTED,
    131064: RESTRICTED,
    133010: RESTRICTED,
    131057: Policy("account_in_maintenance", retry_after_s=300, provider_down=True),
    1: OUTAGE,
    2: OUTAGE,
    131000: OUTAGE,
    131016: OUTAGE,
    133004: OUTAGE,
}
"""One policy for each code. Source: "Error codes" at developers.facebook.com/documentation/business-messaging/whatsapp/
support/error-codes (May 2026), which asks to go by the code and not by the HTTP status."""
PERMISSIONS = range(200, 300)
"""Codes of missing permissions, all of the access token's."""


def policy_of(status: int, code: int | None) -> Policy:
    """By the code where it is known, else by the HTTP status."""
    known = POLICIES.get(code) if code is not None else None
    if known:
        return known
    if status >= 500:
        return OUTAGE
    if status == 429:
        return THROUGHPUT
    if status in (401, 403) or code in PERMISSIONS:
        return TOKEN
    return Policy(f"code_{code}" if code is not None else f"http_{status}")


class Refused(DeliveryError):
    """The provider answered, and did not take it."""

    def __init__(self, policy: Policy) -> None:
        super().__init__(
            policy.reason,
            policy.retry_after_s,
            in_doubt=policy.in_doubt,
            provider_down=policy.provider_down,
            window_closed=policy.window_closed,
        )
        self.policy = policy


class CloudApi:
    """One business number's door to the provider."""

    def __init__(self, token: str, phone_id: str, api: str, version: str, patience_s: float = PATIENCE_S) -> None:
        self._token = token
        self._patience = ClientTimeout(total=patience_s, sock_connect=patience_s * 0.4)
        self._number = f"{api.rstrip('/')}/{version}/{phone_id}"
        self._session: ClientSession | None = None
        self._told_of_token = False

    async def send(self, to: Person, content: Content, note: str) -> str | None:
        """The provider's id of what was sent; `note` comes back with its receipts.

        By user id wherever it is known: a number may be somebody else's by now, and an id never is. Only one of the two
        is named, as Meta goes by the number where it gets both. Raises: DeliveryError.
        """
        recipient = {"recipient": to.user} if to.user else {"to": to.number or ""}
        whole = {**_PRODUCT, "recipient_type": "individual", **recipient, **content.shown}
        answer = await self._post({**whole, "biz_opaque_callback_data": note})
        messages = answer.get("messages")
        first = messages[0] if isinstance(messages, list) and messages else None
        id_ = first.get("id") if isinstance(first, dict) else None
        return id_ if isinstance(id_, str) and id_ else None

    async def show_typing(self, message_id: str) -> None:
        """Marks a message as read and shows for up to 25 seconds that an answer comes. Raises: DeliveryError."""
        await self._post({**_PRODUCT, "status": "read", "message_id": message_id, "typing_indicator": {"type": "text"}})

    async def probe(self) -> None:
        """Raises: DeliveryError while the provider does not answer, or answers nobody with this token."""
        try:
            async with self._opened().get(self._number, params={"fields": "id"}, allow_redirects=False) as response:
                status, code = response.status, _code(_json(await response.read()))
        except (ClientError, TimeoutError) as error:
            raise DeliveryError("no_connection", 0, provider_down=True) from error
        if status == 401 or code == BAD_TOKEN:
            self._refuse(TOKEN)
        if status >= 500:
            self._refuse(OUTAGE)

    async def close(self) -> None:
        if self._session:
            await self._session.close()

    async def _post(self, body: Mapping[str, object]) -> Mapping[str, Any]:
        try:
            async with self._opened().post(f"{self._number}/messages", json=body, allow_redirects=False) as response:
                status, answer = response.status, _json(await response.read())
        except (ClientConnectorError, ConnectionTimeoutError, InvalidURL) as error:
            raise DeliveryError("no_connection", 0, provider_down=True) from error
        except TimeoutError as error:
            raise DeliveryError("timed_out", 0, in_doubt=True, provider_down=True) from error
        except ClientError as error:
            raise DeliveryError("connection_lost", 0, in_doubt=True, provider_down=True) from error
        if status >= 300:
            self._refuse(policy_of(status, _code(answer)))
        self._told_of_token = False
        return answer

    def _refuse(self, policy: Policy) -> NoReturn:
        if policy.token and not self._told_of_token:
            self._told_of_token = True
            log.error("whatsapp.token_refused", part="FIRSTLINE_WHATSAPP_TOKEN", reason="set_another_and_start_again")
        raise Refused(policy)

    def _opened(self) -> ClientSession:
        if self._session is None:
            self._session = ClientSession(timeout=self._patience, headers={"Authorization": f"Bearer {self._token}"})
        return self._session


_PRODUCT = {"messaging_product": "whatsapp"}


def _json(raw: bytes) -> Mapping[str, Any]:
    try:
        found = msgspec.json.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _code(answer: Mapping[str, Any]) -> int | None:
    error = answer.get("error")
    code = error.get("code") if isinstance(error, dict) else None
    return code if isinstance(code, int) else None
