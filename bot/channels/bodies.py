"""Reading the JSON body of a request: one way for every channel, strict about what it takes."""

from typing import Any

import msgspec
from aiohttp import web


class Unusable(web.HTTPBadRequest):
    """The request is not one this channel takes; its text says why."""


async def json_of(request: web.Request) -> Any:
    """Raises: Unusable (not JSON, half a character, nested too deep); HTTPUnsupportedMediaType."""
    if request.content_type not in ("application/json", "text/json"):
        raise web.HTTPUnsupportedMediaType(text="Send JSON, with Content-Type: application/json.")
    try:
        return msgspec.json.decode(await request.read())
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise Unusable(text="The body is not JSON in UTF-8.") from None
