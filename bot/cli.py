"""The `firstline` command. Exit codes: 0 done, 1 something is wrong with what was given, 2 wrong usage."""

import asyncio
import io
import json
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer

from bot.config import Settings, read_settings
from bot.errors import FirstlineError
from handoff.errors import HandoffError

app = typer.Typer(
    name="firstline",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="First-line online-safety support for people who work with children.",
)
adviser_app = typer.Typer(no_args_is_help=True, help="The people who work the queue.")
export_app = typer.Typer(no_args_is_help=True, help="Hand flows, or facts, to other software.")
app.add_typer(adviser_app, name="adviser")
app.add_typer(export_app, name="export")

Json = Annotated[bool, typer.Option("--json", help="Print data instead of words.")]
Folder = Annotated[
    Path | None, typer.Option("--library", exists=True, file_okay=False, help="The folder with flows/ and content/.")
]
Lines = Annotated[Path, typer.Option("--jsonl", help='Lines of {"text": …}; - for standard input.')]


def main(arguments: Sequence[str] | None = None) -> None:
    """Runs the command (None: as it was typed); a known failure is one plain line on stderr and exit code 1."""
    try:
        app(args=arguments)
    except (FirstlineError, HandoffError) as error:
        _fail(str(error))
    except OSError as error:  # a folder or file that cannot be read or written
        _fail(f"{error.strerror or error}: {error.filename}" if error.filename else str(error))


def _fail(message: str) -> NoReturn:
    print(f"firstline: {message}", file=sys.stderr)
    raise SystemExit(1) from None


# --- serving ---------------------------------------------------------------------------------------------------------


@app.command()
def serve() -> None:
    """Serves the chat, the desk and the API until stopped. Settings: FIRSTLINE_* (see docs/running.md)."""
    from bot.serving import serve_until_stopped

    asyncio.run(serve_until_stopped(read_settings()))


@app.command()
def demo(
    port: Annotated[int, typer.Option(help="The port on this computer.")] = 8080,
    history: Annotated[bool, typer.Option("--history", help="Two years of invented facts, for reports.")] = False,
    data: Annotated[
        Path | None, typer.Option(help="With --history: only write them into this new folder; serve nothing.")
    ] = None,
) -> None:
    """Serves a demonstration: temporary data, a demo adviser, this computer only. Nothing is kept."""
    if data and not history:
        raise typer.BadParameter("--data goes with --history")
    if data:
        from bot.demo_kept import keep_history

        typer.echo(keep_history(data))
    else:
        from bot.demo import demonstrate

        asyncio.run(demonstrate(port, history=history))


@app.command()
def chat(
    flow: Annotated[str | None, typer.Option(help="Begin with this flow's concern.")] = None,
    folder: Folder = None,
) -> None:
    """Talks to the bot in this terminal. Nothing is kept."""
    from bot.talking import talk

    asyncio.run(talk(_settings(folder), flow))


@app.command()
def actions(port: Annotated[int, typer.Option(help="Loopback only.")] = 5055) -> None:
    """Serves the custom actions with rasa-sdk's own server, on this computer only."""
    from bot.actions.serving import serve_actions

    serve_actions(port)


# --- the library -----------------------------------------------------------------------------------------------------


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
    report = report_on(_settings(folder).library_folder, translations=translations)
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

    library_folder = _settings(folder).library_folder
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

    library_folder = _settings(folder).library_folder
    report = report_on(library_folder)
    if report.has_errors:
        typer.echo(report.as_json() if json_ else report.as_text())
        typer.echo("Nothing was published; the live library is unchanged.", err=True)
        raise typer.Exit(1)
    with _shelf() as (shelf, now):
        published = shelf.publish(read_files(library_folder), note, now())
    _print(json_, {"number": published.number, "version": published.version}, f"Published {published.version}.")


