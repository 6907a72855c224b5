"""The Telegram channel: enquirers in their private chats with the bot, and the advisers' group."""

import asyncio
import contextlib
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime

import structlog
from aiohttp import web
from telegram import Bot, BotCommand
from telegram.constants import ParseMode
from telegram.error import BadRequest, InvalidToken, TelegramError

from bot.channels.contract import TELEGRAM, House, Parcel, Pushing
from bot.channels.pace import Pace
from bot.channels.slash import COMMANDS
from bot.channels.telegram.advisers import AdvisersGroup
from bot.channels.telegram.afterwards import Afterwards
from bot.channels.telegram.faults import bad_request, delivery_error
from bot.channels.telegram.messages import LIMITS, NO_PREVIEW, Letter, bare, cut, letters_of
from bot.channels.telegram.polling import Polling
from bot.channels.telegram.receiving import Receiving
from bot.channels.telegram.request import AiohttpRequest
from bot.channels.telegram.retrying import Retrying
from bot.channels.telegram.updates import ALLOWED_UPDATES
from bot.channels.telegram.webhook import MAX_CONNECTIONS, PATH, Webhook
from bot.domain import Address, Token
from bot.errors import DeliveryError

log = structlog.get_logger()

OVERALL_PER_S = 30
SPACING_S = 1.0
"""core.telegram.org/bots/faq#my-bot-is-hitting-limits-how-do-i-avoid-this"""
MAX_DESCRIPTION = 256
LANGUAGES = ("en", "cy")
ALWAYS = ("talk_to_person", "back")


