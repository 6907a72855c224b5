"""`firstline demo`: everything at once on this computer, with data that is thrown away at the end."""

import secrets
import tempfile
from pathlib import Path

from rich.console import Console

from bot.app import Firstline, clock
from bot.config import read_settings
from bot.serving import serve_until_stopped
from handoff import advisers
from handoff.domain import Role

DEMO_NAME = "Alex Demo"
DEMO_EMAIL = "adviser@example.org"


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
    hashed = advisers.hash_password(password)
    await firstline.ledger.write(lambda conn: advisers.add(conn, DEMO_NAME, DEMO_EMAIL, hashed, Role.LEAD, clock()))
    address = f"http://127.0.0.1:{port}"
    console = Console(highlight=False)
    console.print("\n[bold]Firstline is running on this computer. Nothing is kept when you stop it (Ctrl-C).[/bold]\n")
    console.print(f"  Chat, as a professional   {address}/chat")
    console.print(f"  Desk, as an adviser       {address}/desk/")
    console.print(f"    e-mail                  {DEMO_EMAIL}")
    console.print(f"    password                {password}\n")
