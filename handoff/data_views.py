"""What the data views hold, in words: for the page of the docs, for Datasette, and for whoever opens a CSV.

The views themselves are in `handoff/migrations/views.py`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class View:
    """`says`: what one row is. `columns`: what each holds, in order."""

    says: str
    columns: Mapping[str, str]


_DAY = "The day, in the service's own time zone."
_HOUR = "The hour of that day, 0 to 23."
_MONTH = "The month, as 2026-11."
_CHANNEL = "How they came: web, telegram, whatsapp, rest."
_ROLE = "Who asked, as a code; empty when nobody knows."
_NATION = "england, wales, scotland or northern_ireland."
_CONCERN = "The main concern as it was recorded; see data_terms."
_LABEL = "What that concern is called now."
_PLATFORM = "The platform it is about."
_LIBRARY = "The version of flows and content that answered; demo: invented for a demonstration."
_YES = "1 yes, 0 no."

VIEWS: Final[Mapping[str, View]] = {
    "data_cases": View(
        "A case that has ended. Practice is never among them.",
        {
            "day": "The day the case was opened, in the service's own time zone.",
            "hour": _HOUR,
            "channel": _CHANNEL,
            "language": "The language of the conversation.",
            "role": _ROLE,
            "setting": "Where they work.",
            "nation": _NATION,
            "concern": "The main concern the adviser closed it with; else what the bot heard.",
            "concern_label": _LABEL,
            "heard_as": "What the bot heard.",
            "concerns": "All concerns the adviser chose, the main one first, as a JSON array.",
            "categories_version": "The version of the categories they are of.",
            "platform": _PLATFORM,
            "reason": "Why it came to an adviser.",
            "urgency": "0 danger, 1 urgent, 2 soon, 3 routine.",
            "lane": "live, messages or call_backs.",
            "outcome": "How it ended; left: they were gone before anybody answered.",
            "route": "Where it went.",
            "escalation": "needed; clarified: they asked, and it need not be; not_a_question.",
            "knew_tools": "Whether they knew the tool to block, report or remove.",
            "scope": "Whether the Online Safety Act's duties reach the content, as the adviser judged.",
            "addresses_reported": "How many addresses were reported to a platform.",
            "signposts": "The services they were told of, as a JSON array.",
            "follow_up": f"Somebody is to come back to it. {_YES}",
            "feedback_asked": f"They were asked what they thought of the service. {_YES}",
            "is_return": f"The same conversation had a case before. {_YES}",
            "wait_claim_min": "Whole minutes until an adviser took it, nights included.",
            "wait_answer_min": "Whole minutes until the first answer, nights included.",
            "handling_min": "Whole minutes from then on until it was closed.",
            "answered_in_time": f"By its deadline. {_YES}",
            "put_back": "How often it went back into the queue.",
            "library": _LIBRARY,
        },
    ),
    "data_contacts": View(
        "A contact with the bot, whether or not a case came of it. Never add contacts and cases.",
        {
            "day": "The day of its first turn.",
            "hour": _HOUR,
            "channel": _CHANNEL,
            "language": "The language of the conversation.",
            "role": _ROLE,
            "nation": _NATION,
            "concern": "What the bot heard it is mainly about.",
            "concern_label": _LABEL,
            "concerns": "All that the bot heard, the main one first, as a JSON array.",
            "platform": _PLATFORM,
            "turns": "How often they said something.",
            "misses": "How often the bot did not follow.",
            "danger": f"The danger screen was shown. {_YES}",
            "advised": "The gravest outcome of the pages shown.",
            "knew_tools": "Whether they knew the tool, where the bot asked.",
            "helped": "yes, partly or no, where they said.",
            "stood": "How it stands, or ended.",
            "is_return": f"They had been there before. {_YES}",
            "library": _LIBRARY,
        },
    ),
    "data_takedowns": View(
        "One thing that was reported to a platform, or was to be. Never its address.",
        {
            "day": "The day it was written down.",
            "platform": "Where it is.",
            "what": "post, account, video, comment, image, group or other.",
            "nation": _NATION,
            "concern": _CONCERN,
            "concern_label": _LABEL,
            "stage": "How it stands.",
            "reported": f"By them or by us. {_YES}",
            "on_behalf": f"We asked the platform ourselves. {_YES}",
            "hours": "Whole hours from the first report until it was seen to be gone; empty while it is not.",
            "within_72": f"Gone within 72 hours. {_YES}",
        },
    ),
    "data_cases_by_month": View(
        "A month in which cases were opened.",
        {
            "month": _MONTH,
            "cases": "How many.",
            "answered": "An adviser answered.",
            "left_before_answer": "They were gone before anybody answered.",
            "returned": "The same conversation had a case before.",
            "escalation_needed": "It had to be escalated.",
            "escalation_clarified": "They asked, and it need not be.",
            "did_not_know_tools": "They did not know the tool to block, report or remove.",
            "in_scope": "The Online Safety Act's duties reach it.",
            "out_of_scope": "They do not.",
        },
    ),
    "data_cases_by_concern": View(
        "A concern in a month.",
        {
            "month": _MONTH,
            "concern": _CONCERN,
            "concern_label": _LABEL,
            "main": "Cases of which it is the main concern: these add up to all cases.",
            "involved": "Cases of which it is the main or another one: these overlap.",
        },
    ),
    "data_waits": View(
        "A lane in a month: how long those who were answered had waited, nights included.",
        {
            "month": _MONTH,
            "lane": "live, messages or call_backs.",
            "answered": "How many.",
            "median_s": "Half waited no longer, in seconds.",
            "nine_of_ten_s": "Nine of ten waited no longer.",
            "longest_s": "Nobody waited longer.",
        },
    ),
    "data_load": View(
        "A month: what all advisers together closed.",
        {
            "month": _MONTH,
            "closed": "Cases.",
            "advisers": "How many advisers closed any.",
            "handled_s": "Seconds from claim to close, added up.",
        },
    ),
    "data_steps": View(
        "A step of a flow on a day: how often it was reached, and how often nothing came after it.",
        {
            "day": _DAY,
            "flow": "The flow.",
            "step": "The step in it.",
            "reached": "How often.",
            "left_here": "Of these, how often it was the last.",
        },
    ),
    "data_pages": View(
        "A page on a day: how often it was shown, and what was said of it.",
        {
            "day": _DAY,
            "page": "The page.",
            "shown": "How often.",
            "helped": "It helped.",
            "partly": "It helped in part.",
            "not_helped": "It did not help.",
        },
    ),
    "data_misses": View(
        "What no flow took on a day.",
        {
            "day": _DAY,
            "kind": "not_understood, no_page or out_of_scope.",
            "about": "What it seemed to be about.",
            "platform": _PLATFORM,
            "step": "Where in the flows it was.",
            "times": "How often.",
        },
    ),
    "data_terms": View(
        "A category: what it is called, and as what it counts now.",
        {
            "code": "As it stands in the other views.",
            "label": "What it is called, or was last.",
            "first_version": "The first version of the list with it.",
            "last_version": "The last version in which it lived.",
            "lives": f"It is in the newest version. {_YES}",
            "counts_as": "The living category that took its place; its own code while it lives; empty when none did.",
            "counts_as_label": "What that one is called.",
        },
    ),
}
