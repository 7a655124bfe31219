"""The application: its routes behind the gate, and how errors look."""

import asyncio
import sqlite3
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Receive, Scope, Send

from dropscribe.web import actions, live, reading
from dropscribe.web.safety import Gate
from dropscribe.web.session import Session
from dropscribe.web.site import Site, site_of

LOOK = 1.0  # seconds between two looks at whether anybody is there


def create(site: Site, session: Session, port: int, stop: Callable[[], None]) -> ASGIApp:
    """Return the application for *site* on *port*; *stop* is called when nobody has looked for long."""

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        ending = asyncio.create_task(_stop_when_left(site, stop))
        yield
        ending.cancel()
        site.pictures.close()

    app = Starlette(
        routes=_routes(),
        middleware=[Middleware(_Seen, site=site)],
        exception_handlers={HTTPException: _refused, sqlite3.Error: _unreadable, Exception: _failed},  # type: ignore[dict-item]  # narrower: fine
        lifespan=lifespan,
    )
    app.state.site = site
    return Gate(app, session, port)  # around everything: what is said of a failure inside passes it too


def _routes() -> list[Route | Mount]:
    post = ["POST"]
    return [
        Route("/", live.now),
        Route("/events", live.events),
        Route("/alive", live.alive),
        Route("/history", live.history),
        Route("/drop", _drop_page, methods=["GET"]),
        Route("/drop", actions.drop, methods=post),
        Route("/read", reading.listing),
        Route("/read/{job:int}", reading.document),
        Route("/read/{job:int}/next", reading.next_doubtful),
        Route("/read/{job:int}/retry", actions.retry, methods=post),
        Route("/read/{job:int}/again", actions.again, methods=post),
        Route("/read/{job:int}/picture/{page:int}", reading.picture),
        Route("/read/{job:int}/output/{index:int}", reading.output),
        Route("/read/{job:int}/original", reading.original),
        Route("/do/{what}", actions.steer, methods=post),
        Mount("/static", StaticFiles(packages=[("dropscribe.web", "static")])),
    ]


async def _drop_page(request: Request) -> Response:
    site = site_of(request)
    parts = live.fragments(site, await site.looking.status())
    settings = site.settings()
    shown = {"here": "drop", "limit": settings.intake.max_file, "recipes": list(settings.recipes)}
    return site.html("drop.html", {**shown, **parts})


class _Seen:
    """Notes that somebody is there; behind the gate, so that strangers do not keep the server alive."""

    def __init__(self, app: ASGIApp, site: Site) -> None:
        self._app, self._site = app, site

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand the request on."""
        self._site.looking.seen()
        await self._app(scope, receive, send)


async def _stop_when_left(site: Site, stop: Callable[[], None]) -> None:
    while not site.looking.over(time.monotonic()):
        await asyncio.sleep(LOOK)
    stop()


async def _refused(request: Request, error: HTTPException) -> Response:
    return _error(request, error.status_code, error.detail)


async def _unreadable(request: Request, error: sqlite3.Error) -> Response:
    return _error(request, 503, f"The journal cannot be read: {error}.")


async def _failed(request: Request, error: Exception) -> Response:
    return _error(request, 500, "Something went wrong here; the terminal shows more.")


def _error(request: Request, code: int, said: str) -> Response:
    if request.headers.get("accept") == "application/json":
        return JSONResponse({"said": said}, code)
    return site_of(request).html("error.html", {"here": "", "said": said}, code)
