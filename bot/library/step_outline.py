"""Names the steps of one flow before they are read: the nested lists, the ids written and Rasa's default ids."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from bot.library.complaints import Complaints, did_you_mean, one_of
from bot.library.form import items_of, table_of
from bot.library.marked import Listing, Marked, Scalar, Table
from bot.library.model import Where

KINDS = ("action", "collect", "link", "call", "set_slots", "noop")
RESERVED_IDS = frozenset({"END", "START"})
_REFUSED_KINDS = {
    "slot_was_set": "stories are not read: write flows",
    "intent": "stories are not read: write flows with nlu_trigger",
    "generation_prompt": "write the words as a response",
    "entry_prompt": "write the words as a response",
}


@dataclass(slots=True)
class Outlined:
    """One step with its id; `branches` are the nested lists under its `next`, by the list's place."""

    id: str
    kind: str
    table: Table
    branches: dict[Where, list["Outlined"]] = field(default_factory=dict)


class Outline:
    """The steps of a flow in the order they are written, nested ones right after the step that holds them."""

    def __init__(self, flow: str, steps: Marked, complaints: Complaints) -> None:
        self.flow = flow
        self.complaints = complaints
        self.count = 0
        self.ids: dict[str, Where] = {}
        self.root = self.outline(steps, "'steps'")

    def outline(self, steps: Marked, what: str) -> list[Outlined]:
        outlined = []
        for item in items_of(steps, what, self.complaints):
            step = self.step(item)
            if step:
                outlined.append(step)
        return outlined

    def step(self, item: Marked) -> Outlined | None:
        table = table_of(item, "a step", self.complaints)
        if table is None:
            if isinstance(item, Scalar):
                self.complaints.error(item.where, "step-kind", "a step is a map", one_of(KINDS))
            return None
        kind = self.kind(table)
        index, self.count = self.count, self.count + 1
        step = Outlined(self.id(table, kind, index), kind, table)
        for branch in nested_lists(table):
            step.branches[branch.where] = self.outline(branch, "a branch")
        return step

    def kind(self, table: Table) -> str:
        """The one kind of the step; "" after a complaint."""
        kinds = [kind for kind in KINDS if kind in table]
        if len(kinds) == 1:
            return kinds[0]
        if kinds:
            names = " and ".join(f"'{kind}'" for kind in kinds)
            self.complaints.error(table.where, "step-kind", f"a step is one thing, not {names}", "make two steps")
            return ""
        for entry in table:
            if entry.key in _REFUSED_KINDS:
                self.complaints.error(
                    entry.where, "refused", f"Firstline has no '{entry.key}'", _REFUSED_KINDS[entry.key]
                )
                return ""
        known = {"id", "next", "metadata", "description"}
        close = [did_you_mean(entry.key, KINDS) for entry in table if entry.key not in known]
        fix = next(filter(None, close), one_of(KINDS))
        self.complaints.error(table.where, "step-kind", "nobody can tell what this step does", fix)
        return ""

    def id(self, table: Table, kind: str, index: int) -> str:
        written = table.get("id")
        if isinstance(written, Scalar) and written.text.strip() and self.is_free(written):
            self.ids[written.text] = written.where
            return written.text
        default = f"{self.flow}_{index}_{_postfix(table, kind)}"
        self.ids.setdefault(default, table.where)
        return default

    def is_free(self, written: Scalar) -> bool:
        if written.text in RESERVED_IDS or written.text.startswith("NEXT:"):
            self.complaints.error(written.where, "step-id", f"'{written.text}' is reserved", "choose another id")
            return False
        if written.text in self.ids:
            first = self.ids[written.text].line
            message = f"step '{written.text}' is here twice (first in line {first})"
            self.complaints.error(written.where, "duplicate-step", message, "choose another id")
            return False
        return True


def _postfix(table: Table, kind: str) -> str:
    value = table.get(kind)
    name = value.text if isinstance(value, Scalar) else ""
    match kind:
        case "action":
            return name
        case "collect" | "link" | "call":
            return f"{kind}_{name}"
        case _:
            return kind or "step"


def nested_lists(table: Table) -> Iterator[Listing]:
    """The lists of steps under `then` and `else` of a step's `next`."""
    following = table.get("next")
    if isinstance(following, Listing):
        for branch in following.items:
            if isinstance(branch, Table):
                yield from (entry.value for entry in branch if isinstance(entry.value, Listing))