@app.command()
def versions(json_: Json = False) -> None:
    """Lists the published libraries, the live one first."""
    with _shelf() as (shelf, _):
        found = shelf.versions()
    rows = [{"number": v.number, "version": v.version, "at": v.published_at.isoformat(), "note": v.note} for v in found]
    lines = [f"{r['number']:>4}  {r['version']}  {r['at'][:16]}  {r['note']}" for r in rows]
    _print(json_, rows, "\n".join([f"{lines[0]}  (live)", *lines[1:]]) if lines else "Nothing is published.")


@app.command()
def rollback(version: str, note: str = "", json_: Json = False) -> None:
    """Makes an earlier version live again for new conversations."""
    with _shelf() as (shelf, now):
        published = shelf.roll_back(version, note or f"back to {version}", now())
    _print(json_, {"number": published.number, "version": published.version}, f"{published.version} is live.")


@export_app.command("rasa")
def export_rasa(target: Annotated[Path, typer.Argument(help="A new or empty folder.")], folder: Folder = None) -> None:
    """Writes domain and flows as a Rasa assistant reads them."""
    from bot.library.export_rasa import export

    written = export(_settings(folder).library_folder, target)
    typer.echo(f"Wrote {len(written)} files to {target}.")


@export_app.command("facts")
def export_facts(target: Annotated[Path, typer.Argument(help="A folder; made if missing.")]) -> None:
    """Writes the facts, apart from people, as CSV files and as one SQLite database. For use inside."""
    from bot.app import clock, open_ledger, refuse_no_database
    from handoff.exports import write

    settings = read_settings()
    refuse_no_database(settings)
    open_ledger(settings).close()  # the views are those of this version
    written = write(settings.database, target, clock())
    typer.echo(f"Wrote {len(written)} files to {target}. For use inside: a small number may point at somebody.")


@export_app.command("person")
def export_person(
    out: Annotated[Path, typer.Option(help="A folder; made if missing.")],
    reference: Annotated[str | None, typer.Option(help="Of one of their cases.")] = None,
    code: Annotated[str | None, typer.Option(help="Their return code.")] = None,
    asker: Annotated[str, typer.Option(help="Who asked: enquirer, setting, authority or service.")] = "enquirer",
    json_: Json = False,
) -> None:
    """Writes everything that is held about one enquirer, as a page and as JSON. Read it before you hand it over."""
    from bot import access_lines
    from bot.app import refuse_no_database
    from handoff.erasing import Asker

    if (reference is None) == (code is None):
        raise typer.BadParameter("write --reference or --code")
    if asker not in set(Asker):
        raise typer.BadParameter(f"--asker is one of {', '.join(Asker)}")
    settings = read_settings()
    refuse_no_database(settings)
    told = access_lines.export_person(settings, reference, code, asker, out)
    _print(json_, told.data, told.words)


@app.command()
def triage(jsonl: Lines, folder: Folder = None) -> None:
    """Says what each message seems to be about: gate, concerns, platform, urgency. One JSON line each."""
    from bot.triage_lines import lines_about

    lines = sys.stdin.buffer if str(jsonl) == "-" else io.BytesIO(jsonl.read_bytes())
    try:
        for line in lines_about(_settings(folder).library_folder, io.TextIOWrapper(lines, encoding="utf-8-sig")):
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
    link = asyncio.run(making.link_of(_settings(folder), ChannelName(channel), aim, name, number))
    if out:
        making.save(link, out)
    shown = f"Wrote {out}." if out else making.drawn(link)
    _print(
        json_,
        {"channel": channel, "link": link, "code": aim.code, "file": str(out) if out else None},
        f"{link}\n{shown}",
    )


# --- people and data -------------------------------------------------------------------------------------------------


