"""What must be reviewed, by whom and until when: as text, JSON, or a calendar (RFC 5545)."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import groupby

from bot.library.model import Library, Where

DUE_WITHIN = timedelta(days=60)
NOBODY = "nobody"
DOMAIN = "firstline.invalid"
"""Only makes an event's id unique; nothing is ever sent to it (RFC 2606)."""


@dataclass(frozen=True, slots=True, order=True)
class Review:
    owner: str
    review_by: date
    kind: str
    id: str
    title: str
    file: str
    line: int

    def is_passed(self, today: date) -> bool:
        return self.review_by < today

    def is_due(self, today: date) -> bool:
        """Passed, or within the next 60 days."""
        return self.review_by <= today + DUE_WITHIN


def reviews_of(library: Library) -> tuple[Review, ...]:
    """Every flow, page and term that has a date, by owner and day."""
    return tuple(sorted(_all(library)))


def as_text(reviews: Sequence[Review], today: date) -> str:
    """What is due, under each owner's name, the earliest first."""
    due = [review for review in reviews if review.is_due(today)]
    lines = []
    for owner, owned in groupby(due, key=lambda review: review.owner):
        lines += [f"{owner}:", *(f"  {_line(review, today)}" for review in owned)]
    days = DUE_WITHIN.days
    next_one = min((review.review_by for review in reviews if not review.is_due(today)), default=None)
    later = f" The next after that is on {next_one}." if next_one else ""
    return "\n".join([*lines, f"{len(due)} of {len(reviews)} due within {days} days, or passed.{later}"])


def as_json(reviews: Sequence[Review], today: date) -> str:
    due = [review for review in reviews if review.is_due(today)]
    shown = [{**asdict(each), "review_by": str(each.review_by), "passed": each.is_passed(today)} for each in due]
    return json.dumps({"reviews": shown, "due": len(due), "of": len(reviews)}, ensure_ascii=False)


def as_calendar(reviews: Sequence[Review], today: date) -> str:
    """One all-day event for each owner and day, passed ones too; a calendar that reads it again moves none twice."""
    from icalendar import Calendar, Event

    calendar = Calendar()
    calendar.add("prodid", f"-//{DOMAIN}//reviews//EN")
    calendar.add("version", "2.0")
    for (owner, day), group in groupby(reviews, key=lambda review: (review.owner, review.review_by)):
        listed = list(group)
        event = Event()
        event.add("uid", f"review-{day}-{owner}@{DOMAIN}")
        event.add("dtstamp", datetime(today.year, today.month, today.day, tzinfo=UTC))
        event.add("dtstart", day)
        event.add("dtend", day + timedelta(days=1))
        event.add("summary", f"Review {len(listed)} of our pages and flows ({owner})")
        event.add("description", "\n".join(f"{each.kind} {each.id}: {each.title} ({each.file})" for each in listed))
        calendar.add_component(event)
    return str(calendar.to_ical().decode())


def _all(library: Library) -> Iterator[Review]:
    for page in library.pages.values():
        yield _review(page.owner, page.review_by, page.kind, page.id, page.title, page.where)
    for term in library.terms.values():
        yield _review(term.owner, term.review_by, "term", term.id, term.default, term.where)
    for flow in library.flows.values():
        if flow.review_by:
            yield _review(flow.owner or NOBODY, flow.review_by, "flow", flow.id, flow.name, flow.where)


def _review(owner: str, day: date, kind: str, name: str, title: str, where: Where) -> Review:
    return Review(owner, day, kind, name, title, where.file, where.line)


def _line(review: Review, today: date) -> str:
    passed = " (passed)" if review.is_passed(today) else ""
    return f"{review.review_by}{passed} {review.kind} {review.id}: {review.title} ({review.file})"
