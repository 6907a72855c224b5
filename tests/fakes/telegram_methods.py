"""The methods of the Bot API: one function each, of the server and the parameters, giving the result.

Raises: Refused, as Telegram would.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from tests.fakes import telegram_rules as rules
from tests.fakes.telegram_chats import Chat, Message, full
from tests.fakes.telegram_rules import Json, Refused, bad
from tests.fakes.telegram_updates import Hook

if TYPE_CHECKING:
    from tests.fakes.telegram import FakeTelegram

DELETABLE_FOR = timedelta(hours=48)
UNCHANGED = "message is not modified: specified new message content and reply markup are exactly the same as a current \
content and reply markup of the message"
TOO_OLD = "query is too old and response timeout expired or query ID is invalid"


class Params:
    """What a call was given, however it was sent: values of a form are read as JSON where an object is due."""

    def __init__(self, given: Json) -> None:
        self.given = given

    def text(self, name: str) -> str:
        value = self.given.get(name)
        return "" if value is None else value if isinstance(value, str) else json.dumps(value)

    def number(self, name: str, otherwise: int = 0) -> int:
        try:
            return int(self.given.get(name, otherwise))
        except (TypeError, ValueError):
            return otherwise

    def flag(self, name: str) -> bool:
        return str(self.given.get(name, "")).lower() in ("true", "1", "yes")

    def object(self, name: str) -> Any:
        value = self.given.get(name)
        if not isinstance(value, str):
            return value
        try:
            return json.loads(value) if value else None
        except ValueError:
            raise bad(f"can't parse {name} JSON object") from None


Method = Callable[["FakeTelegram", Params], Any]


def get_me(fake: FakeTelegram, _: Params) -> Json:
    can = {"can_join_groups": True, "can_read_all_group_messages": not fake.privacy, "supports_inline_queries": False,
           "can_connect_to_business": False, "has_main_web_app": False}  # fmt: skip
    return {**fake.bot_user(), **can}


# --- messages


def send_message(fake: FakeTelegram, params: Params) -> Json:
    chat = writable(fake, params)
    made = rules.formatted(params.text("text"), params.text("parse_mode"), params.object("entities"))
    rows = rules.keyboard(params.object("reply_markup"))
    answered = params.object("reply_parameters") or {}
    if answered and answered.get("message_id") not in chat.standing and not answered.get("allow_sending_without_reply"):
        raise bad("message to be replied not found")
    fake.pace(chat)
    message = Message(fake.number(), chat.id, fake.bot_id, True, int(fake.now().timestamp()))
    _write(message, params, made, rows)
    chat.standing[message.id] = fake.every_message[message.id] = message
    fake.sent_texts.append((chat.id, message.text))
    return fake.payload(message)


def edit_message_text(fake: FakeTelegram, params: Params) -> Json:
    message = editable(fake, params)
    made = rules.formatted(params.text("text"), params.text("parse_mode"), params.object("entities"))
    rows = rules.keyboard(params.object("reply_markup"), only_inline=True)
    if (made.text, made.entities, rows) == (message.text, message.entities, message.keyboard):
        raise bad(UNCHANGED)
    _write(message, params, made, rows)
    message.edited = int(fake.now().timestamp())
    return fake.payload(message)


def _write(message: Message, params: Params, made: rules.Formatted, rows: list[list[Json]]) -> None:
    message.text, message.entities, message.sent_as = made.text, made.entities, params.text("text")
    message.preview = not (params.object("link_preview_options") or {}).get("is_disabled", False)
    _show(message, rows)


def _show(message: Message, rows: list[list[Json]]) -> None:
    message.keyboard = rows
    message.offered += [button for row in rows for button in row]


def edit_message_reply_markup(fake: FakeTelegram, params: Params) -> Json:
    message = editable(fake, params)
    rows = rules.keyboard(params.object("reply_markup"), only_inline=True)
    if rows == message.keyboard:
        raise bad(UNCHANGED)
    _show(message, rows)
    message.edited = int(fake.now().timestamp())
    return fake.payload(message)


def delete_message(fake: FakeTelegram, params: Params) -> bool:
    chat = writable(fake, params)
    message = chat.standing.get(params.number("message_id"))
    if message is None:
        raise bad("message to delete not found")
    too_old = fake.now().timestamp() - message.date > DELETABLE_FOR.total_seconds()
    others = not message.from_bot and chat.kind != "private" and not chat.admin
    if too_old or others or chat.undeletable or message.kind == "service":
        raise bad("message can't be deleted for everyone")
    del chat.standing[message.id]
    return True


def answer_callback_query(fake: FakeTelegram, params: Params) -> bool:
    query = fake.queries.get(params.text("callback_query_id"))
    if rules.units(params.text("text")) > rules.NOTICE:
        raise bad("MESSAGE_TOO_LONG")
    if query is None or query.answer is not None or fake.now() - query.at > fake.query_life:
        raise bad(TOO_OLD)
    query.answer = {"text": params.text("text"), "show_alert": params.flag("show_alert")}
    return True


def send_chat_action(fake: FakeTelegram, params: Params) -> bool:
    chat = writable(fake, params)
    if params.text("action") not in rules.ACTIONS:
        raise bad("wrong parameter action in request")
    chat.actions.append(params.text("action"))
    return True


def get_file(fake: FakeTelegram, params: Params) -> Json:
    fake.get_file_calls.append(params.text("file_id"))
    raise bad("this bot must not fetch files")


# --- chats


def known(fake: FakeTelegram, params: Params) -> Chat:
    if not params.text("chat_id"):
        raise bad("chat_id is empty")
    chat = fake.chats.get(params.number("chat_id"))
    if chat is None or not chat.found:
        raise bad("chat not found")
    return chat


def writable(fake: FakeTelegram, params: Params) -> Chat:
    chat = known(fake, params)
    if chat.moved_to is not None:
        raise Refused(400, "group chat was upgraded to a supergroup chat", migrate_to_chat_id=chat.moved_to)
    if chat.blocked:
        raise Refused(403, "bot was blocked by the user")
    if not chat.member:
        raise Refused(403, f"bot is not a member of the {chat.kind} chat")
    return chat


def editable(fake: FakeTelegram, params: Params) -> Message:
    message = writable(fake, params).standing.get(params.number("message_id"))
    if message is None:
        raise bad("message to edit not found")
    if not message.from_bot:
        raise bad("message can't be edited")
    return message


def get_chat(fake: FakeTelegram, params: Params) -> Json:
    return full(known(fake, params))


def leave_chat(fake: FakeTelegram, params: Params) -> bool:
    chat = writable(fake, params)
    if chat.kind == "private":
        raise bad("chat member status can't be changed in private chats")
    chat.member = False
    return True


# --- about the bot


def _scope(params: Params) -> tuple[str, str]:
    scope = params.object("scope") or {"type": "default"}
    return json.dumps(scope, sort_keys=True), rules.language(params.text("language_code"))


def set_my_commands(fake: FakeTelegram, params: Params) -> bool:
    fake.commands[_scope(params)] = rules.commands(params.object("commands"))
    return True


def get_my_commands(fake: FakeTelegram, params: Params) -> list[Json]:
    return fake.commands.get(_scope(params), [])


def delete_my_commands(fake: FakeTelegram, params: Params) -> bool:
    fake.commands.pop(_scope(params), None)
    return True


def _describe(name: str, longest: int) -> Method:
    def describe(fake: FakeTelegram, params: Params) -> bool:
        if rules.units(params.text(name)) > longest:
            raise bad(f"{name} is too long")
        fake.descriptions[name, rules.language(params.text("language_code"))] = params.text(name)
        return True

    return describe


# --- the webhook


def set_webhook(fake: FakeTelegram, params: Params) -> bool:
    if "url" not in params.given:
        raise bad("bad webhook: url must be given")
    if not params.text("url"):
        return delete_webhook(fake, params)
    hook = Hook(rules.webhook(params.text("url")), rules.secret(params.text("secret_token")))
    hook.connections = min(max(params.number("max_connections", 40), 1), 100)
    _allow(fake, params)
    _forget(fake, params)
    fake.updates.set_hook(hook)
    return True


def delete_webhook(fake: FakeTelegram, params: Params) -> bool:
    _forget(fake, params)
    fake.updates.set_hook(Hook())
    return True


def _forget(fake: FakeTelegram, params: Params) -> None:
    if params.flag("drop_pending_updates"):
        fake.updates.waiting.clear()


def _allow(fake: FakeTelegram, params: Params) -> None:
    """What is not given stays as it was; an empty list is the usual kinds."""
    allowed = params.object("allowed_updates")
    if allowed is not None:
        fake.updates.allowed = frozenset(allowed)


def get_webhook_info(fake: FakeTelegram, _: Params) -> Json:
    hook = fake.updates.hook
    info: Json = {"url": hook.url, "has_custom_certificate": False, "pending_update_count": len(fake.updates.waiting)}
    if hook.url:
        info |= {"max_connections": hook.connections, "ip_address": "127.0.0.1"}
    if hook.failed_at is not None:
        info |= {"last_error_date": hook.failed_at, "last_error_message": hook.failed_with}
    if fake.updates.allowed:
        info["allowed_updates"] = sorted(fake.updates.allowed)
    return info


async def get_updates(fake: FakeTelegram, params: Params) -> list[Json]:
    _allow(fake, params)
    return await fake.updates.get(params.number("offset"), params.number("limit", 100), params.number("timeout"))


METHODS: dict[str, Method] = {
    "getme": get_me,
    "sendmessage": send_message,
    "editmessagetext": edit_message_text,
    "editmessagereplymarkup": edit_message_reply_markup,
    "deletemessage": delete_message,
    "answercallbackquery": answer_callback_query,
    "sendchataction": send_chat_action,
    "getfile": get_file,
    "getchat": get_chat,
    "leavechat": leave_chat,
    "setmycommands": set_my_commands,
    "getmycommands": get_my_commands,
    "deletemycommands": delete_my_commands,
    "setmydescription": _describe("description", 512),
    "setmyshortdescription": _describe("short_description", 120),
    "setwebhook": set_webhook,
    "deletewebhook": delete_webhook,
    "getwebhookinfo": get_webhook_info,
    "getupdates": get_updates,
}
"""By the method's name in small letters: Telegram does not mind the case."""
