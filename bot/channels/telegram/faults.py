"""What Telegram's refusals mean for a delivery."""

from telegram.error import BadRequest, ChatMigrated, Forbidden, InvalidToken, NetworkError, TelegramError, TimedOut

from bot.channels.telegram.request import Flood, Lost, NoConnection
from bot.errors import DeliveryError

TOKEN_PAUSE_S = 60.0
UNEXPECTED_PAUSE_S = 60.0
_BAD_REQUESTS = {
    "chat not found": "chat_not_found",
    "message is too long": "too_long",
    "can't parse entities": "cannot_parse",
    "message text is empty": "empty",
    "not enough rights": "no_rights",
}


def delivery_error(error: TelegramError) -> DeliveryError:
    """For our courier: whether to try again, when, and whether it may have arrived."""
    match error:
        case Flood():
            return DeliveryError("flood", retry_after_s=error.retry_after_s)
        case Forbidden():
            return DeliveryError("deactivated" if "deactivated" in error.message.lower() else "blocked")
        case ChatMigrated():
            return DeliveryError("chat_migrated")
        case InvalidToken():
            return DeliveryError("token_refused", retry_after_s=TOKEN_PAUSE_S, provider_down=True)
        case BadRequest():
            return DeliveryError(bad_request(error))
        case NoConnection():
            return DeliveryError("no_connection", retry_after_s=0, provider_down=True)
        case Lost() | TimedOut():
            return DeliveryError(error.message, retry_after_s=0, in_doubt=True, provider_down=True)
        case NetworkError():
            return DeliveryError("unexpected_answer", retry_after_s=UNEXPECTED_PAUSE_S, in_doubt=True)
        case _:
            return DeliveryError("refused")


def bad_request(error: BadRequest) -> str:
    """A short name for what Telegram would not do."""
    said = error.message.lower()
    return next((name for words, name in _BAD_REQUESTS.items() if words in said), "bad_request")
