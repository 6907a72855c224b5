"""Categories of every version told in those of the newest, and how many versions that joins."""

import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass

from handoff import taxonomy


@dataclass(frozen=True, slots=True)
class Carried:
    """`now`: what each code that ever was is in the newest version; one that was retired without a successor stands
    for itself. A code that was in no version stands for itself too. `retired`: those that stand for themselves."""

    version: int
    now: Mapping[str, str]
    labels: Mapping[str, str]
    retired: frozenset[str]

    def told(self, code: str) -> str:
        return self.now.get(code, code)


def read(conn: sqlite3.Connection) -> Carried:
    version = taxonomy.newest(conn)
    labels = dict(taxonomy.labels(conn))
    found = {code: taxonomy.as_of_now(conn, code) for code in labels}
    retired = frozenset(code for code, now in found.items() if now is None)
    return Carried(version.number, {code: now or code for code, now in found.items()}, labels, retired)
