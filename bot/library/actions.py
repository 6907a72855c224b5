"""The names of actions a flow may use: those the engine runs itself, and those rasa-sdk runs."""

from collections.abc import Mapping

from bot.domain import SlotValue

BUILTIN_ACTIONS = frozenset(
    {
        "action_back",
        "action_carry_on",
        "action_change_answer",
        "action_delete",
        "action_hand_over",
        "action_repeat",
        "action_restart",
        "action_stop",
        "action_switch_language",
        "action_why",
    }
)
CUSTOM_ACTIONS = frozenset({"action_handover_summary", "action_opening_hours", "action_record_of_advice"})

ACTION_OUTCOMES: Mapping[str, tuple[Mapping[str, SlotValue], ...]] = {
    "action_opening_hours": ({"service_open": True}, {"service_open": False}),
}
"""What a custom action may find; others set nothing that decides the way."""


def filled_by(action: str) -> frozenset[str]:
    """The slots an action may fill, where that decides the way."""
    return frozenset(name for found in ACTION_OUTCOMES.get(action, ()) for name in found)
