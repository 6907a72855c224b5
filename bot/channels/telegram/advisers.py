"""The advisers' group on Telegram: that a case waits, and a button to accept it. Nothing an enquirer said."""

from collections import Counter
from collections.abc import Awaitable, Callable
from functools import partial
from typing import TypeVar

import structlog
from telegram import Bot, InlineKeyboardButton, InlineKeyboardMarkup, LinkPreviewOptions
from telegram.error import BadRequest, ChatMigrated, TelegramError

from bot.channels.pace import Pace
from bot.channels.telegram.afterwards import Afterwards
from bot.channels.telegram.faults import delivery_error
from bot.channels.telegram.messages import cut
from bot.channels.telegram.updates import ACCEPT, AcceptPress
from bot.errors import DeliveryError

log = structlog.get_logger()
T = TypeVar("T")

MAX_ALERT = 200
"""Characters of what is shown to who pressed."""
ACCEPT_TITLE = "Accept"
NO_PREVIEW = LinkPreviewOptions(is_disabled=True)
_UNCHANGED = "message is not modified"


class AdvisersGroup:
    """`chat` is the group's number, None where there is no group. It follows a group that became a larger one."""

    def __init__(self, bot: Bot, chat: int | None, pace: Pace, afterwards: Afterwards, counts: Counter[str]) -> None:
        self.chat = chat
        self.accept: Callable[[int, int], Awaitable[str]] | None = None
        self._bot = bot
        self._pace = pace
        self._afterwards = afterwards
        self._counts = counts

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
            log.warning("telegram.advisers_moved", reason="change_FIRSTLINE_TELEGRAM_ADVISERS")

    async def _asked(self, request: Callable[[int], Awaitable[T]]) -> T:
        """The request, made again where the group has just moved. Raises: DeliveryError."""
        if self.chat is None:
            raise DeliveryError("no_group")
        await self._pace.admit(str(self.chat))
        try:
            try:
                return await request(self.chat)
            except ChatMigrated as error:
                self.moved(self.chat, error.new_chat_id)
                return await request(self.chat)
        except TelegramError as error:
            raise delivery_error(error) from None


def _accept(case: int | None) -> InlineKeyboardMarkup | None:
    if case is None:
        return None
    return InlineKeyboardMarkup.from_button(InlineKeyboardButton(ACCEPT_TITLE, callback_data=f"{ACCEPT}{case}"))
