"""The wall, watching, taking over, reviews."""

from tests.areas import HOLD, SENIORS
from tests.schema_steps import ACTIVE, DONE

WHO_MAY = {
    ("GET", "wall"): SENIORS,
    ("POST", "unwatch"): SENIORS,
    ("POST", "whisper"): SENIORS,
    ("GET", "take_over"): SENIORS,
    ("POST", "take_over"): SENIORS,
    ("GET", "reviews"): HOLD,
    ("GET", "review"): SENIORS,
    ("POST", "review"): SENIORS,
}

SENIOR = "UPDATE adviser SET role = 'senior' WHERE id = 2"
WATCH = 'INSERT INTO watch ("case", adviser, began_at, seen_at) VALUES (1, 2, 5, 5)'
REVIEW = "INSERT INTO review (\"case\", reviewer, about, verdict, at) VALUES (1, 2, 1, 'good', 9)"
WHISPER = "INSERT INTO note VALUES (1, 1, 2, x'00', 0, 'a', {})"
CLOSED = (*DONE, "UPDATE adviser SET role = 'senior' WHERE id = 2")
MADE_BY = tuple(each.replace("move = 'closed'", "move = 'closed', moved_by = 1") for each in CLOSED)

REFUSED = [
    ("watch_of_anothers_case", (SENIOR,), WATCH),
    ("watch_of_anothers_case", ACTIVE, WATCH),
    ("watch_of_anothers_case", (*ACTIVE, SENIOR.replace("2", "1")), WATCH.replace("1, 2, 5", "1, 1, 5")),
    ("watch_is_kept", (*ACTIVE, SENIOR, WATCH), "UPDATE watch SET adviser = 1"),
    ("watch_is_kept", (*ACTIVE, SENIOR, WATCH, "UPDATE watch SET ended_at = 6"), "UPDATE watch SET ended_at = NULL"),
    ("watch_ends_after_it_began", (*ACTIVE, SENIOR, WATCH), "UPDATE watch SET ended_at = 4"),
    ("note_to_the_holder", (), WHISPER.format(1)),
    ("note_to_the_holder", ACTIVE, WHISPER.format(2)),
    ("note_to_the_holder", ACTIVE, WHISPER.replace("1, 1, 2", "1, 1, 1").format(1)),
    ("review_of_a_closed_case", ACTIVE, REVIEW),
    ("review_of_a_closed_case", MADE_BY, REVIEW.replace("1, 2, 1", "1, 1, 2")),
    ("review_once", (*MADE_BY, REVIEW), REVIEW),
    ("review_once", (*MADE_BY, REVIEW), REVIEW.replace("INSERT", "INSERT OR REPLACE")),
    ("nobody_reviews_their_own", MADE_BY, REVIEW.replace("1, 2, 1", "1, 1, 1")),
    ("known_verdict", MADE_BY, REVIEW.replace("'good'", "'bad'")),
    ("review_is_kept", (*MADE_BY, REVIEW), "UPDATE review SET verdict = 'talk_about_it'"),
    ("review_stays", (*MADE_BY, REVIEW), "DELETE FROM review"),
]  # fmt: skip
