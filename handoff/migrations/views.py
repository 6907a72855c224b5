"""Views for Datasette, sqlite-utils and spreadsheets: codes, days and counts, nothing of a person."""

from sqlite_utils import Database

from handoff.migrations.register import migrations, run


@migrations()
def data_views(db: Database) -> None:
    """`data_…`: what may be taken out, in plain column names (docs/data.md). A view reads facts, counts of a day and
    the categories, and of those no column that leads back: not the number of a row, which says in which order cases
    ended, not the takedown, not the adviser. So its rows come in the order of what they hold.

    `concern` is the main one as it was recorded; `counts_as`, in `data_terms`, what it is called in the newest list.
    """
    run(
        db,
        """
        CREATE VIEW data_terms AS
        WITH RECURSIVE
            lived (code, first, last) AS
                (SELECT code, min(version), max(version) FROM taxonomy_term WHERE maps_to = code GROUP BY code),
            walk (code, now, version) AS (
                SELECT code, code, last FROM lived
                UNION ALL
                SELECT walk.code, term.maps_to, term.version FROM walk
                  JOIN taxonomy_term AS term ON term.version = walk.version + 1 AND term.code = walk.now),
            newest (version) AS (SELECT max(version) FROM taxonomy)
        SELECT lived.code, term.label, lived.first AS first_version, lived.last AS last_version,
            lived.last = newest.version AS lives, walk.now AS counts_as, living.label AS counts_as_label
          FROM lived JOIN newest
            JOIN taxonomy_term AS term ON term.version = lived.last AND term.code = lived.code
            LEFT JOIN walk ON walk.code = lived.code AND walk.version = newest.version
            LEFT JOIN taxonomy_term AS living ON living.version = newest.version AND living.code = walk.now
         ORDER BY lives DESC, term.place, lived.code;

        CREATE VIEW data_cases AS
        SELECT period AS day, hour, channel, language, role, setting, nation,
            coalesce(issue, concern) AS concern, term.label AS concern_label, concern AS heard_as, concerns,
            taxonomy AS categories_version, platform, reason, tier AS urgency, lane, outcome, route, escalation,
            knew_tools, scope, urls AS addresses_reported, signposts, follow_up, feedback AS feedback_asked, is_return,
            (claim_wait_s + 30) / 60 AS wait_claim_min, (answer_wait_s + 30) / 60 AS wait_answer_min,
            (handling_s + 30) / 60 AS handling_min, answered_in_time, put_back,
            library
          FROM case_facts LEFT JOIN data_terms AS term ON term.code = coalesce(issue, concern)
         ORDER BY period, hour, channel, coalesce(issue, concern), platform, role, setting, nation, outcome,
            wait_answer_min, handling_min;

        CREATE VIEW data_contacts AS
        SELECT period AS day, hour, channel, language, role, nation, concern, term.label AS concern_label, concerns,
            platform, turns, misses, danger, advised, knew_tools, helped, stood, is_return, library
          FROM contact_facts LEFT JOIN data_terms AS term ON term.code = concern
         ORDER BY period, hour, channel, concern, platform, role, nation, stood, turns, misses;

        CREATE VIEW data_takedowns AS
        SELECT period AS day, platform, what, nation, concern, term.label AS concern_label, stage, reported, on_behalf,
            hours, within_72
          FROM takedown_facts LEFT JOIN data_terms AS term ON term.code = concern
         ORDER BY period, platform, what, nation, concern, stage, hours;

        CREATE VIEW data_cases_by_month AS
        SELECT substr(period, 1, 7) AS month, count(*) AS cases, count(answer_wait_s) AS answered,
            count(*) FILTER (WHERE outcome = 'left') AS left_before_answer,
            count(*) FILTER (WHERE is_return) AS returned,
            count(*) FILTER (WHERE escalation = 'needed') AS escalation_needed,
            count(*) FILTER (WHERE escalation = 'clarified') AS escalation_clarified,
            count(*) FILTER (WHERE knew_tools = 'no') AS did_not_know_tools,
            count(*) FILTER (WHERE scope = 'in_scope') AS in_scope,
            count(*) FILTER (WHERE scope = 'out_of_scope') AS out_of_scope
          FROM case_facts GROUP BY 1 ORDER BY 1;

        CREATE VIEW data_cases_by_concern AS
        WITH
            one (month, code, is_main) AS (
                SELECT substr(period, 1, 7), coalesce(issue, concern), 1 FROM case_facts
                UNION ALL
                SELECT substr(period, 1, 7), other.value, 0 FROM case_facts, json_each(concerns) AS other
                 WHERE other.value IS NOT coalesce(issue, concern))
        SELECT month, code AS concern, label AS concern_label, sum(is_main) AS main, count(*) AS involved
          FROM one LEFT JOIN data_terms USING (code) GROUP BY month, code ORDER BY month, main DESC, code;

        CREATE VIEW data_waits AS
        WITH
            ranked (month, lane, wait, place, n) AS (
                SELECT substr(period, 1, 7), lane, answer_wait_s,
                    row_number() OVER (PARTITION BY substr(period, 1, 7), lane ORDER BY answer_wait_s),
                    count(*) OVER (PARTITION BY substr(period, 1, 7), lane)
                  FROM case_facts WHERE answer_wait_s IS NOT NULL)
        SELECT month, lane, n AS answered,
            avg(wait) FILTER (WHERE place IN ((n + 1) / 2, n / 2 + 1)) AS median_s,
            min(wait) FILTER (WHERE place >= 0.9 * n) AS nine_of_ten_s, max(wait) AS longest_s
          FROM ranked GROUP BY month, lane ORDER BY month, lane;

        CREATE VIEW data_load AS
        SELECT month, sum(closed) AS closed, count(*) AS advisers, sum(handled_s) AS handled_s
          FROM adviser_load GROUP BY month ORDER BY month;

        CREATE VIEW data_steps AS
        SELECT day, flow, step, reached, last AS left_here FROM step_count ORDER BY day, flow, step;

        CREATE VIEW data_pages AS
        SELECT day, page, shown, helped, partly, not_helped FROM page_count ORDER BY day, page;

        CREATE VIEW data_misses AS
        SELECT day, kind, about, platform, step, times FROM miss_count ORDER BY day, kind, about, platform, step;
        """,
    )
