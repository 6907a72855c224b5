"""Closed lists that flows and content share: concerns, gates, nations, outcomes, kinds of page."""

from bot.domain import Nation

CONCERNS = (
    "reputation",
    "impersonation",
    "staff_abuse",
    "cyberbullying",
    "nudes",
    "ai_imagery",
    "sextortion",
    "grooming",
    "sexual_harassment",
    "harmful_content",
    "suicide_self_harm",
    "challenges_hoaxes",
    "extremism",
    "hate",
    "threats",
    "hacking",
    "scams",
    "privacy",
    "age_controls",
    "ai_chatbots",
    "staff_conduct",
    "policy_filtering",
    "reporting_help",
    "illegal_content",
    "immediate_danger",
    "child_contact",
    "out_of_scope",
)
NATIONS = tuple(nation.value for nation in Nation)
OUTCOMES = ("emergency", "refer_today", "tell_lead", "handle", "information")
KIND_OF_FOLDER = {
    "guidance": "guidance",
    "platforms": "platform",
    "services": "service",
    "law": "law",
    "training": "training",
    "templates": "template",
    "thresholds": "threshold",
    "terms": "term",
}
HEADINGS = {
    "guidance": ("Do now", "Tell", "Do not", "Tools", "Look after yourself"),
    "platform": (
        "Block",
        "Report a post",
        "Report an account",
        "No account",
        "A child's intimate image",
        "Under age",
        "Family controls",
    ),
}
"""Fixed headings, in this order; other kinds choose their own."""
CONCERN = "concern"
"""The slot that holds what it is about."""
SPLIT = "utter_split_"
"""How the ids of questions begin that tell concerns apart; the engine asks them, and their buttons set the concern."""
