"""Takes in what Telegram reports: each update once it is durable, the courtesies beside it."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from functools import partial

import structlog
from telegram import Bot, CallbackQuery, LinkPreviewOptions, Message, Update
from telegram.constants import ChatAction, ParseMode
from telegram.error import BadRequest, TelegramError

from bot.channels.contract import TELEGRAM, House, Taken
from bot.channels.markup import to_telegram
from bot.channels.telegram.advisers import AdvisersGroup
from bot.channels.telegram.afterwards import COURTESY_S, Afterwards
from bot.channels.telegram.in_turn import InTurn
from bot.channels.telegram.messages import chosen
from bot.channels.telegram.updates import (
    AcceptPress,
    Blocked,
    Decline,
    Ignored,
    Moved,
    Unblocked,
    chat_of,
    deleted,
    turn_from,
)
from bot.domain import MediaRefused, Pressed, Turn

log = structlog.get_logger()

TYPING_AFTER_S = 1.0
POISON_TRIES = 5
"""An update that a fault of ours lets fail so often is left out, so that the chat can go on."""
MAX_FAILING = 1_000
"""So many failing updates are counted at a time."""
NO_PREVIEW = LinkPreviewOptions(is_disabled=True)
_ALREADY_GONE = "message to delete not found"


class Receiving:
    def __init__(
        self,
        bot: Bot,
        house: House,
        group: AdvisersGroup,
        afterwards: Afterwards,
        counts: Counter[str],
        now: Callable[[], datetime],
        house_down: tuple[type[Exception], ...],
    ) -> None:
        self._bot = bot
        self._house = house
        self._group = group
        self._afterwards = afterwards
        self._counts = counts
        self._now = now
        self._house_down = house_down
        self._in_turn = InTurn()
        self._failing: Counter[int] = Counter()
        self._leaving: set[int] = set()
        self.link = ""
        """Where a person finds the bot by itself; empty until Telegram has told us its name."""

    async def receive_all(self, updates: Sequence[Update]) -> set[int]:
        """The updates of one chat, in order. Returns the numbers of those that are durable (or need not be): up to
        the first that could not be kept."""
        removals = {each.update_id: asyncio.create_task(self._taken_out(each)) for each in updates if self._media(each)}
        done: set[int] = set()
        try:
            for update in updates:
                await self.receive(update, removals.get(update.update_id))
                done.add(update.update_id)
        except Exception as error:  # whatever it was, this update comes again and those after it wait for it
            log.warning("telegram.not_kept", error=type(error).__name__)
            self._counts["not_kept"] += 1
        finally:
            for removal in removals.values():
                removal.cancel()
        return done

    async def receive(self, update: Update, removal: Awaitable[bool] | None = None) -> None:
        """Returns once the update is durable. `removal` is under way already for something refused.

        Raises: what the house raises when nothing could be kept; any other fault, until it happened too often.
        """
        chat = chat_of(update)
        try:
            async with self._in_turn.of(chat.id if chat else 0):
                await self._act(update, removal)
        except self._house_down:
            raise
        except Exception as error:
            if not self._is_poison(update.update_id):
                raise
            self._counts["poison"] += 1
            log.error("telegram.poison", number=update.update_id, error=type(error).__name__)
        self._failing.pop(update.update_id, None)

    def _is_poison(self, number: int) -> bool:
        if len(self._failing) >= MAX_FAILING:
            self._failing.clear()
        self._failing[number] += 1
        return self._failing[number] >= POISON_TRIES

    async def _act(self, update: Update, removal: Awaitable[bool] | None) -> None:
        match turn_from(update, self._now(), self._group.chat):
            case Turn(heard=MediaRefused()) as turn:
                await self._take(deleted(turn, out=await (removal or self._taken_out(update))))
            case Turn(heard=Pressed()) as turn if update.callback_query:
                self._answer_press(update.callback_query, await self._take(turn))
            case Turn() as turn:
                await self._take(turn)
            case AcceptPress() as press:
                await self._group.pressed(press)
            case Decline(chat=chat):
                self._decline(chat)
            case Blocked(address=address):
                await self._house.lost(TELEGRAM, address, "blocked")
            case Unblocked(address=address):
                await self._house.regained(TELEGRAM, address)
            case Moved(before=before, now=now):
                self._counts["group_moved"] += 1
                self._group.moved(before, now)
            case Ignored(kind=kind):
                self._ignore(update, kind)

    async def _take(self, turn: Turn) -> Taken:
        """While it takes long, the enquirer sees that something is coming."""
        typing = partial(self._bot.send_chat_action, turn.address, ChatAction.TYPING)
        later = asyncio.get_running_loop().call_later(TYPING_AFTER_S, self._afterwards.do, typing)
        try:
            return await self._house.take(turn)
        finally:
            later.cancel()

    def _ignore(self, update: Update, kind: str) -> None:
        """A button that is none of ours is let go of, or it would seem to be working for ever."""
        self._counts[kind] += 1
        if update.callback_query:
            self._afterwards.do(partial(self._bot.answer_callback_query, update.callback_query.id))

    # --- pictures and the like ---------------------------------------------------------------------------------------

    def _media(self, update: Update) -> bool:
        meaning = turn_from(update, self._now(), self._group.chat)
        return isinstance(meaning, Turn) and isinstance(meaning.heard, MediaRefused)

    async def _taken_out(self, update: Update) -> bool:
        """Tries once to delete what was sent from the chat. What is not there any more counts as taken out."""
        message = update.effective_message
        if message is None:
            return False
        try:
            async with asyncio.timeout(COURTESY_S):
                return await self._bot.delete_message(message.chat.id, message.message_id)
        except BadRequest as error:
            if error.message.lower() == _ALREADY_GONE:
                return True
            self._counts["not_deleted"] += 1
        except (TelegramError, TimeoutError):
            self._counts["not_deleted"] += 1
        return False

    # --- buttons -----------------------------------------------------------------------------------------------------

    def _answer_press(self, query: CallbackQuery, taken: Taken) -> None:
        self._afterwards.do(partial(self._bot.answer_callback_query, query.id))
        message = query.message
        if isinstance(message, Message) and message.text:  # else it is too old to be changed
            self._afterwards.do(partial(self._settle_keyboard, message, taken.kept))

    async def _settle_keyboard(self, message: Message, title: str | None) -> None:
        """The choice made stands where the buttons were; an old button's are only taken away."""
        chat, number = message.chat.id, message.message_id
        if title:
            try:
                await self._bot.edit_message_text(
                    chosen(message.text_html, title),
                    chat,
                    number,
                    parse_mode=ParseMode.HTML,
                    link_preview_options=NO_PREVIEW,
                )
                return
            except BadRequest:  # no room for another line, say
                self._counts["choice_not_shown"] += 1
        await self._bot.edit_message_reply_markup(chat, number)

    # --- groups ------------------------------------------------------------------------------------------------------

    def _decline(self, chat: int) -> None:
        """Once for each group, however much is said there before we are gone."""
        self._counts["declined_group"] += 1
        if chat not in self._leaving:
            self._leaving.add(chat)
            self._afterwards.do(partial(self._leave, chat))

    async def _leave(self, chat: int) -> None:
        words = to_telegram(self._house.words("utter_no_groups"))
        text = f"{words}\n\n{self.link}" if self.link else words
        try:
            await self._bot.send_message(chat, text, parse_mode=ParseMode.HTML, link_preview_options=NO_PREVIEW)
        finally:
            try:
                await self._bot.leave_chat(chat)
            finally:
                self._leaving.discard(chat)
