"""What is wrong in an editor's file: where, in plain words, and what to write instead."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Literal

from bot.library.model import Where

Severity = Literal["error", "warning"]

CODES: Mapping[str, str] = {
    # files and YAML
    "file-name": "a file that would not be read because of its name",
    "not-text": "the file is not UTF-8 text",
    "too-large": "the file is too large",
    "not-yaml": "the YAML cannot be read",
    "duplicate-key": "the same key twice",
    "yaml-extra": "tags, and aliases without end",
    "environment": "${NAME} is not filled in",
    "jinja": "Jinja is not run",
    "unknown-key": "a key that means nothing here",
    "ignored-key": "a key of Rasa's that has no effect here",
    "refused": "something of Rasa's that Firstline does not do",
    "missing-key": "a key that must be there",
    "wrong-kind": "a list, a map or a value where another is needed",
    "empty": "nothing where something is needed",
    "bad-value": "a value of the wrong form",
    "not-a-choice": "a value outside a closed list",
    # flows
    "flow-id": "a flow's id of the wrong form",
    "duplicate-flow": "two flows of one id",
    "no-flow": "a flow that does not exist",
    "intent-twice": "one intent starts two flows",
    "step-kind": "a step of no kind, or of two",
    "step-id": "a step's id that is reserved or of the wrong form",
    "duplicate-step": "two steps of one id",
    "no-step": "a step that does not exist",
    "unreachable-step": "a step nothing leads to",
    "if-without-else": "branches without else",
    "open-branch": "a nested list that does not say where to go on",
    "link-not-last": "steps after a link",
    "link-target": "a flow that may not be linked to",
    "call-target": "a flow that may not be called",
    "call-cycle": "flows that call each other in a circle",
    "no-action": "an action that does not exist",
    "no-response": "a response that does not exist",
    "persisted-slot": "a kept slot that the flow does not fill",
    "dont-know": "nobody can tell which answer is the risky one",
    "hand-over": "hand-over keys on another link",
    # slots and conditions
    "duplicate-slot": "two slots of one name",
    "no-slot": "a slot that does not exist",
    "slot-name": "a slot's name of the wrong form",
    "slot-value": "a value the slot cannot hold",
    "condition-syntax": "a condition that cannot be read",
    "condition-mixed": "and beside or without parentheses",
    "condition-unquoted": "a word without quotes in a condition",
    "condition-context": "context outside patterns",
    "condition-type": "text compared with a number",
    "condition-null": "an ordering on a slot that may be null",
    "condition-value": "a word the slot never holds",
    "condition-truth": "a condition that is true for the answer 'no'",
    # words
    "duplicate-response": "two responses of one id",
    "response-id": "a response's id of the wrong form",
    "never-said": "a variation that can never be said",
    "no-default": "a response that may have nothing to say",
    "payload": "a button payload of the wrong form",
    "payload-slot": "a button that sets a slot its step does not ask for",
    "payload-intent": "a button whose intent starts nothing",
    "split": "a question that does not tell concerns apart",
    "no-page": "a page that does not exist",
    "no-section": "a heading the page does not have",
    "placeholder": "a placeholder nothing fills",
    "language": "a language that is not declared",
    # content
    "front-matter": "a page without front matter",
    "page-id": "a page's id that is not its file name",
    "duplicate-page": "two pages of one id",
    "page-kind": "a page in the wrong folder",
    "heading": "a heading that is missing or unknown",
    "no-text": "a page or section without words",
    "no-route": "a rule of a threshold without its route",
    "no-term": "a threshold's framework that no term names",
    "one-rule": "a response that shows a threshold page, but not exactly one rule",
    "unused-rule": "a rule no step decides by",
    "verify": "an unverified page without its open point",
    "checked-on": "a verified page with an unchecked source",
    "no-original": "a translation of a page that does not exist",
    "no-service": "no page about the service itself",
}


@dataclass(frozen=True, slots=True)
class Complaint:
    """One thing wrong; `fix` says what to write instead."""

    file: str
    line: int
    column: int
    code: str
    message: str
    fix: str = ""
    severity: Severity = "error"

    def __str__(self) -> str:
        fix = f" ({self.fix})" if self.fix else ""
        return f"{self.file}:{self.line}:{self.column}: {self.message}{fix}"


@dataclass(slots=True)
class Complaints:
    """Collects what is wrong while reading goes on, so that everything is said in one go."""

    found: list[Complaint] = field(default_factory=list)

    def error(self, where: Where, code: str, message: str, fix: str = "") -> None:
        self.found.append(Complaint(where.file, where.line, where.column, code, message, fix))

    def warning(self, where: Where, code: str, message: str, fix: str = "") -> None:
        self.found.append(Complaint(where.file, where.line, where.column, code, message, fix, "warning"))

    @property
    def errors(self) -> int:
        return sum(complaint.severity == "error" for complaint in self.found)

    def sorted(self) -> tuple[Complaint, ...]:
        """In the order of the files; the same thing said once."""
        return tuple(sorted(set(self.found), key=lambda c: (c.file, c.line, c.column, c.code, c.message)))


def did_you_mean(word: str, known: Iterable[str], otherwise: str = "") -> str:
    """A fix that names the closest known word; `otherwise` when nothing is close."""
    close = get_close_matches(word, list(known), n=1)
    return f"did you mean '{close[0]}'?" if close else otherwise


def one_of(choices: Iterable[str]) -> str:
    listed = ", ".join(choices)
    return f"one of: {listed}" if listed else ""
