"""`firstline serve` as people in WhatsApp and an adviser at the desk use it."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from bot.domain import MAX_TURNS_IN_WINDOW
from tests.fakes.whatsapp import FakeWhatsApp
from tests.fakes.whatsapp_people import Person, Sent
from tests.fakes.whatsapp_rules import Template
from tests.fakes.whatsapp_webhooks import Push, Signing
from tests.served import Desk, Served, add_adviser, desk_of, serving

WEBHOOK = "/webhooks/whatsapp"
VERIFY = "a-word-to-verify"
TEMPLATE = "answer_waits"


@asynccontextmanager
async def served_with(fake: FakeWhatsApp, folder: Path) -> AsyncIterator[Served]:
    fake.templates[(TEMPLATE, "en_GB")] = Template()
    async with serving(
        folder,
        whatsapp_token=fake.token,
        whatsapp_phone_id=fake.phone_id,
        whatsapp_app_secret=fake.app_secret,
        whatsapp_verify_token=VERIFY,
        whatsapp_api=fake.url,
        whatsapp_template=TEMPLATE,
    ) as served:
        fake.webhook_url = f"{served.url}{WEBHOOK}"
        yield served


@dataclass
class Talk:
    """Somebody in WhatsApp, who waits for what the bot says before going on."""

    fake: FakeWhatsApp
    me: Person

    @property
    def heard(self) -> list[Sent]:
        return self.fake.sent(self.me)

    async def hears(self, words: str, act: Callable[[], object]) -> str:
        """What the bot says next, up to the message with these words."""
        before = len(self.heard)
        act()
        try:
            await self.fake.until(lambda: any(words in sent.text for sent in self.heard[before:]))
        except AssertionError:
            raise AssertionError(f"{words!r} is not in {[sent.text for sent in self.heard[before:]]}") from None
        return "\n".join(sent.text for sent in self.heard[before:])

    async def presses(self, title: str, words: str) -> str:
        return await self.hears(words, lambda: self.me.presses(title))

    async def says(self, text: str, words: str) -> str:
        return await self.hears(words, lambda: self.me.says(text))


async def test_enquirers_and_an_adviser_are_served(tmp_path: Path) -> None:
    async with FakeWhatsApp() as fake, served_with(fake, tmp_path) as served:
        fake.webhooks.in_order = False  # Meta holds nobody's back for another's
        assert await fake.verify(VERIFY) == (200, fake.webhooks.challenge)
        async with desk_of(served, await add_adviser(tmp_path)) as desk, asyncio.TaskGroup() as people:
            people.create_task(walks_by_pressing(Talk(fake, fake.person())))
            people.create_task(types_and_meets_an_adviser(Talk(fake, fake.person()), desk))
            people.create_task(sends_pictures(Talk(fake, fake.person())))
            people.create_task(floods(fake, fake.person()))
        assert fake.media_calls == []
        log = "\n".join(served.log)
        assert fake.token not in log
        assert fake.app_secret not in log
        assert served.counted("SELECT count(*) FROM conversation WHERE referrer = 'school42'") == 2


async def walks_by_pressing(ann: Talk) -> None:
    """Three answers are buttons, ten a list."""
    await ann.says("/start reputation-school42", "in danger")
    first = ann.heard[-1]
    assert [choice.title for choice in first.buttons] == ["No", "Yes", "Not sure"]
    await ann.presses("No", "What best describes you?")
    assert len(ann.heard[-1].rows) == 10
    await ann.presses(ann.heard[-1].titles[0], "Where do you work?")
    await ann.presses("England", "Is it about this")
    await ann.presses(ann.heard[-1].titles[0], "a threat, a home address")
    assert "Do now" in await ann.presses("No", "Keep evidence")
    record = await ann.says("/record", "Record of advice")
    assert "Teacher or school staff" in record
    await ann.hears("", lambda: ann.me.presses("Yes", of=first))


async def types_and_meets_an_adviser(bob: Talk, desk: Desk) -> None:
    await bob.says("/start reputation-school42", "in danger")
    await bob.says("no", "What best describes you?")
    await bob.says("1", "Where do you work?")
    await bob.says("england", "Is it about this")
    await bob.says("1", "a threat, a home address")
    assert "Do now" in await bob.says("2", "Keep evidence")
    await bob.says("talk to a person", "Shall we pass this to an adviser?")
    await bob.says("yes", "in the queue")
    case = await desk.next_waiting()
    await desk.claim(case)
    await talk_both_ways(bob, desk, case)
    await is_answered_after_the_window_closed(bob, desk, case)
    await bob.hears("back with the bot", lambda: asyncio.create_task(desk.gives_back(case)))
    await bob.says("/help", "")


async def talk_both_ways(bob: Talk, desk: Desk, case: int) -> None:
    assert "WhatsApp: you can answer for" in (await desk.case(case)).text
    await bob.hears("Which page", lambda: asyncio.create_task(desk.says(case, "Which page is it on?")))
    await desk.shows(case, "Which page is it on? Delivered")
    bob.fake.reads(bob.me)
    await desk.shows(case, "Which page is it on? Read")
    said = len(bob.heard)
    bob.me.says("The post is on a local page")
    await desk.shows(case, "The post is on a local page")
    assert len(bob.heard) == said, "the bot is silent while an adviser speaks"


async def is_answered_after_the_window_closed(bob: Talk, desk: Desk, case: int) -> None:
    bob.fake.closes_window(bob.me)
    await bob.hears("Reply OPEN", lambda: asyncio.create_task(desk.says(case, "Here is what to do next.")))
    page = await desk.shows(case, "Waiting: we asked them to reply")
    assert "reply window is closed" in page.text
    assert bob.heard[-1].kind == "template"
    await bob.says("OPEN", "Here is what to do next.")
    await desk.shows(case, "Here is what to do next. Delivered", "OPEN")
    assert [sent.text for sent in bob.heard].count("Here is what to do next.") == 1


async def sends_pictures(cat: Talk) -> None:
    """Several in a row are one thing, refused once; a place is refused in its own words."""
    await cat.says("hello", "in danger")
    said = len(cat.heard)
    pushes = [*cat.me.sends_album(3, caption="look"), cat.me.sends_voice(), cat.me.sends_location()]
    for push in pushes:
        assert (await push).answers == [200]
    await cat.says("no", "What best describes you?")
    assert len(cat.heard) == said + 3
    assert "look" not in "\n".join(sent.text for sent in cat.heard)


async def floods(fake: FakeWhatsApp, flood: Person) -> None:
    """Everybody else gets their answers meanwhile."""
    pushes: list[Push] = []
    for body in range(10):
        with fake.webhooks.together():
            pushes += [flood.says(f"message {body}-{number}") for number in range(50)]
    for push in pushes:
        assert (await push).answers == [200]
    assert len(fake.sent(flood)) <= MAX_TURNS_IN_WINDOW + 1, "a flood is not answered with a flood"


async def test_what_is_not_signed_or_cannot_be_read_is_refused_and_counted(tmp_path: Path) -> None:
    async with FakeWhatsApp() as fake, served_with(fake, tmp_path) as served:
        assert (await fake.verify("guessed"))[0] == 403
        sam = Talk(fake, fake.person())
        for signing in (Signing.NONE, Signing.WRONG, Signing.RESERIALISED):
            fake.webhooks.signing = signing
            assert (await sam.me.says("hello/there")).answers == [401]
        fake.webhooks.signing = Signing.RIGHT
        assert (await fake.push_bytes(b'{"object": "whatsapp')).answers == [400]
        assert (await fake.push_too_big()).answers == [413]
        assert (await fake.push_bytes(b'{"object": "page"}')).answers == [200]
        metrics = await served.metrics()
        for kind, count in (("unsigned", 3), ("malformed", 1), ("too_large", 1), ("other_object", 1)):
            assert f'firstline_channel_passed_over_total{{channel="whatsapp",kind="{kind}"}} {count}.0' in metrics
        assert fake.sent() == []
        await sam.says("hello", "in danger")
