"""What the routes share: settings, status, journal, texts, pictures, and the templates."""

import os
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, cast

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape
from markupsafe import Markup
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse

from dropscribe.config import Settings
from dropscribe.core import status_words
from dropscribe.core.job import printable
from dropscribe.core.status import Status
from dropscribe.memory.values import size
from dropscribe.web.job_files import Known
from dropscribe.web.library import Library
from dropscribe.web.looking import LEFT, Looking
from dropscribe.web.passages import is_low
from dropscribe.web.pictures import Pictures
from dropscribe.web.texts import Texts

MOST_DROPS = 50  # of this session that are listed


class Site:
    """The page, for as long as it is served."""

    def __init__(self, settings: Callable[[], Settings], ask: Callable[[], Status], left: float = LEFT) -> None:
        self.settings = settings
        self.looking = Looking(ask, left)
        self.library, self.texts, self.pictures = Library(settings), Texts(), Pictures()
        self.uploading = 0
        self.drops: list[bytes] = []  # paths below the inbox, newest first
        self.drops_since = self.library.last_number()
        self._templates = _environment()
        for name in self._templates.list_templates():
            self._templates.get_template(name)  # compiled before anybody waits for it

    def note_drop(self, path: bytes) -> None:
        """Remember a file that was dropped, for the list of them."""
        self.drops = [path, *(other for other in self.drops if other != path)][:MOST_DROPS]

    def rendered(self, template: str, **values: Any) -> Markup:
        """Return a template as HTML; every value in it is escaped."""
        return Markup(self._templates.get_template(template).render(values))

    def html(self, template: str, values: Mapping[str, Any], status_code: int = 200) -> HTMLResponse:
        """Return a page."""
        return HTMLResponse(self.rendered(template, **values), status_code)


def site_of(request: Request) -> Site:
    """Return the site that *request* is about."""
    return cast(Site, request.app.state.site)


def job_of(request: Request) -> Known:
    """Return the finished or failed job that the address names by its number."""
    job = site_of(request).library.job(request.path_params["job"])
    if job is None:
        raise HTTPException(404, "The journal knows no such file (it keeps the last 10,000).")
    return job


def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("dropscribe.web"), autoescape=select_autoescape(default=True, default_for_string=True),
        undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True, auto_reload=False,
    )  # fmt: skip
    environment.filters |= {
        "size": size, "name": printable, "moment": moment, "clock": clock, "duration": duration,
        "basename": lambda path: os.path.basename(path), "waiting": status_words.waiting,
        "ending": status_words.ending,
    }  # fmt: skip
    environment.tests["low"] = is_low
    environment.tests["token_counting"] = status_words.counts_tokens
    return environment


def moment(value: float | str | None) -> str:
    """Return a wall-clock time for people: the time alone for today."""
    if value is None:
        return ""
    there = datetime.fromisoformat(value) if isinstance(value, str) else datetime.fromtimestamp(value).astimezone()
    today = datetime.now().astimezone().date() == there.date()
    return there.strftime("%H:%M" if today else "%-d %b %Y, %H:%M")


def clock(value: float | None) -> str:
    """Return a wall-clock time for machines."""
    return "" if value is None else datetime.fromtimestamp(value).astimezone().isoformat(timespec="seconds")


def duration(seconds: float | None) -> str:
    """Return seconds for people."""
    if seconds is None:
        return ""
    if seconds < 60:
        return f"{seconds:.1f} s" if seconds < 10 else f"{seconds:.0f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"