@adviser_app.command("add")
def adviser_add(
    name: str,
    email: str,
    role: Annotated[str, typer.Option(help="adviser, senior, lead, editor or auditor.")] = "adviser",
    password_stdin: Annotated[bool, typer.Option(help="Read the password from standard input.")] = False,
) -> None:
    """Adds a person who may log in to the desk. The password is asked for, never given on the command line."""
    from bot.app import clock, open_ledger
    from handoff import advisers
    from handoff.domain import Role

    if role not in set(Role):
        raise typer.BadParameter(f"role must be one of {', '.join(Role)}")
    if not name.strip() or "@" not in email:
        raise typer.BadParameter("write a name and an e-mail address")
    password = sys.stdin.readline().strip() if password_stdin else typer.prompt("Password", hide_input=True)
    hashed = advisers.hash_password(password)
    with closing(open_ledger(read_settings())) as ledger:
        ledger.write_now(lambda conn: advisers.add(conn, name, email, hashed, Role(role), clock()))
    typer.echo(f"{name} can log in at /desk.")


@adviser_app.command("list")
def adviser_list(json_: Json = False) -> None:
    """Lists everybody who has an account, those whose account is disabled last."""
    from bot.app import clock, open_ledger
    from handoff.accounts import accounts

    with closing(open_ledger(read_settings())) as ledger:
        found = accounts(ledger.reader(), clock())
    rows = [
        {
            "name": each.adviser.name,
            "email": each.adviser.email,
            "role": each.adviser.role,
            "capacity": each.adviser.capacity,
            "disabled": each.adviser.disabled,
            "sessions": each.sessions,
            "holds": each.held,
        }
        for each in found
    ]
    lines = [f"{r['role']:<8}  {'disabled' if r['disabled'] else '':<8}  {r['email']}  {r['name']}" for r in rows]
    _print(json_, rows, "\n".join(lines) or "Nobody has an account. Add somebody: firstline adviser add.")


@adviser_app.command("password")
def adviser_password(
    email: str,
    password_stdin: Annotated[bool, typer.Option(help="Read the password from standard input.")] = False,
) -> None:
    """Sets a new password for somebody and logs them out everywhere."""
    from bot.app import clock, open_ledger
    from handoff import advisers

    with closing(open_ledger(read_settings())) as ledger:
        adviser = advisers.named(ledger.reader(), email)
        password = sys.stdin.readline().strip() if password_stdin else typer.prompt("New password", hide_input=True)
        hashed = advisers.hash_password(password)
        ledger.write_now(lambda conn: advisers.set_password(conn, adviser.id, hashed, clock()))
    typer.echo(f"{adviser.name} has a new password and is logged out everywhere.")


@adviser_app.command("role")
def adviser_role(
    email: str, role: Annotated[str, typer.Argument(help="adviser, senior, lead, editor or auditor.")]
) -> None:
    """Changes what somebody may do at the desk, from their next click on. The last lead stays one."""
    from bot.app import clock, open_ledger
    from handoff import accounts, advisers
    from handoff.domain import Role

    if role not in set(Role):
        raise typer.BadParameter(f"role must be one of {', '.join(Role)}")
    with closing(open_ledger(read_settings())) as ledger:
        adviser = advisers.named(ledger.reader(), email)
        ledger.write_now(lambda conn: accounts.set_role(conn, adviser.id, Role(role), clock()))
    typer.echo(f"{adviser.name} is {role} now.")


@adviser_app.command("disable")
def adviser_disable(email: str) -> None:
    """Disables an account and logs it out everywhere; what it holds is given back by a lead at the desk."""
    from bot.app import clock, open_ledger
    from handoff import accounts, advisers

    with closing(open_ledger(read_settings())) as ledger:
        adviser = advisers.named(ledger.reader(), email)
        ledger.write_now(lambda conn: accounts.disable(conn, adviser.id, clock()))
    typer.echo(f"{adviser.name} cannot log in any more.")


@adviser_app.command("link")
def adviser_link(
    email: str,
    telegram: Annotated[int | None, typer.Option(min=1, help="The number of their Telegram account.")] = None,
    remove: Annotated[bool, typer.Option("--remove", help="They have no Telegram account any more.")] = False,
) -> None:
    """Lets an adviser accept cases in the advisers' Telegram group; one account each, a new one replaces the old."""
    from bot.app import clock, open_ledger
    from handoff.handles import link

    if remove is (telegram is not None):
        raise typer.BadParameter("write --telegram and the account's number, or --remove")
    handle = None if telegram is None else str(telegram)
    with closing(open_ledger(read_settings())) as ledger:
        adviser = ledger.write_now(lambda conn: link(conn, ledger.seal, email, "telegram", handle, clock()))
    typer.echo(f"{adviser.name} can{'not' if remove else ''} accept cases in Telegram{' any more' if remove else ''}.")


