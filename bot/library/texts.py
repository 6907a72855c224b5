"""What editors' texts may hold: `{placeholders}` that something fills, and no templates."""

import re
from collections.abc import Collection
from dataclasses import dataclass

from bot.library.complaints import did_you_mean, one_of
from bot.library.loading import Loading
from bot.library.marked import Scalar

_TEMPLATE = re.compile(r"\{\{|\{%|\{#")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_PLACEHOLDER = re.compile(r"\{([^{}]*)\}")


def check_text(scalar: Scalar, response: str, loading: Loading) -> None:
    """Complain of templates now, and note the placeholders, which are looked up when everything is read."""
    if template := _TEMPLATE.search(scalar.text):
        fix = "use {slot} and condition"
        loading.complaints.error(scalar.at(template.start()), "jinja", "Jinja is not run here", fix)
        return
    for found in _PLACEHOLDER.finditer(scalar.text):
        where = scalar.at(found.start())
        loading.placeholders.append((found.group(1), where, response))
        if found.group(1).startswith("context."):
            loading.context_uses.append((response, where))


@dataclass(frozen=True, slots=True)
class Fillers:
    """Everything that may fill a placeholder; `said`: responses said by steps, which are handed slots only."""

    slots: Collection[str]
    terms: Collection[str]
    service: Collection[str]
    said: Collection[str]

    def check(self, loading: Loading) -> None:
        for name, where, response in loading.placeholders:
            known = self.known(name, response)
            if known is not None and name not in known:
                fix = did_you_mean(name, known, one_of(known) if "." in name else "a slot, {term.x} or {service.x}")
                loading.complaints.error(where, "placeholder", f"nothing fills {{{name}}}", fix)

    def known(self, name: str, response: str) -> list[str] | None:
        """What could be meant; None when anything may fill it: what the engine and actions say has own arguments."""
        match name.partition(".")[0] if "." in name else "":
            case "term":
                return sorted(f"term.{term}" for term in self.terms)
            case "service":
                return [f"service.{key}" for key in self.service]
            case "context":
                return None
            case _:
                is_engines = bool(response) and response not in self.said and _NAME.fullmatch(name)
                return None if is_engines else list(self.slots)
