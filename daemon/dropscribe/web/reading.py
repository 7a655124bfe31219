"""What was read: the list, a page beside its text, pictures and downloads. Each file is found by its job's number."""

import json
import os
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response, StreamingResponse

from dropscribe.core.errors import Kind, Reason
from dropscribe.core.job import State, printable
from dropscribe.files.places import Place
from dropscribe.web import job_files
from dropscribe.web.job_files import Known
from dropscribe.web.library import FILTERS
from dropscribe.web.markdown import rendered
from dropscribe.web.passages import passages
from dropscribe.web.pictures import NoPicture
from dropscribe.web.site import Site, job_of, site_of
from dropscribe.web.texts import Text, Values, is_doubtful

FORMS = ("plain", "markdown", "json")
LONGEST_WORDS = 200  # characters searched for
CHUNK = 1 << 16
_NOT_PLAIN = re.compile(r"[^A-Za-z0-9._-]")


async def listing(request: Request) -> Response:
    """Show what was read, newest first, filtered and searched."""
    site, asked = site_of(request), request.query_params
    which = asked.get("which", "all") if asked.get("which") in FILTERS else "all"
    words, recipe = asked.get("words", "")[:LONGEST_WORDS], asked.get("recipe", "")
    found = await run_in_threadpool(site.library.listing, which, words, asked.get("before", ""), recipe)
    recipes = await run_in_threadpool(site.library.recipes)
    values = {"found": found, "which": which, "words": words, "recipe": recipe, "recipes": recipes}
    return site.html("read.html", {"here": "read", **values})


async def document(request: Request) -> Response:
    """Show a page of a document beside its text."""
    site, job = site_of(request), job_of(request)
    form = request.query_params.get("form", "plain")
    number = _number(request.query_params.get("page", "1"))
    values = await run_in_threadpool(_document, site, job, number, form if form in FORMS else "plain")
    return site.html("document.html", {"here": "read", "job": job, **values})


def _number(text: str) -> int:
    return min(int(text), 10**6) if text.isascii() and text.isdecimal() and len(text) < 8 and int(text) else 1


def _document(site: Site, job: Known, number: int, form: str) -> dict[str, Any]:
    """Return the values of the template."""
    settings = site.settings()
    text = site.texts.of(settings, job)
    number = min(number, max(1, text.count))
    try:
        page = text.page(number) if text.count else None
    except job_files.Missing as missing:
        raise HTTPException(410, str(missing)) from None
    try:
        job_files.original(settings, job)
        lacking = ""
    except job_files.Missing as missing:
        lacking = str(missing)
    return {
        "text": text, "page": page, "number": number, "form": form, "lacking": lacking, "blind": _cannot_be_shown(job),
        "doubtful": page is not None and is_doubtful(page), "rotation": page["rotation"] if page else 0,
        "outputs": [printable(path) for path in job.outputs], **_shown(page, form),
    }  # fmt: skip


def _cannot_be_shown(job: Known) -> bool:
    """Say whether no picture can be made of what has failed: for what was wrong with it, nothing was decoded."""
    if job.state is not State.FAILED or job.reason not in set(Reason):
        return False
    return Reason(job.reason).kind is Kind.FILE and job.reason != Reason.UNWRITABLE_NAME


def _shown(page: Values | None, form: str) -> dict[str, Any]:
    """Return the text of a page in the *form* asked for, and what is drawn on its picture."""
    if page is None:
        return {"passages": [], "html": None, "source": "", "missing": [], "unconfirmed": []}
    check = page["check"] or {"unconfirmed": [], "missing": []}
    source = {
        "plain": page["text"],
        "markdown": page["markdown"] if page["markdown"] is not None else page["text"],
        "json": json.dumps(page, ensure_ascii=False, indent=2) if form == "json" else "",
    }[form]
    return {
        "passages": passages(page["text"], page["blocks"], check["unconfirmed"]) if form == "plain" else [],
        "html": rendered(source) if form == "markdown" else None,
        "source": source, "missing": check["missing"], "unconfirmed": check["unconfirmed"],
    }  # fmt: skip


async def next_doubtful(request: Request) -> Response:
    """Lead on to the next page that asks for a look: in this document, else in the next one of the list."""
    site, job = site_of(request), job_of(request)
    after = _number(request.query_params.get("page", "1"))
    place = await run_in_threadpool(_next_doubtful, site, job, after)
    return RedirectResponse(place, 303)


def _next_doubtful(site: Site, job: Known, after: int) -> str:
    settings = site.settings()
    number = _first_after(site.texts.of(settings, job), after)
    if number is not None:
        return f"/read/{job.id}?page={number}"
    following = site.library.next_doubtful((job.finished or 0.0, job.id))
    if following is None:
        return "/read?which=check"
    return f"/read/{following.id}?page={_first_after(site.texts.of(settings, following), 0) or 1}"


def _first_after(text: Text, after: int) -> int | None:
    try:
        return next((number for number in text.doubtful() if number > after), None)
    except job_files.Missing:
        return None


async def picture(request: Request) -> Response:
    """Return the picture of a page, turned as it was read."""
    site, job = site_of(request), job_of(request)
    settings = site.settings()
    rotation = request.query_params.get("rotation", "0")
    try:
        place = await run_in_threadpool(job_files.original, settings, job)
        turn = int(rotation) if rotation in ("90", "180", "270") else 0
        content = await site.pictures.of(place, request.path_params["page"], turn, settings)
    except (job_files.Missing, NoPicture) as missing:
        raise HTTPException(404, str(missing)) from None
    return Response(content, media_type="image/webp", headers={"Cache-Control": "private, max-age=300"})


async def output(request: Request) -> Response:
    """Send an output file of a job, by its index, to be saved."""
    site, job = site_of(request), job_of(request)
    paths = job_files.outputs(site.settings(), job)
    if request.path_params["index"] >= len(paths):
        raise HTTPException(404, "The file has no such output.")
    return await _sent(paths[request.path_params["index"]])


async def original(request: Request) -> Response:
    """Send the original of a job, to be saved."""
    site, job = site_of(request), job_of(request)
    if job.state not in (State.DONE, State.FAILED):
        raise HTTPException(409, "The file is still being read.")
    try:
        return await _sent(job_files.original(site.settings(), job))
    except job_files.Missing as missing:
        raise HTTPException(404, str(missing)) from None


async def _sent(place: Place) -> Response:
    """Send the file at *place* as one to be saved: a browser must not show what strangers made."""
    try:
        descriptor = await run_in_threadpool(job_files.opened, place)
    except job_files.Missing as missing:
        raise HTTPException(404, str(missing)) from None
    name = os.fsdecode(place.name).encode("utf-8", "replace").decode()
    plain = _NOT_PLAIN.sub("_", name)
    headers = {
        "Content-Disposition": f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}",
        "Content-Length": str(os.fstat(descriptor).st_size),
    }
    return StreamingResponse(_content(descriptor), media_type="application/octet-stream", headers=headers)


def _content(descriptor: int) -> Iterator[bytes]:
    with open(descriptor, "rb") as file:
        left = os.fstat(descriptor).st_size
        while left and (chunk := file.read(min(CHUNK, left))):
            left -= len(chunk)
            yield chunk
