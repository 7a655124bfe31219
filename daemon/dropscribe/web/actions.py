"""What changes something: steering the daemon, another try at a file, and files that are dropped."""

import asyncio
import os
from collections.abc import AsyncIterator
from typing import TypeVar

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, RedirectResponse, Response

from dropscribe.config import recipes
from dropscribe.config.recipes import Recipe
from dropscribe.control import client
from dropscribe.core.job import Job, State, printable
from dropscribe.core.protocol import (
    Answer,
    ControlRequest,
    PauseRequest,
    ResumeRequest,
    RetryAnswer,
    RetryRequest,
    UnloadRequest,
)
from dropscribe.service import retry as retries
from dropscribe.web import job_files, uploads
from dropscribe.web.site import Site, job_of, site_of

A = TypeVar("A", bound=Answer)
STEERING: dict[str, tuple[ControlRequest, str]] = {
    "pause": (PauseRequest(), "Paused."),
    "resume": (ResumeRequest(), "Resumed."),
    "unload": (UnloadRequest(), "The model is being unloaded."),
}
RETRY = 60.0  # seconds: a copy to another disk takes its time
SILENCE = 30.0  # seconds in which nothing of an upload arrives
MOST_UPLOADS = 4  # at once


async def steer(request: Request) -> Response:
    """Pause, resume, or unload the model."""
    site = site_of(request)
    if request.path_params["what"] not in STEERING:
        raise HTTPException(404, "There is no such command.")
    asked, said = STEERING[request.path_params["what"]]
    await _asked(site, asked, Answer)
    return _done(request, site, said)


async def retry(request: Request) -> Response:
    """Give a failed file another try: back from the failed folder into the inbox."""
    site, job = site_of(request), job_of(request)
    if job.state is not State.FAILED or not job.destination:
        raise HTTPException(409, "The file has not failed.")
    folders = map(os.fsencode, retries.failed_folders(site.settings()))
    failed = next((folder for folder in folders if job.destination.startswith(folder + b"/")), b"/")
    name = os.path.relpath(job.destination, failed)
    answer = await _asked(site, RetryRequest([os.fsdecode(name)]), RetryAnswer)
    if not answer.moved:
        why = answer.faults[0] if answer.faults else "It is not in the failed folder any more."
        raise HTTPException(409, printable(os.fsencode(why)))
    return _done(request, site, f"{printable(os.fsencode(answer.moved[0]))} is back in the inbox.")


async def again(request: Request) -> Response:
    """Read a file once more: a copy of its original goes into the inbox."""
    site, job = site_of(request), job_of(request)
    path = await run_in_threadpool(_again, site, job)
    site.note_drop(path)
    return _done(request, site, f"{printable(path)} is in the inbox, to be read again.")


def _again(site: Site, job: Job) -> bytes:
    settings = site.settings()
    try:
        own = (recipe for recipe in recipes.named(settings).values() if recipe.inbox == job.inbox)
        _require_inbox(site, next(own, recipes.base(settings)))
        if job.state is not State.DONE:
            raise HTTPException(409, "The file was not read yet.")
        return uploads.again(
            settings, job_files.opened(job_files.original(settings, job)), job_files.inbox(settings, job), job.path
        )
    except job_files.Missing as missing:
        raise HTTPException(409, str(missing)) from None
    except uploads.Refused as refused:
        raise HTTPException(refused.status, refused.what) from None


async def drop(request: Request) -> Response:
    """Take a file that was dropped: the body is its content, `name` in the address what it is called.

    It goes into the base's inbox, or that of the `recipe` in the address.
    """
    site = site_of(request)
    recipe = _recipe(site, request.query_params.get("recipe", ""))
    settings = recipe.settings
    length = request.headers.get("content-length", "")
    if length.isdecimal() and int(length) > settings.intake.max_file:
        raise HTTPException(413, uploads.too_large(settings).what)
    if site.uploading >= MOST_UPLOADS:
        raise HTTPException(503, "Other files are still arriving; try again in a moment.")
    await run_in_threadpool(_require_inbox, site, recipe)
    site.uploading += 1
    try:
        path = await uploads.take(settings, request.query_params.get("name", ""), _body(request))
    except uploads.Refused as refused:
        raise HTTPException(refused.status, refused.what) from None
    finally:
        site.uploading -= 1
    site.note_drop(path)
    return _done(request, site, f"{printable(path)} is in the inbox.")


def _recipe(site: Site, name: str) -> Recipe:
    if not name:
        return recipes.base(site.settings())
    if (found := recipes.named(site.settings()).get(name)) is None:
        raise HTTPException(404, "There is no recipe of that name (any more).")
    return found


def _require_inbox(site: Site, recipe: Recipe) -> None:
    if site.library.inbox_is_away(recipe):
        raise HTTPException(503, "The inbox is not there. Is a share or a disk unmounted?")


async def _body(request: Request) -> AsyncIterator[bytes]:
    """Yield what arrives; an upload that stands still is given up."""
    stream = request.stream()
    while True:
        try:
            yield await asyncio.wait_for(anext(stream), SILENCE)
        except StopAsyncIteration:
            return
        except ClientDisconnect:
            raise uploads.Refused(400, "The browser left before the file was complete.") from None
        except TimeoutError:
            raise uploads.Refused(408, "Nothing more of the file arrived.") from None


async def _asked(site: Site, request: ControlRequest, kind: type[A]) -> A:
    state = site.settings().folders.state
    try:
        answer = await run_in_threadpool(client.ask, state, request, kind, RETRY)
    except client.NotRunning:
        raise HTTPException(503, "The daemon is not running; start it with: dropscribe run") from None
    if not answer.ok:
        raise HTTPException(409, ". ".join(filter(None, (answer.error, answer.remedy))))
    return answer


def _done(request: Request, site: Site, said: str) -> Response:
    """Answer our script with what to say; a browser without it is led back to the first view."""
    site.looking.stale()
    if request.headers.get("accept") == "application/json":
        return JSONResponse({"said": said})
    return RedirectResponse("/", 303)
