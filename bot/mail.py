"""E-mail through SMTP: one short plain message to addresses from the settings. The only place that knows aiosmtplib."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from email.message import EmailMessage
from email.utils import format_datetime

import aiosmtplib

from bot.errors import DeliveryError

TIMEOUT_S = 20
RETRY_AFTER_S = 5.0
TLS_PORT = 465
"""On this port the connection itself is TLS (RFC 8314); elsewhere STARTTLS is asked for."""


@dataclass(frozen=True, slots=True)
class Post:
    """The post office: where mail is handed in, and for whom it is."""

    host: str
    port: int
    sender: str
    to: Sequence[str]
    user: str = ""
    password: str = field(default="", repr=False)
    starttls: bool = True

    async def send(self, subject: str, text: str, mark: str, now: datetime) -> None:
        """`mark` names the message for good, so that one sent twice can be known as the same.

        Raises: DeliveryError (without `retry_after_s` where only people can mend it: a password, an address).
        """
        client = aiosmtplib.SMTP(
            hostname=self.host,
            port=self.port,
            username=self.user or None,
            password=self.password or None,
            use_tls=self.port == TLS_PORT,
            start_tls=self.starttls if self.port != TLS_PORT else False,
            timeout=TIMEOUT_S,
        )
        try:
            await client.connect()
            await client.send_message(self._letter(subject, text, mark, now), recipients=list(self.to))
        except (aiosmtplib.SMTPException, OSError) as error:
            raise refused(error) from None
        finally:
            client.close()  # without a good-bye: a server that does not answer it could hold the service's stop up

    def _letter(self, subject: str, text: str, mark: str, now: datetime) -> EmailMessage:
        message = EmailMessage()
        message["From"], message["To"], message["Subject"] = self.sender, ", ".join(self.to), subject
        message["Date"] = format_datetime(now)
        message["Message-ID"] = f"<firstline-{mark}@{self.sender.rpartition('@')[2].strip('<> ') or 'localhost'}>"
        message["Auto-Submitted"] = "auto-generated"
        message.set_content(text)
        return message


def refused(error: Exception) -> DeliveryError:
    """What a fault of the post means: a code, and whether trying again may help."""
    match error:
        case aiosmtplib.SMTPAuthenticationError():
            return DeliveryError("token_refused", provider_down=True)
        case aiosmtplib.SMTPRecipientsRefused():
            is_for_good = all(each.code >= 500 for each in error.recipients)
            return DeliveryError("undeliverable", None if is_for_good else RETRY_AFTER_S)
        case aiosmtplib.SMTPTimeoutError():
            return DeliveryError("timeout", RETRY_AFTER_S, in_doubt=True, provider_down=True)
        case aiosmtplib.SMTPResponseException():
            again = RETRY_AFTER_S if error.code < 500 else None
            return DeliveryError(f"smtp_{error.code}", again, provider_down=True)
        case _:
            return DeliveryError("no_connection", RETRY_AFTER_S, provider_down=True)
