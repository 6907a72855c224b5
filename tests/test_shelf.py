"""Library versions: one is live for new conversations, and every running one stays on its own."""

from datetime import timedelta

import pytest

from bot import shelf as shelf_module
from bot.domain import LibraryVersion
from bot.errors import LibraryInvalid, UnknownVersion
from bot.shelf import Shelf
from tests.builders import NOON
from tests.small_house import SmallHouse, small_library

LATER = NOON + timedelta(minutes=5)


def changed() -> dict[str, bytes]:
    """The small helpline, which now greets and asks otherwise."""
    files = small_library()
    assert b"Hello." in files["flows/patterns.yml"]
    return {
        name: data.replace(b"Hello.", b"Good day.").replace(b"Where are you?", b"Which nation?")
        for name, data in files.items()
    }


def test_a_new_house_publishes_what_it_came_with(house: SmallHouse) -> None:
    (only,) = house.firstline.shelf.versions()
    assert (only.number, only.note, only.published_at) == (1, "as installed", NOON)
    assert house.firstline.shelf.live().library.version == only.version


def test_the_newest_is_live_and_the_list_begins_with_it(house: SmallHouse) -> None:
    shelf = house.firstline.shelf
    first = shelf.live().library.version
    second = shelf.publish(changed(), "other words", LATER)
    assert shelf.live().library.version == second.version != first
    assert [(each.number, each.version, each.note) for each in shelf.versions()] == [
        (2, second.version, "other words"),
        (1, first, "as installed"),
    ]


def test_the_same_files_have_the_same_version_and_are_kept_once(house: SmallHouse) -> None:
    shelf = house.firstline.shelf
    again = shelf.publish(small_library(), "the same", LATER)
    assert {each.version for each in shelf.versions()} == {again.version}
    assert house.counts("library_version", "library_files") == (1, 1), "what is live already is not published again"


async def test_a_running_conversation_stays_on_its_version_after_publishing(house: SmallHouse) -> None:
    assert "Hello." in await house.say("hello", "ann")
    house.firstline.shelf.publish(changed(), "", LATER)
    assert "Where are you?" in await house.say("No", "ann")
    assert "Good day." in await house.say("hello", "ben")
    assert "Which nation?" in await house.say("No", "ben")


async def test_a_running_conversation_stays_on_its_version_after_rolling_back(house: SmallHouse) -> None:
    shelf = house.firstline.shelf
    first = shelf.live().library.version
    shelf.publish(changed(), "", LATER)
    assert "Good day." in await house.say("hello", "ben")
    back = shelf.roll_back(first, "unclear", LATER)
    assert (back.number, back.version) == (3, first)
    assert "Which nation?" in await house.say("No", "ben")
    assert "Hello." in await house.say("hello", "ann")


async def test_words_said_before_publishing_are_shown_again_as_they_were(house: SmallHouse) -> None:
    await house.say("hello", "ann", id_="one")
    house.firstline.shelf.publish(changed(), "", LATER)
    assert "Hello." in await house.say("hello", "ann", id_="one")


async def test_another_process_s_publishing_is_seen_at_once(house: SmallHouse) -> None:
    Shelf(house.firstline.ledger).publish(changed(), "", LATER)
    assert "Good day." in await house.say("hello")


def test_a_version_is_loaded_once_and_another_shelf_loads_it_for_itself(
    house: SmallHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    loads: list[int] = []
    really = shelf_module.opened
    monkeypatch.setattr(shelf_module, "opened", lambda files: loads.append(1) or really(files))
    shelf = Shelf(house.firstline.ledger)
    kept = shelf.live()
    assert shelf.live() is kept
    assert shelf.pinned(kept.library.version) is kept
    assert loads == [1]


def test_an_unknown_version_is_told(house: SmallHouse) -> None:
    shelf = house.firstline.shelf
    with pytest.raises(UnknownVersion, match="0123456789ab"):
        shelf.pinned(LibraryVersion("0123456789ab"))
    with pytest.raises(UnknownVersion, match="0123456789ab"):
        shelf.roll_back("0123456789ab", "", LATER)
    assert len(shelf.versions()) == 1


def test_files_that_do_not_load_are_not_published(house: SmallHouse) -> None:
    shelf = house.firstline.shelf
    live = shelf.live()
    with pytest.raises(LibraryInvalid, match=r"flows/broken\.yml:1:"):
        shelf.publish({**small_library(), "flows/broken.yml": b"flows: 3\n"}, "", LATER)
    assert shelf.live() is live
    assert house.counts("library_version", "library_files") == (1, 1)


def test_an_empty_shelf_says_what_to_do(house: SmallHouse) -> None:
    house.firstline.ledger.write_now(lambda db: db.execute("DROP TABLE library_version"))
    house.firstline.ledger.write_now(
        lambda db: db.execute("CREATE TABLE library_version (number INTEGER, version, published_at, note)")
    )
    with pytest.raises(UnknownVersion, match="firstline publish"):
        Shelf(house.firstline.ledger).live()


def test_what_the_front_end_says_falls_back_to_english() -> None:
    files = small_library() | {
        "content/interface/en.json": b'{"send": "Send", "stop": "Stop"}',
        "content/interface/cy.json": b'{"send": "Anfon", "stop": ""}',
    }
    kept = shelf_module.opened(files)
    assert kept.strings("cy") == {"send": "Anfon", "stop": "Stop"}
    assert kept.strings("fr") == {"send": "Send", "stop": "Stop"}
