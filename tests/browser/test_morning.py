"""A whole morning of a whole house, in Chromium: four advisers, thirty enquirers on two channels, twelve promises."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.browser.chromium import CHROMIUM
from tests.browser.desk_side import LIVE, regions, sync_api
from tests.browser.morning_side import Adviser, Audited, House, Promises, until

expect = sync_api.expect
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed")


@pytest.fixture(scope="module")
def house(browser: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    made = House(tmp_path_factory.mktemp("morning"), browser)
    yield made
    made.close()


def test_x(house):
    import time
    t=time.time()
    w = house.by_api("w1"); print(w.asks_for_people(), time.time()-t)
    print(w.heard())
    t=time.time()
    g = house.by_telegram("t1", 101); print(g.asks_for_people(), time.time()-t)
    print(g.heard())
    t=time.time()
    p = house.by_page("b1"); print(p.asks_for_people(), time.time()-t)
    print(p.heard())
    t=time.time()
    d = house.by_telegram("t2", 102); d.says("/start"); d.hears("in danger"); d.presses("Yes"); until(lambda: "999" in d.heard()); print(d.heard())
    print(house.telegram.chat(102).last.buttons, house.telegram.sent(-500), time.time()-t)
    print(house.thread(1), house.rows("select * from queue_item limit 1"))
    t=time.time()
    amira = Adviser(house, "Amira Khan"); amira.logs_in(); amira.is_live(); print(time.time()-t)
    Audited()(amira.page); print(time.time()-t)
