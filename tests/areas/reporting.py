"""Reports: facts of takedowns, reports that were passed on."""

from handoff.domain import Role
from tests.areas.tasks import REPORTED, TAKEDOWN
from tests.areas.wrapping import closing
from tests.schema_steps import DONE, WRAPPED

LOOKERS = {Role.SENIOR, Role.LEAD, Role.AUDITOR}
WHO_MAY: dict = {
    ("GET", "reports"): LOOKERS,
    ("GET", "report_file"): LOOKERS,
    ("GET", "report_figure"): LOOKERS,
    ("GET", "report_kept"): LOOKERS,
    ("GET", "report_kept_file"): LOOKERS,
    ("GET", "report_kept_figure"): LOOKERS,
    ("POST", "report_pass_on"): {Role.LEAD},
}
_FACT = "INSERT INTO takedown_facts (period, platform, what) VALUES ('2026-03-02', 'tiktok', 'post')"
_LOAD = "INSERT INTO adviser_load VALUES ('2026-03', 2, 1, 60)"
_RELEASED = "INSERT INTO released VALUES (1, '2026-01-01', '2026-02-01', NULL, NULL, NULL, 1)"
_KEPT = "INSERT INTO released_report VALUES (1, '{}')"
REFUSED: list = [
    ("released_report_of_the_newest", (), _KEPT),
    ("released_report_of_the_newest", (_RELEASED, _KEPT), _KEPT.replace("INSERT", "INSERT OR REPLACE")),
    ("released_report_is_json", (_RELEASED,), _KEPT.replace("{}", "{")),
    ("released_report_is_kept", (_RELEASED, _KEPT), "UPDATE released_report SET body = '[]'"),
    ("released_report_stays", (_RELEASED, _KEPT), "DELETE FROM released_report"),
    ("takedown_added_on_a_day", (), TAKEDOWN.replace("_id)", "_id, added_on)").replace("'a')", "'a', 'x')")),
    ("takedown_day_is_kept", REPORTED, "UPDATE takedown SET added_on = '2026-03-02'"),
    ("takedown_fact_of_a_day", (), _FACT.replace("03-02", "02-99")),
    ("takedown_fact_in_codes", (), _FACT.replace("'tiktok'", "'Mr Smith'")),
    ("takedown_fact_is_yes_or_no", REPORTED, "UPDATE takedown_facts SET reported = 2"),
    ("hours_once_removed", REPORTED, "UPDATE takedown_facts SET hours = 3"),
    ("takedown_fact_is_new", REPORTED, "INSERT OR REPLACE INTO takedown_facts SELECT * FROM takedown_facts"),
    ("takedown_fact_is_kept", (_FACT,), "UPDATE takedown_facts SET stage = 'removed'"),
    ("takedown_fact_is_kept", REPORTED, "UPDATE takedown_facts SET platform = 'x'"),
    ("takedown_fact_stays", (_FACT,), "DELETE FROM takedown_facts"),
    ("known_scope", WRAPPED, closing(scope="'perhaps'")),
    ("load_of_a_month", (), _LOAD.replace("2026-03", "2026-13")),
    ("load_only_grows", (_LOAD,), "UPDATE adviser_load SET closed = 0"),
    ("load_only_grows", DONE, "UPDATE adviser_load SET adviser = 2"),
    ("load_stays", (_LOAD,), "DELETE FROM adviser_load"),
]
