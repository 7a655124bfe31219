"""The system's own chromium, driven by Playwright: real pages, real keys. Tests are skipped where it is not there."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from support.web_page import Web


@contextmanager
def chromium() -> Iterator[Any]:
    """Yield a running browser."""
    program = shutil.which("chromium")
    if program is None:
        pytest.skip("no chromium here")
    playwright = pytest.importorskip("playwright.sync_api")
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=program, args=["--no-sandbox"])  # as root there is none
        yield browser
        browser.close()


@contextmanager
def opened(browser: Any, web: Web, **options: Any) -> Iterator[Any]:
    """Yield a page of *web*, let in as a user is; an error on its console fails the test."""
    context = browser.new_context(**options)
    context.grant_permissions(["clipboard-read", "clipboard-write"], origin=web.origin)
    page = context.new_page()
    page.set_default_timeout(20_000)
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("console", lambda message: errors.append(message.text) if "Content Security" in message.text else None)
    page.on("dialog", lambda dialog: errors.append(f"dialog: {dialog.message}"))
    page.goto(f"{web.origin}/?token={web.token}")
    yield page
    assert errors == []
    context.close()
