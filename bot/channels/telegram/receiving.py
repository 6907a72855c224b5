"""Takes in what Telegram reports: each update once it is durable, the courtesies beside it."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from datetime import datetime
from functools import partial

import structlog
from telegram import Bot, CallbackQuery, Chat, Message, Update
from telegram.constants import ChatAction, ParseMode
from telegram.error import BadRequest, TelegramError

from bot.channels.contract import TELEGRAM, House, Taken
from bot.channels.markup import to_telegram
from bot.channels.telegram.advisers import AdvisersGroup
from bot.channels.telegram.afterwards import COURTESY_S, Afterwards
from bot.channels.telegram.in_turn import InTurn
from bot.channels.telegram.messages import NO_PREVIEW, chosen
from bot.channels.telegram.updates import (
    AcceptPress,
    Blocked,
    Decline,
    Ignored,
    Meaning,
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
        self._apologised: set[int] = set()
        """Chats that were told, since anything of theirs was kept, that something was not."""
        self._leaving: set[int] = set()
        self.link = ""
        """Where a person finds the bot by itself; empty until Telegram has told us its name."""

    async def receive_all(self, updates: Sequence[Update]) -> AsyncIterator[int]:
        """The updates of one chat, in order: gives the number of each as soon as it is durable (or need not be), up to
        the first that could not be kept."""
        removals = {each.update_id: asyncio.create_task(self._taken_out(each)) for each in updates if self._media(each)}
        try:
            for update in updates:
                await self.receive(update, removals.get(update.update_id))
                yield update.update_id
        except Exception as error:  # whatever it was, this update comes again and those after it wait for it
            log.warning("telegram.not_kept", error=type(error).__name__)
            self._counts["not_kept"] += 1
        finally:
            for removal in removals.values():
                removal.cancel()

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
            log.error("telegram.poison", number=update.update_id, error=type(error).__name__)
            self._leave_out(update)
        else:
            self._apologised.discard(chat.id if chat else 0)
        self._failing.pop(update.update_id, None)

    def _is_poison(self, number: int) -> bool:
        if len(self._failing) >= MAX_FAILING:
            self._failing.clear()
        self._failing[number] += 1
        return self._failing[number] >= POISON_TRIES

    def _leave_out(self, update: Update) -> None:
        """Whoever wrote it is told that it was not kept: once, however many follow."""
        self._counts["poison"] += 1
        chat = chat_of(update)
        if update.callback_query:
            self._let_go(update.callback_query)
        if chat and chat.type == Chat.PRIVATE and not update.my_chat_member and chat.id not in self._apologised:
            if len(self._apologised) >= MAX_FAILING:
                self._apologised.clear()
            self._apologised.add(chat.id)
            self._afterwards.do(partial(self._apologise, chat.id))

    async def _apologise(self, chat: int) -> None:
        words = to_telegram(self._house.apology())
        await self._bot.send_message(chat, words, parse_mode=ParseMode.HTML, link_preview_options=NO_PREVIEW)

    async def _act(self, update: Update, removal: Awaitable[bool] | None) -> None:
        match await self._meaning(update):
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

    async def _meaning(self, update: Update) -> Meaning:
        """While nobody knows where the advisers' group is, a group may be it: then it is asked for first."""
        meaning = turn_from(update, self._now(), self._group.numbers)
        if isinstance(meaning, Decline) and not self._group.is_found:
            await self._group.find()
            meaning = turn_from(update, self._now(), self._group.numbers)
        return meaning

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
            self._let_go(update.callback_query)

    def _let_go(self, query: CallbackQuery) -> None:
        self._afterwards.do(partial(self._bot.answer_callback_query, query.id))

    # --- pictures and the like ---------------------------------------------------------------------------------------

    def _media(self, update: Update) -> bool:
        meaning = turn_from(update, self._now(), self._group.numbers)
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
        """A question that was not answered (too fast, or a fault of ours) stays as it is, to be answered."""
        self._let_go(query)
        message = query.message
        if not isinstance(message, Message) or not message.text:  # it is too old to be changed
            return
        if taken.old_button:
            self._afterwards.do(partial(self._without_keyboard, message))
        elif taken.kept:
            self._afterwards.do(partial(self._with_choice, message, taken.kept))

    async def _with_choice(self, message: Message, title: str) -> None:
        """The choice made stands where the buttons were."""
        try:
            await self._bot.edit_message_text(
                chosen(message.text_html, title),
                message.chat.id,
                message.message_id,
                parse_mode=ParseMode.HTML,
                link_preview_options=NO_PREVIEW,
            )
        except BadRequest:  # no room for another line, say
            self._counts["choice_not_shown"] += 1
            await self._without_keyboard(message)

    async def _without_keyboard(self, message: Message) -> None:
        await self._bot.edit_message_reply_markup(message.chat.id, message.message_id)

    # --- groups ------------------------------------------------------------------------------------------------------

    def _decline(self, chat: int) -> None:
        """Once for each group, however much is said there before we are gone; but none that may be the advisers'."""
        if not self._group.is_found:
            self._counts["group_in_doubt"] += 1
            return
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
