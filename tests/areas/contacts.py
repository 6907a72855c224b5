"""Facts of contacts."""
# ruff: noqa: E501 - one statement a line reads better in a table

FACT = "INSERT INTO contact_facts (id, period, hour, channel, language, library, is_return) VALUES (1, '2026-03-02', 10, 'web', 'en', 'v1', 0)"
NOW = (FACT, "INSERT INTO contact_now (conversation, fact, since, at) VALUES (1, 1, 0, 0)")
STEP = "INSERT INTO step_count (day, flow, step) VALUES ('2026-03-02', 'start', 'ask')"
PAGE = "INSERT INTO page_count (day, page) VALUES ('2026-03-02', 'keep-evidence')"
MISS = "INSERT INTO miss_count (day, kind, about, platform, step) VALUES ('2026-03-02', 'not_understood', '', '', 'start/ask')"
REFUSED = [
    ("contact_period_is_a_day", (), FACT.replace("2026-03-02", "soon")),
    ("contact_hour_of_day", (), FACT.replace("10, 'web'", "24, 'web'")),
    ("contact_return_is_yes_or_no", (), FACT.replace("'v1', 0", "'v1', 2")),
    ("contact_knows_the_nation", NOW, "UPDATE contact_facts SET nation = 'france'"),
    ("contact_concerns_are_codes", NOW, "UPDATE contact_facts SET concerns = '[\"Mr Smith\"]'"),
    ("contact_danger_is_yes_or_no", NOW, "UPDATE contact_facts SET danger = 2"),
    ("contact_known_advice", NOW, "UPDATE contact_facts SET advised = 'safe'"),
    ("contact_known_knowledge", NOW, "UPDATE contact_facts SET knew_tools = 'perhaps'"),
    ("contact_known_help", NOW, "UPDATE contact_facts SET helped = 'very'"),
    ("contact_known_standing", NOW, "UPDATE contact_facts SET stood = 'lost'"),
    ("contact_in_codes", NOW, "UPDATE contact_facts SET role = 'Mr Smith'"),
    ("contact_is_real", (FACT,), "INSERT INTO contact_now (conversation, fact, since, at) VALUES (-1, 1, 0, 0)"),
    ("contact_turn_is_real", (), "INSERT INTO contact_turn (conversation, at, shows) VALUES (-1, 0, '{}')"),
    ("contact_stands_somewhere", NOW, "UPDATE contact_now SET flow = 'start'"),
    ("contact_stands_somewhere", NOW, "UPDATE contact_now SET flow = 'start', step = 'ask'"),
    ("contact_is_over", (FACT.replace(", is_return", ", is_return, turns").replace("'v1', 0", "'v1', 0, 1"),), NOW[1]),
    ("contact_is_over", (*NOW, "UPDATE contact_facts SET turns = 1", "DELETE FROM contact_now"), NOW[1]),
    ("contact_is_of_one", NOW, "UPDATE contact_now SET conversation = 2"),
    ("contact_is_of_one", NOW, "UPDATE contact_now SET since = 5"),
    ("contact_fact_is_kept", NOW, "UPDATE contact_facts SET is_return = 1"),
    ("contact_fact_is_new", (FACT,), FACT.replace("INSERT", "INSERT OR REPLACE")),
    ("contact_fact_is_kept", (FACT,), "UPDATE contact_facts SET turns = 2"),
    ("contact_fact_is_kept", NOW, "UPDATE contact_facts SET period = '2026-03-03'"),
    ("contact_fact_stays", (FACT,), "DELETE FROM contact_facts"),
    ("step_count_of_a_day", (), STEP.replace("2026-03-02", "soon")),
    ("who_leaves_was_there", (STEP,), "UPDATE step_count SET last = 1"),
    ("only_what_was_shown_helps", (PAGE,), "UPDATE page_count SET partly = 1"),
    ("page_count_of_a_day", (), PAGE.replace("2026-03-02", "soon")),
    ("miss_count_of_a_day", (), MISS.replace("2026-03-02", "soon")),
    ("known_miss", (), MISS.replace("not_understood", "silly")),
    ("miss_in_codes", (), MISS.replace("'', ''", "'Mr Smith', ''")),
]
