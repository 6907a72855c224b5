"""Commands for what editors own: check, try, draw, publish, understand, hand on."""

import asyncio
import io
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

from bot.cli.frame import Folder, Json, app, export_app, settings_of, show
from bot.config import read_settings
from bot.errors import FirstlineError

Lines = Annotated[Path, typer.Option("--jsonl", help='Lines of {"text": …}; - for standard input.')]


@app.command()
def check(
    json_: Json = False,
    folder: Folder = None,
    translations: Annotated[bool, typer.Option(help="Also list what is not translated.")] = False,
    due: Annotated[bool, typer.Option(help="Only list the reviews that are due, by owner.")] = False,
    ics: Annotated[bool, typer.Option(help="With --due: every review as a calendar.")] = False,
    status: Annotated[bool, typer.Option(help="Only write the state of every page, as Markdown.")] = False,
) -> None:
    """Checks flows and content, walks every path of every flow, and says what must be mended and how."""
    from bot.checking.report import report_on

    if due or ics or status:
        typer.echo(_listed(_loaded(folder), json_=json_, ics=ics, status=status), nl=not ics)
        return
    report = report_on(settings_of(folder).library_folder, translations=translations)
    typer.echo(report.as_json() if json_ else report.as_text())
    raise typer.Exit(1 if report.has_errors else 0)


@app.command()
def test(
    paths: Annotated[list[Path] | None, typer.Argument(help="Test files or folders; default flows/tests.")] = None,
    json_: Json = False,
    folder: Folder = None,
    coverage: Annotated[bool, typer.Option(help="List steps and choices no test walked.")] = False,
) -> None:
    """Runs the conversation tests."""
    from bot.conversation_tests import run_tests

    library_folder = settings_of(folder).library_folder
    result = run_tests(library_folder, paths or [library_folder / "flows" / "tests"])
    typer.echo(result.as_json() if json_ else result.as_text(coverage=coverage))
    raise typer.Exit(1 if result.failed else 0)


@app.command()
def draw(
    flow: str,
    format_: Annotated[str, typer.Option("--format", help="mermaid or svg.")] = "mermaid",
    folder: Folder = None,
) -> None:
    """Draws a flow."""
    from bot.library.draw import drawn

    typer.echo(drawn(_loaded(folder), flow, format_))


@app.command()
def publish(
    note: Annotated[str, typer.Option(help="What changed, for those who come after.")] = "",
    json_: Json = False,
    folder: Folder = None,
) -> None:
    """Checks the folder and makes it live for new conversations. Running ones stay on their version."""
    from bot.checking.report import report_on
    from bot.library.versions import read_files

    library_folder = settings_of(folder).library_folder
    report = report_on(library_folder)
    if report.has_errors:
        typer.echo(report.as_json() if json_ else report.as_text())
        typer.echo("Nothing was published; the live library is unchanged.", err=True)
        raise typer.Exit(1)
    with _shelf() as (shelf, now):
        published = shelf.publish(read_files(library_folder), note, now())
    show(json_, {"number": published.number, "version": published.version}, f"Published {published.version}.")


@app.command()
def versions(json_: Json = False) -> None:
    """Lists the published libraries, the live one first."""
    with _shelf() as (shelf, _):
        found = shelf.versions()
    rows = [{"number": v.number, "version": v.version, "at": v.published_at.isoformat(), "note": v.note} for v in found]
    lines = [f"{r['number']:>4}  {r['version']}  {r['at'][:16]}  {r['note']}" for r in rows]
    show(json_, rows, "\n".join([f"{lines[0]}  (live)", *lines[1:]]) if lines else "Nothing is published.")


@app.command()
def rollback(version: str, note: str = "", json_: Json = False) -> None:
    """Makes an earlier version live again for new conversations."""
    with _shelf() as (shelf, now):
        published = shelf.roll_back(version, note or f"back to {version}", now())
    show(json_, {"number": published.number, "version": published.version}, f"{published.version} is live.")


@export_app.command("rasa")
def export_rasa(target: Annotated[Path, typer.Argument(help="A new or empty folder.")], folder: Folder = None) -> None:
    """Writes domain and flows as a Rasa assistant reads them."""
    from bot.library.export_rasa import export

    written = export(settings_of(folder).library_folder, target)
    typer.echo(f"Wrote {len(written)} files to {target}.")


@app.command()
def triage(jsonl: Lines, folder: Folder = None) -> None:
    """Says what each message seems to be about: gate, concerns, platform, urgency. One JSON line each."""
    from bot.triage_lines import lines_about

    lines = sys.stdin.buffer if str(jsonl) == "-" else io.BytesIO(jsonl.read_bytes())
    try:
        for line in lines_about(settings_of(folder).library_folder, io.TextIOWrapper(lines, encoding="utf-8-sig")):
            typer.echo(line)
    except UnicodeDecodeError:
        raise FirstlineError(f"{jsonl} is not text in UTF-8.") from None


@app.command()
def qr(
    flow: Annotated[str | None, typer.Option(help="The flow it opens; none: the beginning.")] = None,
    code: Annotated[str | None, typer.Option(help="Who shows it, such as school42; counted, never a person.")] = None,
    channel: Annotated[str, typer.Option(help="telegram, whatsapp or web.")] = "telegram",
    name: Annotated[str | None, typer.Option(help="The Telegram bot's username; none: Telegram is asked.")] = None,
    number: Annotated[str | None, typer.Option(help="The WhatsApp number with its country code.")] = None,
    out: Annotated[Path | None, typer.Option(help="Write a picture: a name ending in .svg or .png.")] = None,
    json_: Json = False,
    folder: Folder = None,
) -> None:
    """Prints a link that opens the chat at a flow, and its QR code: in the terminal, or as a picture for a poster."""
    from bot import qr as making
    from bot.domain import ChannelName

    if channel not in making.CHANNELS:
        raise typer.BadParameter(f"channel must be one of {', '.join(making.CHANNELS)}")
    aim = making.aimed(_loaded(folder), flow, code)
    link = asyncio.run(making.link_of(settings_of(folder), ChannelName(channel), aim, name, number))
    if out:
        making.save(link, out)
    shown = f"Wrote {out}." if out else making.drawn(link)
    show(
        json_,
        {"channel": channel, "link": link, "code": aim.code, "file": str(out) if out else None},
        f"{link}\n{shown}",
    )


def _listed(library: Any, *, json_: bool, ics: bool, status: bool) -> str:
    """Reviews, or the state of every page: what `check` lists without checking."""
    from datetime import UTC, datetime

    from bot.checking import reviews
    from bot.checking.status import as_markdown

    if status:
        return as_markdown(library)
    today = datetime.now(UTC).date()
    shown = reviews.as_calendar if ics else reviews.as_json if json_ else reviews.as_text
    return shown(reviews.reviews_of(library), today)


def _loaded(folder: Path | None) -> Any:
    from bot.library.versions import read_files
    from bot.shelf import opened

    return opened(read_files(settings_of(folder).library_folder)).library


@contextmanager
def _shelf() -> Iterator[tuple[Any, Callable[[], Any]]]:
    from bot.app import clock, open_ledger
    from bot.shelf import Shelf

    with closing(open_ledger(read_settings())) as ledger:
        yield Shelf(ledger), clock
