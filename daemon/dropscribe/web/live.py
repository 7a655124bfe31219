"""The view that is always up to date: fragments of the page as events, and the history for the charts."""

import json
from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Any

import msgspec
from markupsafe import Markup
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse

from dropscribe.control import client
from dropscribe.core.job import Job, printable
from dropscribe.core.protocol import HistoryAnswer, HistoryRequest
from dropscribe.core.status import Status
from dropscribe.web.site import Site, site_of

FRAGMENTS = ("notice", "model", "controls", "queue", "active", "waiting", "recent", "remote", "drops")
CROWDED = 30_000  # milliseconds
HISTORY = 5.0  # seconds for the daemon's answer


async def now(request: Request) -> Response:
    """Show what the daemon does."""
    site = site_of(request)
    status = await site.looking.status()
    return site.html("now.html", {"here": "now", **await run_in_threadpool(fragments, site, status)})


def fragments(site: Site, status: Status) -> dict[str, Markup]:
    """Return each part of the page that changes, as HTML."""
    values: dict[str, Any] = {"status": status, "drops": drops(site, status)}
    return {name: site.rendered(f"fragments/{name}.html", **values) for name in FRAGMENTS}


def drops(site: Site, status: Status) -> list[dict[str, Any]]:
    """Return the files that were dropped in this session, each with what has become of it."""
    if not site.drops:
        return []
    jobs = site.library.newest(site.drops_since, site.drops)
    waiting = {item.name: item.waiting_for for item in status.intake}
    return [_drop(path, jobs.get(path), waiting) for path in site.drops]


def _drop(path: bytes, job: Job | None, waiting: dict[str, str]) -> dict[str, Any]:
    name = printable(path)
    state = str(job.state) if job is not None else "waiting"
    return {"name": name, "job": job, "state": state, "waiting_for": waiting.get(name)}


async def events(request: Request) -> Response:
    """Send every fragment once, and then whenever it changes."""
    site = site_of(request)
    return StreamingResponse(_events(site), media_type="text/event-stream")


async def _events(site: Site) -> AsyncIterator[str]:
    sent: dict[str, str] = {}
    if site.looking.crowded:
        yield f"retry: {CROWDED}\n\n"  # it asks again then
        return
    yield "retry: 1000\n\n"
    async with aclosing(site.looking.statuses()) as statuses:
        async for status in statuses:
            found = await run_in_threadpool(fragments, site, status)
            changed = {name: html for name, html in found.items() if sent.get(name) != html}
            sent |= changed
            yield f"data: {json.dumps(changed)}\n\n" if changed else ": still here\n\n"


async def alive(request: Request) -> Response:
    """Take note of a hidden page, whose live view is closed; every request counts as somebody being there."""
    return Response(status_code=204)


async def history(request: Request) -> Response:
    """Return what memory, model and queue were like over the last day; nothing where no daemon runs."""
    state = site_of(request).settings().folders.state
    try:
        answer = await run_in_threadpool(client.ask, state, HistoryRequest(), HistoryAnswer, HISTORY)
    except client.NotRunning:
        answer = HistoryAnswer()
    return JSONResponse(msgspec.to_builtins(answer))
