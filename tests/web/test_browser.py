"""The page in a real browser: drop, watch, open, copy, mark, retry, pause; a daemon that dies under an open page."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from support.browser import chromium, opened
from support.fakes import document, picture
from support.harness import Daemon, wait_for
from support.web_page import SCRIPT, Web

# Drops a file on the page, as a browser tells it.
DROP = """([name, bytes]) => {
    const carried = new DataTransfer();
    carried.items.add(new File([new Uint8Array(bytes)], name, {type: "image/png"}));
    for (const kind of ["dragenter", "dragover", "drop"])
        document.body.dispatchEvent(new DragEvent(kind, {dataTransfer: carried, bubbles: true, cancelable: true}));
}"""
PASTE = """([name, bytes]) => {
    const carried = new DataTransfer();
    carried.items.add(new File([new Uint8Array(bytes)], name, {type: "image/png"}));
    dispatchEvent(new ClipboardEvent("paste", {clipboardData: carried, bubbles: true}));
}"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with chromium() as browser:
        yield browser


@pytest.fixture
def page(browser: Any, web: Web) -> Iterator[Any]:
    with opened(browser, web) as page:
        yield page


def dropped(folder: Path, name: str, number: int = 0, deed: str | None = None) -> list[Any]:
    """Return name and bytes of a picture, for the scripts above."""
    picture(folder / "it.png", number, deed)
    return [name, [*(folder / "it.png").read_bytes()]]


def test_a_picture_is_dropped_watched_and_opened_beside_its_text(page: Any, web: Web, tmp_path: Path) -> None:
    page.click("nav >> text=Drop")
    page.wait_for_url("**/drop")
    page.wait_for_load_state("load")  # our script is there by then
    page.evaluate(DROP, dropped(tmp_path, "smoke.png", 21))
    page.wait_for_selector("text=smoke.png is in the inbox.")
    page.click("a.entry:has-text('smoke.png')")
    assert page.inner_text("#reading").startswith("page 60x40 ")
    wait_for(lambda: page.evaluate("document.getElementById('picture').naturalWidth") == 60, "the picture is shown")
    page.hover("#reading [data-block]")
    assert page.get_attribute(".sheet rect", "class") == "lit"


@pytest.mark.slow
def test_line_and_box_light_up_together_and_the_text_is_copied(page: Any, web: Web, ids: dict[str, int]) -> None:
    page.goto(f"{web.origin}/read/{ids['many.tif']}")
    text = page.inner_text("#reading")
    page.hover(".sheet rect")
    assert page.get_attribute("#reading [data-block]", "class") == "lit"
    page.click("#copy")
    page.wait_for_selector("text=Copied.")
    assert page.evaluate("navigator.clipboard.readText()") == text
    page.keyboard.press("ArrowRight")
    page.wait_for_url("**page=2")
    assert page.inner_text("#reading") != text
    page.click("text=Markdown")
    page.wait_for_selector(".rendered")
    page.wait_for_load_state("load")
    page.keyboard.press("c")
    page.wait_for_selector("text=Copied.")
    assert page.evaluate("navigator.clipboard.readText()") == page.inner_text(".rendered")
    page.focus(".rendered")
    page.keyboard.press("ArrowLeft")
    page.wait_for_url("**page=1&form=markdown")


@pytest.mark.slow
def test_what_is_doubtful_is_marked_and_reached_by_key(page: Any, web: Web, daemon: Daemon, tmp_path: Path) -> None:
    picture(daemon.inbox / "unsure.png", 31, "unsure")
    told = daemon.wait_status(lambda s: any(i["name"] == "unsure.png" for i in s["recent"]), "it is read")
    number = told["recent"][0]["id"]
    path = daemon.outbox / "unsure.json"
    values = json.loads(path.read_text())
    (only,) = values.pop("pages")
    only["check"] = {
        "reader": "rapidocr", "agreement": 0.5, "unconfirmed": [{"text": "60x40", "box": None}],
        "missing": [{"text": "left out", "box": [40, 25, 55, 35]}],
    }  # fmt: skip
    head = json.dumps(values, indent=2).removesuffix("\n}")
    path.write_text(f'{head},\n  "pages": [\n    {json.dumps(only)}\n  ]\n}}\n')
    page.goto(f"{web.origin}/read?which=check")
    page.click("text=unsure.png")
    assert page.inner_text("mark.unconfirmed") == "60x40"
    assert page.inner_text("mark.low").startswith("page")
    assert page.text_content("rect.missing title") == "Missing in the text: left out"
    assert page.inner_text("ul.missing") == "left out"
    picture(daemon.inbox / "newer.png", 32)
    newest = daemon.wait_status(lambda s: s["recent"][0]["name"] == "newer.png", "it is read")["recent"][0]["id"]
    page.goto(f"{web.origin}/read/{newest}")
    page.keyboard.press("n")
    page.wait_for_url(f"**/read/{number}?page=1")


