"""Asks Telegram for the bot's name, which deep links need."""

from telegram import Bot
from telegram.error import InvalidToken, TelegramError

from bot.channels.telegram.request import AiohttpRequest
from bot.errors import FirstlineError

REFUSED = "Telegram refused FIRSTLINE_TELEGRAM_TOKEN. Copy it from BotFather again, or give the name: --name."
NOT_REACHED = "Telegram was not reached to ask for the bot's name. Try again, or give it: --name."


async def bot_name(token: str, api: str) -> str:
    """Without the @.

    Raises: FirstlineError, saying what to do.
    """
    base, request = api.rstrip("/"), AiohttpRequest()
    bot = Bot(token.strip() or "none", base_url=lambda known: f"{base}/bot{known}", request=request)
    try:
        me = await bot.get_me()
    except InvalidToken:
        raise FirstlineError(REFUSED) from None
    except TelegramError:
        raise FirstlineError(NOT_REACHED) from None
    finally:
        await request.shutdown()
    return me.username or ""