class TelegramChannel(Pushing[Letter]):
    """`house_down` are the errors that say the house can keep nothing at the moment: such an update is asked for again
    for as long as it takes. Any other error is a fault of ours; an update it strikes 5 times is left out. As long as
    nobody says which is which, none is left out.
    """

    name = TELEGRAM
    limits = LIMITS

    def __init__(
        self,
        token: str,
        api: str,
        mode: str,
        public_url: str,
        secret: str,
        house: House,
        now: Callable[[], datetime],
        advisers: int | None = None,
        *,
        pace: Pace | None = None,
        house_down: tuple[type[Exception], ...] = (Exception,),
    ) -> None:
        self.counts: Counter[str] = Counter()
        self.up = False
        self._house = house
        self._mode = mode
        self._public_url = public_url.rstrip("/")
        self._secret = secret
        self._request = AiohttpRequest()
        base = api.rstrip("/")
        self._bot = Bot(
            token.strip() or "none",  # Telegram refuses it, as any other wrong one
            base_url=lambda known: f"{base}/bot{known}",
            base_file_url=lambda known: f"{base}/file/bot{known}",
            request=self._request,
            get_updates_request=self._request,
        )
        self._pace = pace or Pace(OVERALL_PER_S, SPACING_S)
        self._afterwards = Afterwards(self.counts)
        self._group = AdvisersGroup(self._bot, advisers, self._pace, self._afterwards, self.counts)
        self._receiving = Receiving(self._bot, house, self._group, self._afterwards, self.counts, now, house_down)

    # --- running -----------------------------------------------------------------------------------------------------

    def routes(self) -> list[web.RouteDef]:
        if self._mode != "webhook":
            return []
        return [web.post(PATH, Webhook(self._secret, self._receiving.receive, self.counts).post)]

    async def run(self) -> None:
        """Until cancelled; returns when Telegram refuses the token. Raises: AnotherPoller."""
        if not await self._is_set_up():
            return
        self._reached(True)
        if self._mode == "webhook":
            await asyncio.Event().wait()
        await Polling(self._bot, self._receiving.receive_all, self.counts, self._reached).run()

    async def close(self) -> None:
        await self._afterwards.close()
        await self._request.shutdown()

    def _reached(self, up: bool) -> None:
        self.up = up

    async def _is_set_up(self) -> bool:
        """Tries until Telegram is reached. False when it refuses the token."""
        retrying = Retrying("set_up")
        while True:
            try:
                await self._set_up()
            except InvalidToken:
                log.error("telegram.refused", reason="FIRSTLINE_TELEGRAM_TOKEN_was_refused_by_Telegram")
                self.counts["token_refused"] += 1
                return False
            except BadRequest as error:
                log.error("telegram.set_up_refused", reason=bad_request(error), route=PATH)
                await retrying.failed(error)
            except TelegramError as error:
                await retrying.failed(error)
            else:
                retrying.worked()
                return True

    async def _set_up(self) -> None:
        """Only the first question tells of the token. A server that knows no menu, or no webhook to take away, is
        worked with all the same. Where the advisers' group is comes before anything can be received from it.

        Raises: TelegramError.
        """
        me = await self._bot.get_me()
        self._receiving.link = f"https://t.me/{me.username}" if me.username else ""
        await self._group.find()
        if self._mode == "webhook":
            await self._bot.set_webhook(
                self._public_url + PATH,
                max_connections=MAX_CONNECTIONS,
                allowed_updates=ALLOWED_UPDATES,
                secret_token=self._secret,
            )
        else:
            with contextlib.suppress(InvalidToken):  # which is also how the library says that there is no such method
                await self._bot.delete_webhook()
        for language in LANGUAGES:
            await self._set_commands(language)

    async def _set_commands(self, language: str) -> None:
        """English is what everybody sees who has no language of ours. A refusal costs no more than the menu."""
        titles = dict(self._house.commands(language))
        menu = [
            BotCommand(command, cut(titles[intent], MAX_DESCRIPTION))
            for command, intent in COMMANDS.items()
            if titles.get(intent)
        ]
        try:
            await self._bot.set_my_commands(menu, language_code=None if language == "en" else language)
        except (BadRequest, InvalidToken) as error:
            self.counts["commands_refused"] += 1
            log.warning("telegram.commands_refused", error=type(error).__name__)

    # --- sending -----------------------------------------------------------------------------------------------------

    async def admit(self, address: Address) -> None:
        await self._pace.admit(address)

    def parts(self, parcel: Parcel) -> Sequence[Letter]:
        letters = letters_of(parcel, self._always(parcel))
        if not letters:
            raise DeliveryError("empty")
        return letters

    async def deliver(self, address: Address, seq: int, part: Letter) -> None:
        """Telegram sends no receipts, so there is no id to know them by; nor does it know a repeated message."""
        del seq
        try:
            await self._sent(address, part)
        except TelegramError as error:
            raise delivery_error(error) from None

    def _always(self, parcel: Parcel) -> list[tuple[Token, str]]:
        """What stands below every question; all else that is always there is in the bot's menu."""
        titles = dict(self._house.commands(parcel.messages[-1].language))
        return [(Token(f"!{intent}"), titles[intent]) for intent in ALWAYS if intent in titles]

    async def _sent(self, address: Address, letter: Letter) -> None:
        """Where Telegram cannot read our markup it has taken nothing: the words go without."""
        try:
            await self._send(address, letter.html, letter, ParseMode.HTML)
        except BadRequest as error:
            if bad_request(error) != "cannot_parse":
                raise
            self.counts["cannot_parse"] += 1
            await self._send(address, bare(letter.html), letter, None)

    async def _send(self, address: Address, text: str, letter: Letter, parse_mode: str | None) -> None:
        await self._bot.send_message(
            address,
            text,
            parse_mode=parse_mode,
            reply_markup=letter.keyboard,
            link_preview_options=NO_PREVIEW,
        )

    async def probe(self) -> None:
        """Whoever says "too many requests" lives."""
        try:
            await self._bot.get_me()
        except TelegramError as error:
            failure = delivery_error(error)
            if failure.provider_down:
                raise failure from None

    # --- the advisers' group -----------------------------------------------------------------------------------------

    @property
    def accept(self) -> Callable[[int, int], Awaitable[str]] | None:
        """(Telegram's number of who pressed, case) -> words for them."""
        return self._group.accept

    @accept.setter
    def accept(self, claims: Callable[[int, int], Awaitable[str]] | None) -> None:
        self._group.accept = claims

    async def post(self, text: str, case: int | None) -> int:
        """A message in the advisers' group, with an Accept button for the case. Raises: DeliveryError."""
        return await self._group.post(text, case)

    async def amend(self, message_id: int, text: str, case: int | None) -> None:
        """Raises: DeliveryError."""
        await self._group.amend(message_id, text, case)
