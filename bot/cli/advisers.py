"""Commands for the people who work the queue."""

import sys
from contextlib import closing
from typing import Annotated

import typer

from bot.cli.frame import Json, adviser_app, show
from bot.config import read_settings


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
    show(json_, rows, "\n".join(lines) or "Nobody has an account. Add somebody: firstline adviser add.")


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
