"""A small strict mail server on loopback: what it was handed, and faults on request. Speaks RFC 5321, no TLS."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage

LINE_LIMIT = 1000
"""Octets of one line with its end (RFC 5321, 4.5.3.1.6)."""


@dataclass
class MailServer:
    """`faults` are what the next messages are answered with instead of being taken: a status line, or "hang up"."""

    port: int = 0
    taken: list[EmailMessage] = field(default_factory=list)
    envelopes: list[tuple[str, tuple[str, ...]]] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    refused: frozenset[str] = frozenset()
    """Addresses that do not exist here."""
    complaints: list[str] = field(default_factory=list)
    """What a client said that the protocol does not allow there."""
    arrived: asyncio.Event = field(default_factory=asyncio.Event)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await self._talk(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        greeted, sender, recipients = False, "", []
        await self._say(writer, "220 mail.example.org ESMTP")
        while line := await self._line(reader):
            verb, _, rest = line.partition(" ")
            match verb.upper():
                case "EHLO" | "HELO":
                    greeted = True
                    await self._say(writer, "250 mail.example.org")
                case "MAIL" if greeted and not sender and rest.upper().startswith("FROM:<"):
                    sender = rest[6:].partition(">")[0]
                    await self._say(writer, "250 ok")
                case "RCPT" if sender and rest.upper().startswith("TO:<"):
                    address = rest[4:].partition(">")[0]
                    if address in self.refused:
                        await self._say(writer, "550 no such address")
                        continue
                    recipients.append(address)
                    await self._say(writer, "250 ok")
                case "DATA" if recipients:
                    if not await self._data(reader, writer, sender, tuple(recipients)):
                        return
                    sender, recipients = "", []
                case "RSET":
                    sender, recipients = "", []
                    await self._say(writer, "250 ok")
                case "QUIT":
                    await self._say(writer, "221 bye")
                    return
                case _:
                    self.complaints.append(line)
                    await self._say(writer, "503 not now")

    async def _data(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, sender: str, recipients: tuple[str, ...]
    ) -> bool:
        """Takes the message, or does what the next fault says. False: the line is dead."""
        await self._say(writer, "354 go on")
        lines = []
        while (line := await reader.readuntil(b"\r\n")) != b".\r\n":
            if len(line) > LINE_LIMIT:
                self.complaints.append("line too long")
            lines.append(line[1:] if line.startswith(b"..") else line)
        fault = self.faults.pop(0) if self.faults else ""
        if fault == "hang up":
            return False
        if fault:
            await self._say(writer, fault)
            return True
        self.taken.append(message_from_bytes(b"".join(lines), policy=policy.SMTP))  # type: ignore[arg-type]
        self.envelopes.append((sender, recipients))
        self.arrived.set()
        await self._say(writer, "250 taken")
        return True

    async def _line(self, reader: asyncio.StreamReader) -> str:
        line = await reader.readline()
        if line and not line.endswith(b"\r\n"):
            self.complaints.append("a line without its end")
        return line.decode("ascii").strip()

    async def _say(self, writer: asyncio.StreamWriter, line: str) -> None:
        writer.write(f"{line}\r\n".encode())
        await writer.drain()


@asynccontextmanager
async def mail_server() -> AsyncIterator[MailServer]:
    made = MailServer()
    server = await asyncio.start_server(made.serve, "127.0.0.1", 0)
    made.port = server.sockets[0].getsockname()[1]
    try:
        yield made
    finally:
        server.close()
        await server.wait_closed()
