"""The documentation says what runs: commands, settings, complaints, links, examples, and what is not built."""

import ast
import json
import re
import shlex
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import typer
from aiohttp.test_utils import TestClient, TestServer

from bot.app import assemble
from bot.channels.rest import turn_from
from bot.checking.report import report_on
from bot.cli import app
from bot.config import Settings, read_settings
from bot.conversation_tests import run_tests
from bot.domain import ChannelName
from bot.library.complaints import CODES
from bot.library.conditions import parse
from bot.library.load import load_files
from bot.library.model import Where
from bot.library.versions import read_files
from bot.server import application

ROOT = Path(__file__).parent.parent
DOCS = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").rglob("*.md"))]
NOON = datetime(2026, 7, 6, 12, tzinfo=UTC)
FENCE = re.compile(r"^```(\w*)[^\n]*\n(.*?)^```", re.MULTILINE | re.DOTALL)
FILE = re.compile(r"^File `([^`]+)`:\n\n```\w+\n(.*?)^```", re.MULTILINE | re.DOTALL)
ALWAYS = {"--help", "--install-completion", "--show-completion"}


def words_of(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def section(text: str, heading: str) -> str:
    """What stands under a heading, up to the next of its level or above."""
    marks = heading.partition(" ")[0]
    body = text.split(f"\n{heading}\n", 1)[1]
    return re.split(rf"^#{{1,{len(marks)}}} ", body, maxsplit=1, flags=re.MULTILINE)[0]


def rows(text: str) -> Iterator[list[str]]:
    """The cells of every table row that is not a heading."""
    for line in text.splitlines():
        cells = [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
        if cells and not set("".join(cells)) <= set("-: ") and cells[0].startswith("`"):
            yield cells


def code(cell: str) -> list[str]:
    return re.findall(r"`([^`]+)`", cell)


# --- commands --------------------------------------------------------------------------------------------------------


def commands(group: Any, name: str = "firstline") -> Iterator[tuple[str, Any]]:
    """(words of the command, the command), those of groups included."""
    for key, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from commands(command, f"{name} {key}")
        else:
            yield f"{name} {key}", command


COMMANDS = dict(commands(typer.main.get_command(app)))


def options(command: Any) -> set[str]:
    """Options as they are written to switch something on."""
    return {option for parameter in command.params for option in parameter.opts if option.startswith("--")} - ALWAYS


def written_commands(text: str) -> Iterator[str]:
    """Every `firstline …` of shell blocks and of inline code."""
    fenced = [body for language, body in FENCE.findall(text) if language == "sh"]
    lines = [line for body in fenced for line in body.replace("\\\n", " ").splitlines()]
    for line in [*lines, *re.findall(r"`([^`\n]+)`", FENCE.sub("", text))]:
        for part in re.split(r"\s[|]\s|\s&&\s", line):
            found = re.match(r"(?:[\w./]*/)?(firstline\s.*)", part.strip())
            if found:
                yield found[1]


def complaint_of(written: str) -> str | None:
    """What is wrong with a command as a page writes it; None when it exists with its options."""
    words = [word for word in shlex.split(written, comments=True) if word not in {">", "…"}]
    name = next((n for n in COMMANDS if words[: len(n.split())] == n.split()), None)
    if name is None:
        return f"no command: {written}"
    given = {word.split("=")[0] for word in words if word.startswith("--")}
    wrong = given - options(COMMANDS[name]) - ALWAYS
    return f"no option {sorted(wrong)}: {written}" if wrong else None


@pytest.mark.parametrize("page", DOCS, ids=lambda page: page.name)
def test_every_command_in_the_docs_exists_with_its_options(page: Path) -> None:
    assert [wrong for each in written_commands(page.read_text()) if (wrong := complaint_of(each))] == []


def test_a_command_that_does_not_exist_is_noticed() -> None:
    page = "```sh\nfirstline chek --json | less\n.venv/bin/firstline check --jsn\n```\nor `firstline check --json`"
    assert [bool(complaint_of(each)) for each in written_commands(page)] == [True, True, False]


def test_the_page_of_commands_lists_every_command_with_all_its_options_and_no_other() -> None:
    listed = {code(cells[0])[0]: set(code(cells[1])) for cells in rows(words_of("docs/commands.md"))}
    assert listed == {name: options(command) for name, command in COMMANDS.items()}


# --- settings --------------------------------------------------------------------------------------------------------


def documented_settings() -> dict[str, str]:
    table = section(words_of("docs/running.md"), "## Settings")
    return {code(cells[0])[0]: next(iter(code(cells[1])), "") for cells in rows(table)}


def test_every_setting_is_documented_with_its_default_and_no_other_is() -> None:
    known = {
        f"FIRSTLINE_{name.upper()}": "" if field.default is None else str(field.default)
        for name, field in Settings.model_fields.items()
    }
    assert documented_settings() == known


@pytest.mark.parametrize("page", DOCS, ids=lambda page: page.name)
def test_every_setting_a_page_names_exists(page: Path) -> None:
    named = set(re.findall(r"FIRSTLINE_[A-Z_]*[A-Z]", page.read_text()))
    assert named <= documented_settings().keys()


# --- complaints ------------------------------------------------------------------------------------------------------

COMPLAINING = {"error", "warning", "complain"}


def codes_in(source: str) -> Iterator[str]:
    """Codes given as the second argument of error(), warning() and complain(), and as the first of missing()."""
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Call):
            continue
        name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        place = 1 if name in COMPLAINING else 0 if name == "missing" else None
        if place is not None and len(node.args) > place + (name in COMPLAINING):
            found = node.args[place]
            if isinstance(found, ast.Constant) and isinstance(found.value, str):
                yield found.value


def test_codes_are_found_where_code_complains() -> None:
    source = (
        'c.error(where, "a-code", "words"); complain(w, "b-code", m); self.missing("c-code", m); log.error("x", e=1)'
    )
    assert list(codes_in(source)) == ["a-code", "b-code", "c-code"]


def test_every_complaint_is_documented_and_what_is_documented_can_be_said() -> None:
    sources = [path.read_text() for path in (ROOT / "bot").rglob("*.py")]
    said = CODES.keys() | {each for source in sources for each in codes_in(source)}
    listed = {code(cells[0])[0]: cells for cells in rows(section(words_of("docs/writing-flows.md"), "## Complaints"))}
    constants = {part for source in sources for part in re.findall(r'"([a-z-]+)"', source)}
    assert said - listed.keys() == set()
    assert listed.keys() - constants == set()
    assert all(len(cells) == 3 and cells[2] for cells in listed.values())
    assert {name: listed[name][1] for name in CODES} == dict(CODES)


# --- links -----------------------------------------------------------------------------------------------------------


def anchors(text: str) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", FENCE.sub("", text), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def broken_links(page: Path, text: str) -> Iterator[str]:
    for target in re.findall(r"\]\(([^)\s]+)\)", FENCE.sub("", text)):
        if re.match(r"https?://|mailto:", target):
            continue
        name, _, anchor = target.partition("#")
        file = (page.parent / name).resolve() if name else page
        if not file.exists() or (anchor and anchor not in anchors(file.read_text() if name else text)):
            yield target


@pytest.mark.parametrize("page", DOCS, ids=lambda page: page.name)
def test_every_relative_link_leads_somewhere(page: Path) -> None:
    assert list(broken_links(page, page.read_text())) == []


def test_a_link_that_leads_nowhere_is_noticed() -> None:
    text = "# Here\n[a](nowhere.md) [b](#here) [c](#there) [d](docs/running.md#no-such-heading)"
    assert list(broken_links(ROOT / "README.md", text)) == ["nowhere.md", "#there", "docs/running.md#no-such-heading"]


@pytest.mark.parametrize("page", DOCS, ids=lambda page: page.name)
def test_every_file_a_page_names_is_there(page: Path) -> None:
    text = words_of("README.md")
    not_built = {code(cells[1])[0] for cells in unbuilt(text)}
    examples = {name for name, _ in FILE.findall(words_of("docs/writing-flows.md"))}
    named = set(re.findall(r"`((?:bot|handoff|flows|content|tests|tools|docs)/[\w./-]+)`", page.read_text()))
    missing = {name for name in named if not (ROOT / name).exists()}
    assert missing - not_built - examples - {"content/guidance/old-photos.cy.md", "handoff/retention"} == set()


# --- examples --------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def examples(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The shipped library with the files that writing-flows.md shows."""
    folder = tmp_path_factory.mktemp("library")
    shown = {name: body.encode() for name, body in FILE.findall(words_of("docs/writing-flows.md"))}
    for name, data in {**read_files(ROOT), **shown}.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    return folder


def test_the_example_flow_and_page_load_without_complaint(examples: Path) -> None:
    files = read_files(examples)
    assert {"flows/old_photos.yml", "content/guidance/old-photos.md"} <= files.keys()
    assert [str(each) for each in load_files(files).complaints if "photos" in each.file] == []


def test_the_example_passes_every_check(examples: Path) -> None:
    complaints = report_on(examples, today=NOON.date()).complaints
    assert [str(each) for each in complaints if "photos" in each.file] == []


def test_the_example_conversation_passes(examples: Path) -> None:
    result = run_tests(examples, [examples / "flows" / "tests" / "old_photos.yml"])
    assert (result.passed, result.failures) == (1, ())


def test_a_broken_example_would_be_noticed(examples: Path) -> None:
    files = read_files(examples)
    broken = files["flows/old_photos.yml"].replace(b"then: tell_lead", b"then: tell_led")
    complaints = load_files({**files, "flows/old_photos.yml": broken}).complaints
    assert [each.code for each in complaints if "photos" in each.file] == ["no-step"]


def test_every_condition_shown_can_be_read() -> None:
    shown = [code(cells[0])[0] for cells in rows(section(words_of("docs/writing-flows.md"), "## Conditions"))]
    assert len(shown) > 5
    for text in shown:
        parse(text, Where("docs/writing-flows.md", 1))


def rest_example() -> dict[str, str]:
    found: dict[str, str] = json.loads(re.search(r"-d '([^']+)'", words_of("README.md"))[1])  # type: ignore[index]
    return found


def test_the_rest_example_of_the_readme_is_a_turn() -> None:
    assert turn_from(rest_example(), ChannelName("rest"), NOON).address == rest_example()["sender"]


async def test_the_rest_example_of_the_readme_is_answered(tmp_path: Path) -> None:
    firstline = assemble(read_settings(data_dir=tmp_path), lambda: NOON)
    async with firstline.running(), TestClient(TestServer(application(firstline))) as client:
        response = await client.post("/webhooks/rest/webhook", json=rest_example())
        messages = await response.json()
    assert response.status == 200
    assert {"recipient_id", "text", "buttons"} == messages[-1].keys()


# --- what is there, and what is not ----------------------------------------------------------------------------------


def unbuilt(readme: str) -> list[list[str]]:
    table = section(readme, "### Not built yet")
    lines = [line for line in table.splitlines() if line.startswith("|") and "`" in line]
    return [[cell.strip() for cell in line.split("|")[1:-1]] for line in lines]


def test_what_is_called_not_built_is_not_there() -> None:
    listed = [code(cells[1])[0] for cells in unbuilt(words_of("README.md"))]
    assert listed
    assert [name for name in listed if (ROOT / name).exists()] == []


@pytest.mark.parametrize("package", ["bot", "handoff"])
def test_every_module_says_in_one_line_what_it_is_for(package: str) -> None:
    silent = [
        str(path.relative_to(ROOT))
        for path in sorted((ROOT / package).rglob("*.py"))
        if not (ast.get_docstring(ast.parse(path.read_text())) or "").partition("\n")[0].strip()
    ]
    assert silent == []


def test_every_decision_is_listed() -> None:
    folder = ROOT / "docs" / "decisions"
    listed = set(re.findall(r"\]\((\d{4}-[\w-]+\.md)\)", (folder / "README.md").read_text()))
    assert listed == {path.name for path in folder.glob("[0-9]*.md")}


@pytest.mark.parametrize("page", DOCS, ids=lambda page: page.name)
def test_no_page_names_a_machine_or_a_registry(page: Path) -> None:
    text = page.read_text()
    assert re.findall(r"/work/|/tmp/|/home/|/root/|registry\.|artifactory|localhost:\d", text) == []
