"""Two years of invented facts, shaped like what the Professionals Online Safety Helpline has published.

Published, and met: 4,078 cases from 1 November 2021 up to 1 November 2022, 500 % more than in the year before, most of
them about reputation; most enquirers wanted to know whether to escalate; many did not know the tools to block and
report; much was outside the law's scope (saferinternet.org.uk, "Professionals Online Safety Helpline report 2021-22").
Hundreds of cases a week over TikTok in the autumn of 2021. Of 2023-24: several labels to a case, TikTok in most, 94.2 %
of what was reported removed (swgfl.org.uk, "Professionals Online Safety Helpline Annual Report 2024").

Everything else here is made up: every other share, the hours and weekdays, the waits, the contacts, who worked. Nobody
stands behind a row: there never was a case, only its fact. `demo_facts` makes the rows.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Final

from handoff.periods import Days

Weights = Mapping[str | None, int]
"""How often each code, against each other; `None`: nobody knows, or nobody asked."""

SEED: Final = 4078
LIBRARY: Final = "demo"
"""Stands as the version of the library in every fact that was invented."""
CONTACTS_TO_A_CASE: Final = 1.67
"""The bot alone is enough for the others; 334 contacts led to 200 cases in a quarter of 2021."""


@dataclass(frozen=True, slots=True)
class Concern:
    """What cases are about. `years`: of a thousand cases in each year. `needed`, `in_scope`, `takedowns` and `also`
    are of a hundred of its own: had to be escalated, within the Online Safety Act, things reported, other labels."""

    code: str
    years: tuple[int, int]
    needed: int
    in_scope: int
    takedowns: int
    also: Mapping[str, int]


CONCERNS: Final = (
    Concern("reputation", (280, 545), 7, 16, 105,
            {"staff_abuse": 34, "cyberbullying": 31, "reporting_help": 19, "impersonation": 11, "threats": 1}),
    Concern("impersonation", (70, 112), 9, 44, 130, {"reputation": 58, "staff_abuse": 22, "reporting_help": 17}),
    Concern("cyberbullying", (110, 94), 22, 48, 55, {"reporting_help": 16, "reputation": 9, "hate": 4}),
    Concern("staff_abuse", (40, 56), 18, 40, 70, {"reputation": 47, "threats": 8}),
    Concern("reporting_help", (20, 42), 5, 30, 60, {"reputation": 25}),
    Concern("harmful_content", (120, 30), 20, 70, 25, {"challenges_hoaxes": 8}),
    Concern("policy_filtering", (200, 28), 2, 6, 0, {"age_controls": 12}),
    Concern("nudes", (28, 18), 84, 96, 20, {"sextortion": 9, "cyberbullying": 13}),
    Concern("privacy", (38, 17), 8, 22, 45, {"reputation": 14}),
    Concern("challenges_hoaxes", (20, 12), 10, 52, 20, {"harmful_content": 21}),
    Concern("age_controls", (30, 8), 2, 20, 5, {}),
    Concern("threats", (8, 8), 71, 82, 40, {"staff_abuse": 25}),
    Concern("grooming", (14, 7), 88, 95, 8, {"sexual_harassment": 10}),
    Concern("staff_conduct", (10, 7), 79, 35, 6, {}),
    Concern("hate", (4, 5), 30, 74, 50, {"harmful_content": 20}),
    Concern("hacking", (3, 4), 18, 30, 12, {"impersonation": 20}),
    Concern("sexual_harassment", (2, 3), 60, 78, 10, {}),
    Concern("scams", (1, 2), 12, 40, 10, {}),
    Concern("suicide_self_harm", (1, 1), 90, 90, 5, {}),
    Concern("extremism", (1, 1), 80, 85, 10, {}),
)  # fmt: skip
BY_CODE: Final = {concern.code: concern for concern in CONCERNS}


@dataclass(frozen=True, slots=True)
class Year:
    """`months`: how many cases come on a school day of each month, November first, against each other."""

    days: Days
    cases: int
    number: int
    months: tuple[int, ...]
    platforms: Weights


BEFORE: Final = Year(
    Days(date(2020, 11, 1), date(2021, 11, 1)), 680, 0, (10, 9, 13, 12, 11, 10, 10, 9, 8, 8, 16, 44),
    {"facebook": 22, "tiktok": 19, "instagram": 17, "snapchat": 11, "whatsapp": 8, "youtube": 5, "x": 4, "google": 2,
     "other": 5, None: 7},
)  # fmt: skip
AFTER: Final = Year(
    Days(date(2021, 11, 1), date(2022, 11, 1)), 4078, 1, (74, 52, 38, 24, 20, 14, 15, 14, 10, 6, 9, 9),
    {"tiktok": 61, "instagram": 11, "facebook": 8, "snapchat": 7, "whatsapp": 4, "youtube": 2, "x": 2, "discord": 1,
     "other": 1, None: 3},
)  # fmt: skip
YEARS: Final = (BEFORE, AFTER)
FORMER: Final = {
    "Farah Aziz": 24, "Gwen Pritchard": 21, "Hamish Reid": 18, "Iona Mackay": 15, "Joel Barnes": 12,
    "Kezia Boateng": 10,
}  # fmt: skip
"""Who worked in those years, and how many of a hundred cases they closed."""
TERMS: Final = (
    ("Autumn term 2020", date(2020, 9, 3), date(2020, 12, 17)),
    ("Spring term 2021", date(2021, 1, 5), date(2021, 3, 31)),
    ("Summer term 2021", date(2021, 4, 19), date(2021, 7, 21)),
    ("Autumn term 2021", date(2021, 9, 2), date(2021, 12, 16)),
    ("Spring term 2022", date(2022, 1, 5), date(2022, 4, 1)),
    ("Summer term 2022", date(2022, 4, 19), date(2022, 7, 20)),
    ("Autumn term 2022", date(2022, 9, 2), date(2022, 12, 15)),
)
TERMS_FROM: Final = "made up for the demonstration"
"""Both days are in the term. They are no council's."""
WEEKDAYS: Final = (25, 22, 20, 18, 13, 1, 1)
HOLIDAYS_OF_100: Final = 22
HOURS: Final = (1, 0, 0, 0, 0, 0, 1, 4, 12, 19, 22, 20, 15, 17, 19, 21, 16, 8, 5, 4, 4, 4, 3, 1)
OPENS, CLOSES = 9, 17