@app.command()
def forget(
    preview: Annotated[bool, typer.Option("--preview", help="Only say what would go, by kind.")] = False,
    reference: Annotated[str | None, typer.Option(help="Forget this one case, as somebody asked.")] = None,
    code: Annotated[str | None, typer.Option(help="Forget the conversation this return code belongs to.")] = None,
    asker: Annotated[str, typer.Option(help="Who asked: enquirer, setting, authority or service.")] = "enquirer",
    reason: Annotated[
        str, typer.Option(help="Why: withdrawn, objects, not_needed, unlawful or mistake.")
    ] = "withdrawn",
    json_: Json = False,
) -> None:
    """Forgets what is due now: typed words, ended cases, the rest. Or what somebody asked to have forgotten."""
    from bot import forget_lines
    from bot.app import refuse_no_database
    from handoff.erasing import Asker, Reason

    if (reference is not None) + (code is not None) + preview > 1:
        raise typer.BadParameter("write one of --preview, --reference and --code")
    if asker not in set(Asker) or reason not in set(Reason):
        raise typer.BadParameter(f"--asker is one of {', '.join(Asker)}; --reason one of {', '.join(Reason)}")
    settings = read_settings()
    refuse_no_database(settings)
    if reference is not None:
        told = forget_lines.by_reference(settings, reference, asker, reason)
    elif code is not None:
        told = forget_lines.by_code(settings, code, asker, reason)
    else:
        told = forget_lines.preview(settings) if preview else forget_lines.now(settings)
    _print(json_, told.data, told.words)


@app.command()
def simulate(
    per_hour: Annotated[float | None, typer.Option(min=0.01, max=5000, help="So many enquirers an hour.")] = None,
    weekday: Annotated[str, typer.Option(help="Or as measured on mon, tue, wed, thu, fri, sat or sun.")] = "",
    begins: Annotated[int, typer.Option("--from", min=0, max=23, help="With --weekday: from this full hour.")] = 9,
    ends: Annotated[int, typer.Option("--to", min=1, max=24, help="With --weekday: to this full hour.")] = 11,
    factor: Annotated[float, typer.Option(min=0.01, max=100, help="Times as many; 6 is 500 % more.")] = 1,
    handling: Annotated[float | None, typer.Option(min=0.1, max=240, help="Minutes one conversation takes.")] = None,
    patience: Annotated[float | None, typer.Option(min=0.1, help="With --per-hour: minutes until one leaves.")] = None,
    advisers: Annotated[int | None, typer.Option(min=1, max=500, help="So many; else as the formula says.")] = None,
    capacity: Annotated[int | None, typer.Option(min=1, max=20, help="Conversations of one adviser at once.")] = None,
    percent: Annotated[int, typer.Option(min=1, max=99, help="The aim: so many per cent are answered")] = 80,
    minutes: Annotated[float, typer.Option(min=0.1, max=240, help="within so many minutes.")] = 5,
    hours: Annotated[float | None, typer.Option(min=1, max=100_000, help="Play so many hours.")] = None,
    seed: Annotated[int, typer.Option(help="The same seed plays the same.")] = 1,
    spread: Annotated[str, typer.Option(help="Handling times: exponential, lognormal or fixed.")] = "exponential",
    apart: Annotated[bool, typer.Option("--apart", help="Each window begins with nobody there.")] = False,
    lost: Annotated[int, typer.Option(min=0, max=90, help="Per cent of claims whose adviser's line is lost.")] = 0,
    tiers: Annotated[str, typer.Option(help="How often a case is of tier 0, 1, 2, 3.")] = "0,0,1,0",
    until: Annotated[str, typer.Option(help="With --weekday: measure up to this day, such as 2022-10-31.")] = "",
    json_: Json = False,
) -> None:
    """Plays made-up enquirers at the real queue, in a temporary database, and holds them against the formula."""
    from bot import simulating

    if (per_hour is None) == (not weekday):
        raise typer.BadParameter("write --per-hour, or --weekday with --from and --to")
    try:
        question = simulating.asked(weekday or "mon", (begins, ends), percent, minutes, factor, handling, capacity)
        chances = simulating.chances(spread, tiers, lost)
        last = simulating.last_day(until)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error
    wish = simulating.Wish(question, per_hour, patience, advisers, hours, seed, apart, *chances, last)
    told = simulating.simulate(read_settings(), wish)
    _print(json_, told.data, told.words)


