"""`slots:` of a file as Slots."""

import re

from bot.library.form import Form, items_of, table_of
from bot.library.loading import Loading
from bot.library.marked import Entry, Marked, Scalar
from bot.library.model import Slot, SlotType

SLOT_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")
NULLS = frozenset({"none", "null", "undefined"})
"""As the value in a button's payload, these empty the slot (Rasa's rule)."""
_REFUSED = {"validation": "use rejections on the collect step", "strict_categorical": "values are always strict"}
_REFUSED_TYPES = {"list": "use several bool slots", "dict": "use several slots"}


def read_slots(value: Marked, loading: Loading) -> None:
    """Adds every slot of a `slots:` map to `loading.slots`."""
    for entry in table_of(value, "slots:", loading.complaints) or ():
        first = loading.slots.get(entry.key)
        if not SLOT_NAME.fullmatch(entry.key):
            message = f"'{entry.key}' cannot be a slot's name"
            loading.complaints.error(entry.where, "slot-name", message, "use letters, digits, _ and -")
        elif first:
            message = f"slot '{entry.key}' is declared twice (first in {first.where})"
            loading.complaints.error(entry.where, "duplicate-slot", message, "keep one of them")
        else:
            loading.slots[entry.key] = _slot(entry, loading)


def _slot(entry: Entry, loading: Loading) -> Slot:
    table = table_of(entry.value, f"slot '{entry.key}'", loading.complaints)
    if table is None:
        return Slot(entry.key, SlotType.ANY, entry.where)
    form = Form(table, f"slot '{entry.key}'", loading.complaints)
    kind = _type(form)
    slot = Slot(entry.key, kind, entry.where, _values(form, kind), _limit(form, "min_value"), _limit(form, "max_value"))
    slot = _with_initial_value(slot, form, loading)
    _mappings(form)
    form.close(ignored=("influence_conversation",), refused=_REFUSED)
    return slot


def _type(form: Form) -> SlotType:
    scalar = form.scalar("type", required=True)
    if scalar and scalar.text in _REFUSED_TYPES:
        message = f"Firstline has no slots of type {scalar.text}"
        form.complaints.error(scalar.where, "refused", message, _REFUSED_TYPES[scalar.text])
        return SlotType.ANY
    chosen = form.chosen(scalar, [kind.value for kind in SlotType]) if scalar else None
    return SlotType(chosen) if chosen else SlotType.ANY


def _values(form: Form, kind: SlotType) -> tuple[str, ...]:
    is_categorical = kind is SlotType.CATEGORICAL
    scalars = form.scalars("values", required=is_categorical, empty=False)
    if scalars and not is_categorical and kind is not SlotType.ANY:
        form.complaints.error(form.place("values"), "unknown-key", f"a slot of type {kind} has no values")
    seen: dict[str, str] = {}
    for scalar in scalars:
        if scalar.text.lower() in seen:
            form.complaints.error(scalar.where, "duplicate-key", f"the value '{scalar.text}' is here twice")
        if scalar.text.lower() in NULLS:
            message = f"a button that sets '{scalar.text}' empties the slot"
            form.complaints.warning(scalar.where, "bad-value", message, "choose another word, as neither")
        seen.setdefault(scalar.text.lower(), scalar.text)
    return tuple(seen.values())


def _limit(form: Form, key: str) -> float | None:
    scalar = form.scalar(key)
    try:
        return float(scalar.text) if scalar else None
    except ValueError:
        form.complaints.error(form.place(key), "bad-value", f"'{key}' is a number")
        return None


def _with_initial_value(slot: Slot, form: Form, loading: Loading) -> Slot:
    value = form.value("initial_value")
    if value is None or (isinstance(value, Scalar) and value.is_null):
        return slot
    scalar = form.scalar("initial_value")
    good, initial = loading.value(slot, scalar.text, scalar.where) if scalar else (False, None)
    if not good:
        return slot
    return Slot(slot.name, slot.type, slot.where, slot.values, slot.min_value, slot.max_value, initial)


def _mappings(form: Form) -> None:
    """Only `controlled`: buttons, set_slots, actions and the answer to the question being asked fill slots."""
    value = form.value("mappings")
    if value is None:
        message = f"{form.what} has no mappings, so Rasa would fill it from a language model"
        form.complaints.warning(form.where, "missing-key", message, "add mappings: [{type: controlled}]")
        return
    for item in items_of(value, "'mappings'", form.complaints):
        table = table_of(item, "a mapping", form.complaints)
        if table:
            mapping = Form(table, "a mapping", form.complaints)
            kind = mapping.scalar("type", required=True)
            if kind and kind.text != "controlled":
                message = f"Firstline fills no slot by '{kind.text}'"
                form.complaints.error(kind.where, "refused", message, "write type: controlled")
            mapping.close()