ROLES: Final[Weights] = {
    "teacher": 46, "head": 15, "safeguarding_lead": 13, "support_staff": 6, "police": 4, "social_worker": 3,
    "governor": 2, "early_years": 1, "youth_worker": 1, "health": 1, "carer": 1, "parent": 5, None: 2,
}  # fmt: skip
SETTINGS: Final[Weights] = {
    "secondary": 66, "primary": 17, "college": 6, "special": 4, "alternative": 2, "university": 1, None: 4,
}  # fmt: skip
OWN_SETTING: Final = {
    "police": "police", "social_worker": "social_care", "early_years": "early_years", "health": "health",
    "youth_worker": "youth", "carer": "fostering", "parent": "home",
}  # fmt: skip
NATIONS: Final[Weights] = {"england": 83, "wales": 8, "scotland": 4, "northern_ireland": 3, None: 2}
CHANNELS: Final[Weights] = {"web": 56, "whatsapp": 25, "telegram": 19}
LANGUAGES: Final[Weights] = {"en": 97, "cy": 3}
REASONS: Final[Weights] = {"talk_to_person": 68, "not_understood": 16, "refer_today": 16}
TIERS: Final[Weights] = {"3": 70, "2": 30}
GRAVE_TIERS: Final[Weights] = {"0": 6, "1": 64, "2": 30}
ESCALATIONS: Final[Weights] = {"clarified": 74, "not_a_question": 18, None: 8}
"""Of those that need not be escalated."""
KNEW_TOOLS: Final[Weights] = {"no": 55, "yes": 27, None: 18}
NO_PLATFORM: Final = frozenset({"policy_filtering", "age_controls", "staff_conduct"})
OUTCOMES: Final[Weights] = {"advised": 62, "reported": 22, "signposted": 8, "no_answer": 4, "given_back": 4}
GRAVE_OUTCOMES: Final[Weights] = {"tell_lead": 44, "referred": 50, "advised": 6}
ROUTES: Final = {
    "advised": "setting", "reported": "platform", "signposted": "service", "tell_lead": "lead", "no_answer": "nowhere",
    "given_back": None, "referred": "childrens_services",
}  # fmt: skip
SIGNPOSTS: Final[Weights] = {
    "[]": 60, '["posh"]': 11, '["report-harmful-content"]': 20, '["education-support"]': 7, '["iwf"]': 2,
}  # fmt: skip
LEFT_OF_100: Final = 3
WAIT_S: Final = (70, 240, 700, 1500)
"""The median until the first answer in opening hours, by tier."""
STOOD: Final[Weights] = {"finished": 34, "advised": 48, "begun": 9, "stopped": 4, "child": 1, "wrong_place": 4}
"""How contacts end that the bot answered alone."""
ADVISED: Final[Weights] = {"handle": 58, "information": 22, "tell_lead": 12, "refer_today": 7, "emergency": 1}
HELPED: Final[Weights] = {"yes": 24, "partly": 11, "no": 6, None: 59}
UNSURE_OF_100: Final = 15
UNSURE: Final[Weights] = {"not_sure": 55, None: 45}
"""Whether the law reaches it, where nobody could tell or nobody asked."""
THINGS: Final[Weights] = {"video": 44, "account": 31, "post": 12, "comment": 7, "image": 4, "group": 1, "other": 1}
REMOVED_OF_100: Final = {"tiktok": 97}
REMOVED_ELSEWHERE_OF_100: Final = 91
NOT_REMOVED: Final[Weights] = {"not_removed": 52, "not_known": 28, "partly": 14, "withdrawn": 6}
ON_BEHALF_OF_100: Final = 63
HOURS_TO_REMOVAL: Final = 31
"""The median."""
