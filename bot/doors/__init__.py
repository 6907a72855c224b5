"""What the desk may ask of the bot: the protocols of handoff.doors, answered from the library and the store."""

from bot.app import Firstline
from bot.doors.content import ContentDoor
from bot.doors.house import HouseDoor
from bot.doors.people import PeopleDoor
from bot.doors.practice import LivePractice
from bot.doors.records import RecordsDoor
from bot.doors.reviews import LiveReviews
from bot.doors.thresholds import LiveThresholds
from handoff.doors import Doors


def doors_of(firstline: Firstline) -> Doors:
    """Every door, opened."""
    return Doors(
        content=ContentDoor(firstline.ledger, firstline.shelf, firstline.now),
        house=HouseDoor(firstline.settings, firstline.shelf),
        thresholds=LiveThresholds(firstline.shelf, lambda: firstline.hours.local(firstline.now()).date()),
        practice=LivePractice(firstline.shelf),
        reviews=LiveReviews(firstline.shelf),
        people=PeopleDoor(firstline.ledger),
        records=RecordsDoor(firstline.ledger, firstline.shelf, firstline.now),
    )
