"""What is held about one enquirer as one page that stands alone, in plain language."""

import base64
import hashlib
import re
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template

from handoff.subject_access import Held

MOMENT: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?\+00:00")
STYLE: Final = """
body{font:1rem/1.5 system-ui,sans-serif;max-width:50rem;margin:2rem auto;padding:0 1rem;color:#111;background:#fff}
h2{margin-top:2.5rem;border-bottom:1px solid #888}h3{margin:2rem 0 .25rem}p{margin:.25rem 0 .75rem}
dl{margin:.5rem 0 1rem;border-left:3px solid #888;padding-left:1rem}dt{font-weight:600}dd{margin:0 0 .5rem}
dd{white-space:pre-wrap;overflow-wrap:anywhere}.review{border:2px solid #111;padding:.5rem 1rem}
@media print{body{margin:0;max-width:none}h3{break-after:avoid}}
"""


def as_html(held: Held) -> str:
    """It loads nothing and runs nothing."""
    digest = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
    return _template().render(held=held, style=STYLE, style_mark=digest)


def _told(value: object) -> object:
    """A moment as people read it; anything else as it is."""
    if not isinstance(value, str) or not MOMENT.fullmatch(value):
        return value
    return f"{datetime.fromisoformat(value):%-d %B %Y, %H:%M:%S}"


@cache
def _template() -> Template:
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    environment.filters["told"] = _told
    return environment.get_template("subject_access.html")
