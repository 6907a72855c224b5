"""Commands for what is kept: the report, data out, what is held about one enquirer, forgetting, copies, measures."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from bot.cli.frame import Json, app, export_app, show
from bot.config import read_settings
from bot.errors import FirstlineError


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
    show(json_, told.data, told.words)


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
    show(json_, told.data, told.words)


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
    show(json_, told.data, told.words)


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
