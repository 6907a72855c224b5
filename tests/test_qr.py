"""Links and QR codes: `firstline qr` makes what the channels read back, and refuses what nobody could scan."""

import json
import re
import xml.etree.ElementTree as ET
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from pydantic import SecretStr

from bot.channels.contract import TELEGRAM, WHATSAPP
from bot.channels.links import MAX_CHARACTERS
from bot.channels.telegram import updates
from bot.channels.whatsapp import hook
from bot.cli import main
from bot.config import Settings
from bot.domain import Heard, Opened, Turn
from bot.library.load import load_files
from bot.library.model import Library
from bot.qr import Aim, CannotLink, aimed, drawn, link_of, save, telegram_link, web_link, whatsapp_link
from tests.builders import NOON
from tests.fakes.telegram import FakeTelegram
from tests.small_house import small_library

CHAT = "https://chat.example.org"


@pytest.fixture(scope="module")
def library() -> Library:
    loaded = load_files(small_library()).library
    assert loaded
    return loaded


@pytest.fixture(scope="module")
def flow(library: Library) -> str:
    return next(each.id for each in library.flows.values() if not each.is_pattern)


# --- the links -------------------------------------------------------------------------------------------------------


def heard_on_telegram(link: str) -> Heard:
    payload = parse_qs(urlsplit(link).query).get("start", [""])[0]
    assert re.fullmatch(r"[A-Za-z0-9_-]{0,64}", payload), "Telegram takes no other signs"
    chat = {"id": 7, "type": "private", "first_name": "A"}
    message = {"message_id": 1, "date": 0, "chat": chat, "text": f"/start {payload}".strip()}
    update = updates.read({"update_id": 1, "message": message})
    assert update
    turn = updates.turn_from(update, NOON)
    assert isinstance(turn, Turn)
    return turn.heard


def heard_on_whatsapp(link: str) -> Heard:
    words = parse_qs(urlsplit(link).query)["text"][0]
    message = {"from": "447700900001", "id": "wamid.1", "timestamp": "0", "type": "text", "text": {"body": words}}
    value = {"metadata": {"phone_number_id": "1"}, "messages": [message]}
    entry = {"id": "2", "changes": [{"field": "messages", "value": value}]}
    (turn,) = hook.read({"object": "whatsapp_business_account", "entry": [entry]}, "1", NOON).turns
    return turn.heard


@pytest.mark.parametrize("referrer", [None, "school42", "north-west_9"])
@pytest.mark.parametrize("named", [True, False])
def test_what_a_link_carries_is_read_back_by_the_channel_as_it_was_meant(
    library: Library, flow: str, named: bool, referrer: str | None
) -> None:
    aim = aimed(library, flow if named else None, referrer)
    meant = Opened(NOON, flow if named else None, None, referrer)
    assert heard_on_telegram(telegram_link("our_help_bot", aim)) == meant
    assert heard_on_whatsapp(whatsapp_link("441632960000", aim)) == meant


def test_a_code_is_counted_in_small_letters_however_it_was_typed(library: Library) -> None:
    assert aimed(library, None, "School42") == aimed(library, None, "school42")


@pytest.mark.parametrize(
    ("given", "number"),
    [("+44 (1632) 960-000", "441632960000"), ("00441632960000", "441632960000"), ("441632960000", "441632960000")],
)
def test_a_number_may_be_written_as_people_write_it(given: str, number: str) -> None:
    assert whatsapp_link(given, Aim(None, None)) == f"https://wa.me/{number}?text=%2Fstart"


@pytest.mark.parametrize("given", ["01632 960000", "help", "", "12345", "4" * 16])
def test_a_number_without_its_country_is_refused(given: str) -> None:
    with pytest.raises(CannotLink, match="country code"):
        whatsapp_link(given, Aim(None, None))


@pytest.mark.parametrize("given", ["our_help_bot", "@our_help_bot", " our_help_bot "])
def test_a_bot_may_be_named_with_its_sign(given: str) -> None:
    assert telegram_link(given, Aim("bullying", "x1")) == "https://t.me/our_help_bot?start=bullying-x1"


@pytest.mark.parametrize("given", ["", "https://t.me/our_bot", "9bot", "a b", "x" * 33, "our_bot?start=other"])
def test_what_is_no_bots_name_is_refused(given: str) -> None:
    with pytest.raises(CannotLink, match="username"):
        telegram_link(given, Aim(None, None))


def test_a_page_is_told_the_flow_and_the_code_apart() -> None:
    assert web_link(CHAT + "/", Aim("bullying", "x1")) == f"{CHAT}/chat?flow=bullying&ref=x1"
    assert web_link(CHAT, Aim(None, None)) == f"{CHAT}/chat"


def test_a_page_needs_the_address_people_use() -> None:
    with pytest.raises(CannotLink, match="FIRSTLINE_PUBLIC_URL"):
        web_link("", Aim(None, None))


# --- what may be linked ----------------------------------------------------------------------------------------------


def test_a_flow_nobody_wrote_is_refused_with_the_nearest_name(library: Library, flow: str) -> None:
    with pytest.raises(CannotLink, match=f"did you mean '{flow}'"):
        aimed(library, flow + "x", None)


def test_a_flow_like_no_other_is_refused_with_all_names(library: Library, flow: str) -> None:
    with pytest.raises(CannotLink, match=rf"one of: .*{flow}"):
        aimed(library, "qqqqqqqq", None)


