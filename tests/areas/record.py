"""A case's record: its timeline, contact details, cases that belong together."""

from tests.areas import HOLD
from tests.schema_steps import CLAIM, DONE, SECOND

CONTACT = "INSERT INTO contact VALUES (1, 1, x'00', 1, 0)"
REVEAL = """INSERT INTO identity_reveal ("case", adviser, reason, words, at) VALUES (1, 1, 'call_back', x'00', 0)"""
LINK = """INSERT INTO case_link ("case", other, verdict, adviser, at) VALUES (1, 2, 'confirmed', 1, 0)"""
OF_PRACTICE = (SECOND[0].replace("22', 2,", "22', -2,"), *SECOND[1:2])
WHO_MAY = {
    ("GET", "record"): HOLD,
    ("POST", "record_link"): HOLD,
    ("GET", "contact"): HOLD,
    ("POST", "contact"): HOLD,
    ("GET", "reveal"): HOLD,
    ("POST", "reveal"): HOLD,
    ("GET", "advice"): HOLD,
    ("GET", "advice_pdf"): HOLD,
}
REFUSED = [
    ("contact_is_next", (CLAIM,), CONTACT.replace("1, 1,", "1, 2,", 1)),
    ("contact_is_next", (CLAIM, CONTACT), CONTACT.replace("INSERT", "INSERT OR REPLACE")),
    ("contact_from_the_holder", (), CONTACT),
    ("contact_from_the_holder", (CLAIM,), CONTACT.replace("x'00', 1", "x'00', 2")),
    ("contact_is_only_emptied", (CLAIM, CONTACT), "UPDATE contact SET body = x'01'"),
    ("contact_is_only_emptied", (CLAIM, CONTACT), "UPDATE contact SET body = NULL, adviser = 2"),
    ("contact_is_kept_while_open", (CLAIM, CONTACT), "DELETE FROM contact"),
    ("known_reveal_reason", (CLAIM,), REVEAL.replace("'call_back'", "'curious'")),
    ("reveal_says_why", (CLAIM,), REVEAL.replace("x'00'", "NULL")),
    ("reveal_by_who_may", (), REVEAL),
    ("reveal_by_who_may", (CLAIM,), REVEAL.replace("(1, 1,", "(1, 2,")),
    ("reveal_by_who_may", (CLAIM,), REVEAL.replace("(1, 1,", "(1, 4,")),
    ("reveal_by_who_may", (CLAIM,), REVEAL.replace("(1, 1,", "(9, 1,")),
    ("reveal_is_next", (CLAIM, REVEAL), REVEAL.replace('("case"', '(id, "case"').replace("(1, 1,", "(1, 1, 1,")
        .replace("INSERT", "INSERT OR REPLACE")),
    ("reveal_is_kept", (CLAIM, REVEAL), "UPDATE identity_reveal SET reason = 'other', words = NULL"),
    ("reveal_is_kept", (CLAIM, REVEAL), "UPDATE identity_reveal SET words = x'01'"),
    ("reveal_stays", (CLAIM, REVEAL, *DONE[1:]), "DELETE FROM identity_reveal"),
    ("known_verdict", SECOND, LINK.replace("'confirmed'", "'perhaps'")),
    ("link_of_two", (), LINK.replace("(1, 2,", "(1, 1,")),
    ("link_of_two", SECOND, LINK.replace("(1, 2,", "(2, 1,")),
    ("link_is_next", (*SECOND, LINK), LINK.replace('("case"', '(id, "case"').replace("(1, 2,", "(1, 1, 2,")
        .replace("confirmed", "dismissed").replace("INSERT", "INSERT OR REPLACE")),
    ("link_says_something_new", (*SECOND, LINK), LINK),
    ("link_without_practice", OF_PRACTICE, LINK),
    ("link_is_kept", (*SECOND, LINK), "UPDATE case_link SET verdict = 'dismissed'"),
    ("link_is_kept_while_open", (*SECOND, LINK), "DELETE FROM case_link"),
]  # fmt: skip
