"""`firstline demo`: everything at once on this computer, with data that is thrown away at the end."""

import asyncio
import secrets
import tempfile
from pathlib import Path

from rich.console import Console

from bot.app import Firstline, clock
from bot.config import read_settings
from bot.demo_day import COLLEAGUES, DemoDay, email_of
from bot.serving import serve_until_stopped
from handoff import advisers
from handoff.domain import Role

DEMO_NAME = "Alex Demo"
DEMO_EMAIL = "adviser@example.org"
KEPT: "set[asyncio.Task[None]]" = set()
"""What runs beside the server until the program ends."""


async def demonstrate(port: int) -> None:
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
        await serve_until_stopped(settings, _ready)


async def _ready(firstline: Firstline, port: int) -> None:
    password = secrets.token_urlsafe(9)
    hashed = await asyncio.to_thread(advisers.hash_password, password)
    await firstline.ledger.write(lambda conn: advisers.add(conn, DEMO_NAME, DEMO_EMAIL, hashed, Role.LEAD, clock()))
    day = DemoDay(firstline, clock)
    await day.fill(hashed)
    KEPT.add(asyncio.create_task(day.live()))
    _tell(f"http://127.0.0.1:{port}", password)


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
