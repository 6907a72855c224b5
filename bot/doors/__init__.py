"""What the desk may ask of the bot: the protocols of handoff.doors, answered from the library and the store."""

from collections.abc import Mapping
from functools import partial

from bot.app import Firstline
from bot.channels.contract import PULLED
from bot.doors.access import AccessDoor
from bot.doors.content import ContentDoor
from bot.doors.flows import LiveFlows
from bot.doors.house import HouseDoor
from bot.doors.people import PeopleDoor
from bot.doors.practice import LivePractice
from bot.doors.records import RecordsDoor
from bot.doors.reviews import LiveReviews
from bot.doors.thresholds import LiveThresholds
from handoff import stuck
from handoff.doors import Doors


def doors_of(firstline: Firstline) -> Doors:
    """Every door, opened."""
    return Doors(
        content=ContentDoor(firstline.ledger, firstline.shelf, firstline.now),
        house=HouseDoor(firstline.settings, firstline.shelf, partial(stuck_now, firstline)),
        flows=LiveFlows(firstline.shelf),
        thresholds=LiveThresholds(firstline.shelf, lambda: firstline.hours.local(firstline.now()).date()),
        practice=LivePractice(firstline.shelf),
        reviews=LiveReviews(firstline.shelf),
        people=PeopleDoor(firstline.ledger),
        forgetting=firstline.forgetting,
        access=AccessDoor(firstline.ledger, firstline.shelf, firstline.queue, firstline.now),
        records=RecordsDoor(firstline.ledger, firstline.shelf, firstline.now),
    )


def stuck_now(firstline: Firstline) -> Mapping[str, int]:
    """Things that ought not to be, counted: for the desk, and for whoever watches the service from outside."""
    return stuck.counts(firstline.ledger.reader(), firstline.now(), firstline.ladder.rungs, fetched=PULLED)