@pytest.mark.slow
def test_a_failed_file_is_tried_again_and_the_queue_paused_and_resumed(page: Any, daemon: Daemon) -> None:
    (daemon.inbox / "torn page.png").write_bytes(b"torn")
    page.wait_for_selector("a.entry:has-text('torn page.png')")
    page.click("button[aria-label='Try torn page.png again']")
    page.wait_for_selector("text=is back in the inbox")
    page.click("#pause")
    page.wait_for_selector("#resume")
    assert daemon.status()["queue"]["paused"]
    assert "The queue does not move on" in page.inner_text("[data-part=queue]")
    page.click("#resume")
    page.wait_for_selector("#pause")
    assert not daemon.status()["queue"]["paused"]
    daemon.wait_quiet()


@pytest.mark.slow
def test_a_screenshot_is_pasted_and_a_file_chosen(page: Any, web: Web, daemon: Daemon, tmp_path: Path) -> None:
    page.evaluate(PASTE, dropped(tmp_path, "image.png", 41))
    wait_for(lambda: (daemon.archive / "image.png").exists(), "it is read")
    page.goto(f"{web.origin}/drop")
    picture(tmp_path / SCRIPT, 42)
    page.set_input_files("#chosen", tmp_path / SCRIPT)
    page.wait_for_selector("[data-part=drops] .entry:has-text('onerror') .tag.good")
    assert SCRIPT in page.inner_text("[data-part=drops]")


@pytest.mark.slow
def test_names_of_strangers_do_nothing_in_a_browser(page: Any, web: Web, ids: dict[str, int]) -> None:
    good = f"/read/{ids[f'good {SCRIPT}']}"
    for path in ("/", "/read?words=onerror", f"/read/{ids[SCRIPT]}", good, f"{good}?form=json"):
        page.goto(web.origin + path)
        page.wait_for_load_state("load")
        assert page.locator("img[src=x]").count() == 0


@pytest.mark.slow
def test_the_charts_are_drawn_with_loads_and_states(page: Any, web: Web, daemon: Daemon) -> None:
    page.click("#unload")
    daemon.wait_status(lambda s: s["model"]["state"] == "cold", "it is unloaded")
    page.reload()
    page.wait_for_selector("#charts .mark.unloading", state="attached")
    label = page.get_attribute("#charts svg", "aria-label")
    assert "the model took at most" in label and page.locator("#charts .state").count() > 0


@pytest.mark.slow
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_is_cut_off_on_a_phone(browser: Any, web: Web, ids: dict[str, int], scheme: str) -> None:
    with opened(browser, web, viewport={"width": 360, "height": 740}, color_scheme=scheme) as page:
        for path in ("/", "/read", "/drop", f"/read/{ids['many.tif']}", f"/read/{ids[SCRIPT]}"):
            page.goto(web.origin + path)
            assert page.evaluate("document.documentElement.scrollWidth") <= 360, path


@pytest.mark.slow
def test_every_control_has_a_name_and_the_keyboard_reaches_it(page: Any, web: Web, ids: dict[str, int]) -> None:
    for path in ("/", "/read", "/drop", f"/read/{ids['many.tif']}"):
        page.goto(web.origin + path)
        nameless = page.evaluate(
            "[...document.querySelectorAll('button, a[href], input:not([type=hidden]), select')].filter(e => !("
            "e.textContent.trim() || e.labels?.length || e.getAttribute('aria-label'))).map(e => e.outerHTML)"
        )
        assert nameless == []
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.textContent") == "Skip to the content"


@pytest.mark.slow
def test_a_daemon_that_is_killed_and_started_again_under_an_open_page(browser: Any, tmp_path: Path) -> None:
    with Daemon(tmp_path) as daemon, Web(daemon.start()) as web, opened(browser, web) as page:
        daemon.read_one("before.png")
        page.wait_for_selector("a.entry:has-text('before.png')")
        daemon.kill()
        page.wait_for_selector("text=The daemon is not running.")
        assert page.locator("a.entry:has-text('before.png')").count() == 1
        daemon.start()
        page.wait_for_selector("text=The daemon is not running.", state="detached")
        daemon.change(output={"formats": ["nonsense"]})
        page.wait_for_selector("text=The settings file is not valid")
        daemon.change(output={"formats": ["txt", "json"]})
        page.wait_for_selector("text=The settings file is not valid", state="detached")
        document(daemon.inbox / "after.tif", 3)
        page.click("a.entry:has-text('after.tif')")
        page.wait_for_selector("text=of 3")
        web.process.terminate()
        page.goto("about:blank")


@pytest.mark.slow
def test_a_page_that_is_no_longer_served_says_so(browser: Any, tmp_path: Path) -> None:
    with Daemon(tmp_path) as daemon, Web(daemon) as web, opened(browser, web) as page:
        page.wait_for_selector("text=The daemon is not running.")
        web.process.terminate()
        page.wait_for_selector("text=This page is not served any more.")
