"""Plays a script through the real engine, as a turn would: guard, gate, triage, actions, and a saved conversation."""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import msgspec

from bot.actions.runner import ActionRunner
from bot.conversation_tests.heard import Heard, Spoken, fits_payload
from bot.conversation_tests.reading import pressed_slots
from bot.conversation_tests.script import REMINDERS, Script, UserStep
from bot.domain import (
    ActionDone,
    ActionWanted,
    CaseEnded,
    Conversation,
    MediaRefused,
    Offer,
    Opened,
    Outcome,
    Pressed,
    Reminder,
    Reply,
    Said,
    Token,
)
from bot.domain import Heard as ToHear
from bot.engine import advance, begin
from bot.engine.render import render
from bot.engine.walk import shown
from bot.engine.words import normal
from bot.hearing import prepared
from bot.shelf import Kept
from handoff.hours import DAYS, OpeningHours, week_from

STARTED_AT = datetime(2026, 7, 6, 12, 0, tzinfo=UTC)
"""When tests happen that do not say when: a Monday."""
CHANNEL = "web"
REFERENCE = "TEST"
ALWAYS = OpeningHours("UTC", week_from("; ".join(f"{day} 00:00-00:00" for day in DAYS)))
MAX_ACTIONS = 10
Walked = set[tuple[str, str]]
"""(`flow/step`, "" or `value` of the choice)."""


class CannotPlayError(Exception):
    """The enquirer cannot do that here."""


@dataclass(slots=True)
class Player:
    """One conversation of one script."""

    kept: Kept
    script: Script
    conversation: Conversation
    now: datetime
    walked: Walked

    def play(self, step: UserStep) -> Heard:
        """Raises: CannotPlayError."""
        self.now += timedelta(seconds=1)
        heard = self.to_hear(step)
        before = Heard()
        if self.script.slots and not (self.conversation.stack or self.conversation.offered):
            before = self.begin_with_slots()
            heard = self.to_hear(step)
        return before + self.hear(self.prepared(heard))

    def prepared(self, heard: ToHear) -> ToHear:
        kept = self.kept
        return prepared(heard, kept.library, kept.keeper, kept.words.known, self.conversation)

    def begin_with_slots(self) -> Heard:
        """The greeting, said to someone whose fixture has answered already; questions so answered are passed."""
        greeted = self.hear(Opened(self.now))
        slots = {**self.conversation.slots, **dict(self.script.slots)}
        self.conversation = replace(self.conversation, slots=slots, waiting=False)
        return greeted + self.hear(Opened(self.now))

    def hear(self, heard: ToHear) -> Heard:
        asked = self.asked()
        outcome = advance(self.kept.library, self.conversation, heard)
        happened = self.happened(outcome)
        for _ in range(MAX_ACTIONS):
            if outcome.action is None:
                break
            done = self.action(outcome.action.action, outcome.conversation)
            outcome = advance(self.kept.library, outcome.conversation, done)
            happened += self.happened(outcome)
        answered = len(self.conversation.answers)
        self.note(asked, happened, outcome.conversation, answered)
        self.conversation = reloaded(outcome.conversation)
        if self.conversation.ended:
            self.conversation = replace(begin(self.kept.library), language=self.conversation.language)
        return happened

    def happened(self, outcome: Outcome) -> Heard:
        offers = {offer.token: offer for offer in outcome.conversation.offers}
        spoken = tuple(self.spoken(reply, offers.values()) for reply in outcome.replies)
        return Heard(outcome.events, spoken, outcome.hand_over, outcome.trouble)

    def spoken(self, reply: Reply, offers: Iterable[Offer]) -> Spoken:
        words = render(self.kept.library, reply, CHANNEL, self.now.date())
        known = {offer.token: offer for offer in offers}
        choices = tuple(known.get(token, Offer(token, title)) for token, title in reply.choices)
        return Spoken(reply.response, words.text, choices)

    # --- what the enquirer does --------------------------------------------------------------------------------------

    def to_hear(self, step: UserStep) -> ToHear:
        if step.media:
            left, taken_out = step.chat == "left", step.chat == "taken_out"
            return MediaRefused(step.media, self.now, left_in_chat=left, taken_out=taken_out)
        if step.case:
            if not self.conversation.with_people:
                raise CannotPlayError("no adviser has this conversation")
            return CaseEnded(self.now, step.case == "closed", REFERENCE)
        if step.reminder:
            if self.conversation.with_people:
                raise CannotPlayError("nobody is reminded of anything while people have the word")
            pattern, about = REMINDERS[step.reminder]
            return Reminder(self.now, pattern, (("reference", REFERENCE), *about), "tiktok")
        text = step.text.strip()
        if text == "/session_start":
            return Opened(self.now, step.flow)
        pressed = self.pressed(text)
        return Pressed(pressed, self.now) if pressed else Said(step.text, self.now)

    def pressed(self, text: str) -> Token | None:
        """The button these words of a script press; None when they are typed words. Raises: CannotPlayError."""
        if not text.startswith("/"):
            return None
        intent = self.kept.library.by_intent.get(text[1:])
        if pressed_slots(text) is None and intent is None:
            return None
        if intent and intent.startswith("pattern_"):
            return Token(f"!{text[1:]}")
        payload = f"/{intent}" if intent else text
        found = [offer for offer in self.conversation.offers if fits_payload(payload, offer)]
        if found:
            return min(found, key=lambda offer: offer.dont_know).token
        if intent and not self.conversation.offers:
            return None
        offered = ", ".join(f"{offer.title} ({_meaning(offer)})" for offer in self.conversation.offers) or "nothing"
        raise CannotPlayError(f"no button on offer does {text}; on offer: {offered}")

    def action(self, name: str, conversation: Conversation) -> ActionDone:
        stub = self.script.stubs.get(name)
        if stub:
            return ActionDone(name, self.now, stub.slots, stub.responses, stub.failed)
        words = self.kept.strings(conversation.language)
        wanted = ActionWanted(name)
        return asyncio.run(_RUNNER.run(wanted, self.kept.library, words, conversation, self.now))

    # --- what was walked ---------------------------------------------------------------------------------------------

    def asked(self) -> str | None:
        if not (self.conversation.waiting and self.conversation.stack):
            return None
        frame = self.conversation.stack[-1]
        return f"{frame.flow}/{frame.step}"

    def note(self, asked: str | None, happened: Heard, after: Conversation, answered: int) -> None:
        self.walked |= {(what, "") for kind, what in happened.events if kind == "step"}
        self.walked |= {(f"{each.flow}/{each.step}", shown(each.value)) for each in after.answers[answered:]}
        if asked:
            sets = [what.partition("=") for kind, what in happened.events if kind == "slot_set"]
            self.walked |= {(asked, value) for _, _, value in sets[:1]}


def player(kept: Kept, script: Script, walked: Walked) -> Player:
    return Player(kept, script, begin(kept.library), script.now or STARTED_AT, walked)


def reloaded(conversation: Conversation) -> Conversation:
    """What a turn finds that reads the conversation from disk again."""
    return _decode(_encode(conversation))


def _meaning(offer: Offer) -> str:
    sets = ", ".join(f"{name}={shown(value)}" for name, value in offer.sets)
    return f"/SetSlots({sets})" if sets else f"/{offer.command or offer.flow or normal(offer.title)}"


_RUNNER = ActionRunner(ALWAYS)
_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Conversation).decode
