"""The advisers' group on Telegram: that a case waits, and a button to accept it. Nothing an enquirer said."""

import asyncio
import math
from collections import Counter
from collections.abc import Awaitable, Callable
from functools import partial
from typing import TypeVar

import structlog
from telegram import Bot, InlineKeyboardButton, InlineKeyboardMarkup
from telegram.constants import ChatAction
from telegram.error import BadRequest, ChatMigrated, Forbidden, TelegramError

from bot.channels.pace import Pace
from bot.channels.telegram.afterwards import COURTESY_S, Afterwards
from bot.channels.telegram.faults import delivery_error
from bot.channels.telegram.messages import NO_PREVIEW, cut
from bot.channels.telegram.updates import ACCEPT, AcceptPress
from bot.errors import DeliveryError

log = structlog.get_logger()
T = TypeVar("T")

MAX_ALERT = 200
"""Characters of what is shown to who pressed."""
ACCEPT_TITLE = "Accept"
ASK_AGAIN_S = 10.0
"""For so long after a question where the group is that failed, none is asked again."""
_UNCHANGED = "message is not modified"


class AdvisersGroup:
    """`chat` is the group's number, None where there is no group. It follows a group that became a larger one.

    The setting may be older than such a move: until Telegram has said where the group is, any other group may be it.
    """

    def __init__(self, bot: Bot, chat: int | None, pace: Pace, afterwards: Afterwards, counts: Counter[str]) -> None:
        self.chat = chat
        self.numbers: frozenset[int] = frozenset() if chat is None else frozenset({chat})
        """What it has and had: messages from before a move keep the number of then."""
        self.is_found = chat is None
        """Telegram knows the group by this number, so no other group is it."""
        self.accept: Callable[[int, int], Awaitable[str]] | None = None
        self._bot = bot
        self._pace = pace
        self._afterwards = afterwards
        self._counts = counts
        self._asked_at = -math.inf

    async def find(self) -> None:
        """Asks Telegram where the group is, unless that is known or was just asked. Never raises.

        It tells of a move only whoever would write: getChat answers for the old number as if nothing had happened
        (github.com/tdlib/telegram-bot-api, Client.cpp, check_chat_access). So the group sees for a moment that the
        bot is typing.
        """
        now = asyncio.get_running_loop().time()
        if self.chat is None or self.is_found or now - self._asked_at < ASK_AGAIN_S:
            return
        self._asked_at = now
        try:
            async with asyncio.timeout(COURTESY_S):
                await self._bot.send_chat_action(self.chat, ChatAction.TYPING)
            self.is_found = True
        except ChatMigrated as error:
            self.moved(self.chat, error.new_chat_id)
        except (TelegramError, TimeoutError) as error:
            self._counts["advisers_not_found"] += 1
            log.warning("telegram.advisers_not_found", error=type(error).__name__, reason=_why(error))

    async def post(self, text: str, case: int | None) -> int:
        """The message's number, to amend it by. Raises: DeliveryError."""
        sent = await self._asked(
            lambda chat: self._bot.send_message(chat, text, reply_markup=_accept(case), link_preview_options=NO_PREVIEW)
        )
        return sent.message_id

    async def amend(self, message_id: int, text: str, case: int | None) -> None:
        """Raises: DeliveryError."""
        await self._asked(partial(self._edit, message_id, text, case))

    async def _edit(self, message_id: int, text: str, case: int | None, chat: int) -> None:
        try:
            await self._bot.edit_message_text(
                text, chat, message_id, reply_markup=_accept(case), link_preview_options=NO_PREVIEW
            )
        except BadRequest as error:
            if not error.message.lower().startswith(_UNCHANGED):
                raise

    async def pressed(self, press: AcceptPress) -> None:
        """Returns once it is settled who has the case. Raises: what `accept` raises."""
        if self.accept is None:
            self._counts["nobody_accepts"] += 1
            return
        words = cut(await self.accept(press.presser, press.case), MAX_ALERT)
        self._afterwards.do(partial(self._bot.answer_callback_query, press.query, words, show_alert=True))

    def moved(self, before: int, now: int) -> None:
        if before == self.chat and now != before:
            self.chat = now
            self.numbers |= {now}
            self.is_found = True
            log.warning("telegram.advisers_moved", reason="change_FIRSTLINE_TELEGRAM_ADVISERS")

    async def _asked(self, request: Callable[[int], Awaitable[T]]) -> T:
        """The request, made again where the group has just moved. Raises: DeliveryError."""
        if self.chat is None:
            raise DeliveryError("no_group")
        await self._pace.admit(str(self.chat))
        try:
            try:
                done = await request(self.chat)
            except ChatMigrated as error:
                self.moved(self.chat, error.new_chat_id)
                done = await request(self.chat)
        except TelegramError as error:
            raise delivery_error(error) from None
        self.is_found = True
        return done


def _why(error: Exception) -> str:
    """What to look at, for the log."""
    answered = isinstance(error, BadRequest | Forbidden)
    return "check_FIRSTLINE_TELEGRAM_ADVISERS_and_add_the_bot" if answered else "not_answered"


def _accept(case: int | None) -> InlineKeyboardMarkup | None:
    if case is None:
        return None
    return InlineKeyboardMarkup.from_button(InlineKeyboardButton(ACCEPT_TITLE, callback_data=f"{ACCEPT}{case}"))
