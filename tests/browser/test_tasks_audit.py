"""The pages of tasks and takedowns in a real browser: accessible, and no wider than a telephone."""

import pytest

from handoff.domain import AdviserId
from handoff.takedowns import NewStep, NewTakedown, Stage, Takedowns, What, Who
from handoff.tasks import NewTask, TaskKind, Tasks
from tests.browser.desk_side import Opener, complaints
from tests.demo_desk import OPEN, DemoDesk


@pytest.mark.parametrize("width", [320, 1280])
def test_its_pages_pass_the_audit_and_fit(opened: Opener, desk: DemoDesk, amira: AdviserId, width: int) -> None:
    case = desk.case(platform="tiktok")
    desk.claim(case, amira)
    write, now = desk.ledger.write_now, desk.now()
    new = NewTakedown(case, "tiktok", What.ACCOUNT, "mark", "https://example.org/@hillview")
    first = NewStep(Stage.REPORTED, Who.ENQUIRER, reference="8812")
    write(lambda conn: Takedowns(desk.ledger.seal, OPEN).add(conn, new, first, amira, now))
    task = NewTask(case, TaskKind.FOLLOW_UP, now, "Ring the head back after assembly", amira)
    write(lambda conn: Tasks(desk.ledger.seal).add(conn, task, amira, now))
    page = opened("/tasks", viewport={"width": width, "height": 800})
    for path in ("/tasks", "/tasks/1", "/takedowns/1", f"/cases/{case}/tasks"):
        page.goto(page.url.split("/desk")[0] + "/desk" + path)
        assert complaints(page) == [], path
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), path