def test_a_pattern_is_no_flow_to_arrive_at(library: Library) -> None:
    assert "pattern_danger" in library.flows
    with pytest.raises(CannotLink, match="no flow 'pattern_danger'"):
        aimed(library, "pattern_danger", None)


@pytest.mark.parametrize("referrer", ["two words", "ysgol-ŷ", "x" * 41, "a/b", "a?b=c"])
def test_a_code_that_links_cannot_carry_is_refused(library: Library, referrer: str) -> None:
    with pytest.raises(CannotLink, match=f"1 to {MAX_CHARACTERS}"):
        aimed(library, None, referrer)


def test_a_flow_whose_id_would_be_read_as_something_else_is_refused() -> None:
    """`old-photos` in a link means: the flow `old`, shown by `photos`."""
    flows = b"flows:\n  old-photos:\n    description: Old.\n    steps:\n      - action: utter_open\n        next: END\n"
    loaded = load_files({**small_library(), "flows/odd.yml": flows}).library
    assert loaded
    assert "old-photos" in loaded.flows
    with pytest.raises(CannotLink, match="cannot stand in a link"):
        aimed(loaded, "old-photos", None)


async def test_whoever_has_neither_name_nor_token_is_told_what_to_give() -> None:
    with pytest.raises(CannotLink, match="FIRSTLINE_TELEGRAM_TOKEN"):
        await link_of(Settings(), TELEGRAM, Aim(None, None), None, None)
    with pytest.raises(CannotLink, match="--number"):
        await link_of(Settings(), WHATSAPP, Aim(None, None), None, None)


# --- the pictures ----------------------------------------------------------------------------------------------------


def test_a_picture_is_what_its_name_says(tmp_path: Path) -> None:
    for name in ("poster.svg", "poster.png", "POSTER.PNG"):
        save("https://t.me/our_help_bot?start=bullying", tmp_path / name)
    assert ET.parse(tmp_path / "poster.svg").getroot().tag == "{http://www.w3.org/2000/svg}svg"
    assert (tmp_path / "poster.png").read_bytes().startswith(b"\x89PNG\r\n")
    assert (tmp_path / "POSTER.PNG").read_bytes() == (tmp_path / "poster.png").read_bytes()


@pytest.mark.parametrize("name", ["poster", "poster.jpg", "poster.svg.exe"])
def test_other_pictures_are_refused_before_anything_is_written(tmp_path: Path, name: str) -> None:
    with pytest.raises(CannotLink, match=r"\.svg or \.png"):
        save("https://t.me/our_help_bot", tmp_path / name)
    assert list(tmp_path.iterdir()) == []


def test_the_longest_link_can_still_be_scanned(library: Library, flow: str) -> None:
    """Version 10 (57 modules) is the most that a cheap camera reads from a page on a wall."""
    longest = web_link("https://" + "w" * 40 + ".example.org", aimed(library, flow, "x" * 40))
    assert len(drawn(longest).splitlines()) * 2 <= 57 + 2 * 4


def test_different_links_look_different() -> None:
    assert drawn("https://t.me/our_help_bot?start=a") != drawn("https://t.me/our_help_bot?start=b")


# --- the command -----------------------------------------------------------------------------------------------------


def told(capsys: pytest.CaptureFixture[str], library_folder: Path, *arguments: object) -> tuple[int, str, str]:
    code: object = 0
    try:
        main(["qr", "--library", str(library_folder), *map(str, arguments)])
    except SystemExit as stopped:
        code = stopped.code
    said = capsys.readouterr()
    return int(str(code or 0)), said.out, said.err


def test_the_command_prints_the_link_and_draws_it(
    capsys: pytest.CaptureFixture[str], library_folder: Path, flow: str
) -> None:
    code, out, _ = told(capsys, library_folder, "--flow", flow, "--code", "school42", "--name", "our_help_bot")
    link = f"https://t.me/our_help_bot?start={flow}-school42"
    assert (code, out) == (0, f"{link}\n{drawn(link)}\n")


def test_the_command_writes_a_picture_and_says_where(
    capsys: pytest.CaptureFixture[str], library_folder: Path, tmp_path: Path
) -> None:
    target = tmp_path / "poster.svg"
    given = ("--channel", "whatsapp", "--number", "+44 1632 960000", "--out", target, "--json")
    code, out, _ = told(capsys, library_folder, *given)
    link = "https://wa.me/441632960000?text=%2Fstart"
    assert (code, json.loads(out)) == (0, {"channel": "whatsapp", "link": link, "code": "", "file": str(target)})
    assert target.exists()


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("--flow", "nowhere", "--name", "our_help_bot"), 1, "no flow 'nowhere'"),
        (("--channel", "pigeon"), 2, "telegram, whatsapp, web"),
        (("--channel", "web"), 1, "FIRSTLINE_PUBLIC_URL"),
        ((), 1, "--name"),
        (("--name", "our_help_bot", "--out", "nowhere/poster.svg"), 1, "nowhere/poster.svg"),
    ],
)
def test_a_wrong_command_says_what_to_do_instead(
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    library_folder: Path,
    arguments: tuple[str, ...],
    code: int,
    said: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    answered, out, err = told(capsys, library_folder, *arguments)
    assert (answered, out) == (code, "")
    assert said in re.sub(r"[\s│]+", " ", err)


async def test_without_a_name_telegram_is_asked_for_it() -> None:
    async with FakeTelegram() as fake:
        settings = Settings(telegram_token=SecretStr(fake.token), telegram_api=fake.url)
        link = await link_of(settings, TELEGRAM, Aim("impersonation", None), None, None)
    assert link == f"https://t.me/{fake.username}?start=impersonation"