@app.command()
def report(
    first: Annotated[str, typer.Option("--from", help="The first day that is counted, such as 2021-11-01.")],
    end: Annotated[str, typer.Option("--to", help="The first day that is not counted any more.")],
    compare: Annotated[str, typer.Option(help="previous (as many days before), year, or none.")] = "none",
    format_: Annotated[
        str, typer.Option("--format", help="html, pdf, csv, json, text; svg with --figure. Else as --out ends.")
    ] = "",
    out: Annotated[Path | None, typer.Option(help="The file to write; without it: standard output.")] = None,
    figure: Annotated[bool, typer.Option("--figure", help="Only the figure of the period, on one square.")] = False,
    pass_on: Annotated[
        bool, typer.Option("--pass-on", help="A version to pass on: checked against earlier ones, and remembered.")
    ] = False,
) -> None:
    """Counts a period and writes the report: for use inside, unless it is made to be passed on."""
    from bot import reporting
    from bot.app import clock
    from handoff.reports.files import OF_FIGURE, OF_REPORT, Format

    known = OF_FIGURE if figure else OF_REPORT
    as_ = reporting.format_for(format_, out, figure=figure, on_terminal=sys.stdout.isatty())
    if as_ not in known:
        raise typer.BadParameter(f"--format is one of {', '.join(known)}, not “{as_}”")
    if as_ == Format.PDF and out is None:
        raise typer.BadParameter("a PDF needs --out and the name of a file")
    asked = reporting.Asked(first, end, compare, Format(as_), figure, pass_on, out)
    done = reporting.report_on(read_settings(), asked, clock)
    typer.echo(done.words if done.body is None else done.body, nl=done.body is None)


@app.command()
def backup(target: Path) -> None:
    """Copies the database, whole and consistent, while it is in use. Keep the key elsewhere: it is not copied."""
    from bot.backups import back_up

    typer.echo(back_up(read_settings(), target))


@app.command()
def restore(source: Path) -> None:
    """Puts a backup in place. Refuses while a database is there: move that away yourself."""
    from bot.backups import put_back

    typer.echo(put_back(read_settings(), source))


@app.command()
def bench(json_: Json = False, quick: Annotated[bool, typer.Option(help="A tenth of the work.")] = False) -> None:
    """Measures this machine: turns a second, latencies, start, memory, beside a bare SQLite baseline."""
    try:
        from bench.run import measure
    except ModuleNotFoundError as missing:
        raise FirstlineError(f"The benchmark runs from a checkout only ({missing}).") from None

    measure(as_json=json_, quick=quick)


# --- inside ----------------------------------------------------------------------------------------------------------


def _settings(folder: Path | None) -> Settings:
    return read_settings(library_dir=folder) if folder else read_settings()


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

    return opened(read_files(_settings(folder).library_folder)).library


@contextmanager
def _shelf() -> Iterator[tuple[Any, Callable[[], Any]]]:
    from bot.app import clock, open_ledger
    from bot.shelf import Shelf

    with closing(open_ledger(read_settings())) as ledger:
        yield Shelf(ledger), clock


def _print(as_json: bool, data: object, words: str) -> None:
    typer.echo(json.dumps(data) if as_json else words)
