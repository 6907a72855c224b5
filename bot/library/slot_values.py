"""What a slot can hold: words of a file or a button as a value of the slot's type."""

import math

from bot.domain import MAX_SLOT_CHARACTERS, SlotValue
from bot.library.complaints import did_you_mean, one_of
from bot.library.model import Slot, SlotType

_BOOLS = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}


def value_of(slot: Slot, text: str) -> SlotValue:
    """The words as the slot's value. Raises: ValueError, whose two arguments are a message and a fix."""
    match slot.type:
        case SlotType.BOOL:
            return _truth(slot, text)
        case SlotType.FLOAT:
            return _number(slot, text)
        case SlotType.CATEGORICAL:
            return _category(slot, text)
        case SlotType.TEXT | SlotType.ANY:
            if len(text) > MAX_SLOT_CHARACTERS:
                raise ValueError(f"longer than {MAX_SLOT_CHARACTERS} characters", "")
            return text


def _truth(slot: Slot, text: str) -> bool:
    if text.lower() not in _BOOLS:
        raise ValueError(f"slot '{slot.name}' is true or false, not '{text}'", "")
    return _BOOLS[text.lower()]


def _number(slot: Slot, text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        raise ValueError(f"slot '{slot.name}' is a number, not '{text}'", "") from None
    if not math.isfinite(number):
        raise ValueError(f"slot '{slot.name}' is a number, not '{text}'", "")
    if slot.min_value is not None and number < slot.min_value:
        raise ValueError(f"slot '{slot.name}' is at least {slot.min_value:g}, not '{text}'", "")
    if slot.max_value is not None and number > slot.max_value:
        raise ValueError(f"slot '{slot.name}' is at most {slot.max_value:g}, not '{text}'", "")
    return number


def _category(slot: Slot, text: str) -> str:
    for value in slot.values:
        if value.lower() == text.lower():
            return value
    message = f"slot '{slot.name}' has no value '{text}'"
    raise ValueError(message, did_you_mean(text, slot.values, one_of(slot.values)))
