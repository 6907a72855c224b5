"""`firstline demo`: everything at once on this computer, with data that is thrown away at the end."""

import asyncio
import secrets
import tempfile
from functools import partial
from pathlib import Path

from rich.console import Console

from bot import demo_facts
from bot.app import Firstline, clock
from bot.config import Settings, read_settings
from bot.demo_day import COLLEAGUES, DemoDay, email_of
from bot.demo_kept import DEMO_EMAIL, add_lead, report_command
from bot.serving import serve_until_stopped
from handoff import advisers

KEPT: "set[asyncio.Task[None]]" = set()
"""What runs beside the server until the program ends."""


async def demonstrate(port: int, *, history: bool = False) -> None:
    """Serves until stopped; `history`: with two years of facts behind the day."""
    with tempfile.TemporaryDirectory(prefix="firstline-demo-") as folder:
        settings = read_settings(
            data_dir=Path(folder),
            host="127.0.0.1",
            port=port,
            key=None,
            telegram_token=None,
            whatsapp_token=None,
            opening_hours="mon-sun 00:00-24:00",
            holidays_nation="",
        )
        await serve_until_stopped(settings, partial(_ready, history=history))


async def _ready(firstline: Firstline, port: int, *, history: bool) -> None:
    password = secrets.token_urlsafe(9)
    hashed = await asyncio.to_thread(advisers.hash_password, password)
    lead = await firstline.ledger.write(lambda conn: add_lead(conn, hashed))
    day = DemoDay(firstline, clock)
    await day.fill(hashed)
    if history:
        await firstline.ledger.write(lambda conn: demo_facts.fill(conn, lead, hashed, clock()))
    KEPT.add(asyncio.create_task(day.live()))
    _tell(f"http://127.0.0.1:{port}", password)
    if history:
        _tell_of_history(firstline.settings)


def _tell(address: str, password: str) -> None:
    console = Console(highlight=False)
    console.print("\n[bold]Firstline is running on this computer. Nothing is kept when you stop it (Ctrl-C).[/bold]")
    console.print("The people and cases in it are invented; messages to Telegram and WhatsApp go nowhere.\n")
    console.print(f"  Chat, as a professional   {address}/chat")
    console.print(f"  Desk, as the lead         {address}/desk/")
    console.print(f"    e-mail                  {DEMO_EMAIL}")
    console.print(f"    password                {password}")
    others = ", ".join(f"{email_of(each)} ({each.role})" for each in COLLEAGUES)
    console.print(f"    the same for            {others}\n")


def _tell_of_history(settings: Settings) -> None:
    console = Console(highlight=False, soft_wrap=True)
    console.print("Two years of invented facts are behind it. Their report, in another terminal:\n")
    console.print(f"{report_command(settings)}\n", markup=False)
