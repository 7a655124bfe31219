"""What was read, through the page: the list, a page beside its text, its picture, downloads, other tries."""

import io
import re
from urllib.parse import unquote

from PIL import Image

from support.fakes import picture
from support.harness import Daemon, wait_for
from support.web_page import SCRIPT, Web


def names(html: str) -> list[str]:
    return re.findall(r'class="name">([^<]*)<', html)


def test_the_list_is_filtered_and_searched_in_names_and_texts(web: Web) -> None:
    escaped = "&lt;img src=x onerror=alert(1)&gt;&amp;&#39;&#34;.png"
    assert {"first.png", "sub/many.tif", escaped, f"good {escaped}"} <= set(names(web.get("/read").text))
    assert escaped in names(web.get("/read?which=failed").text)
    assert "first.png" not in names(web.get("/read?which=failed").text)
    assert not {"first.png", "sub/many.tif", escaped} & set(names(web.get("/read?which=check").text))
    assert names(web.get("/read?words=MANY").text) == ["sub/many.tif"]
    assert names(web.get("/read?words=page+62x40").text) == ["sub/many.tif"]
    assert names(web.get("/read?words=nothing+like+it").text) == []


def test_a_page_beside_its_text_with_its_box(web: Web, ids: dict[str, int]) -> None:
    html = web.get(f"/read/{ids['many.tif']}?page=2").text

    assert re.search(r'<span data-block="0">page 61x40 [0-9a-f]{8}</span>', html)
    assert '<rect data-block="0" x="10" y="10" width="20" height="10"/>' in html
    assert 'viewBox="0 0 61 40"' in html
    assert f'href="/read/{ids["many.tif"]}?page=3"' in html


def test_markdown_and_json_of_a_page(web: Web, ids: dict[str, int]) -> None:
    assert "<p>page 60x40" in web.get(f"/read/{ids['first.png']}?form=markdown").text
    assert "&#34;blocks&#34;: [" in web.get(f"/read/{ids['first.png']}?form=json").text


def test_the_picture_of_a_page_turned_as_it_was_read(web: Web, ids: dict[str, int]) -> None:
    upright = web.get(f"/read/{ids['many.tif']}/picture/3")
    turned = web.get(f"/read/{ids['many.tif']}/picture/3?rotation=90")

    assert upright.headers["Content-Type"] == "image/webp"
    assert Image.open(io.BytesIO(upright.body)).size == (62, 40)
    assert Image.open(io.BytesIO(turned.body)).size == (40, 62)


def test_every_output_can_be_saved_under_its_name(daemon: Daemon, web: Web, ids: dict[str, int]) -> None:
    for index in range(3):
        answer = web.get(f"/read/{ids['first.png']}/output/{index}")
        name = unquote(answer.headers["Content-Disposition"].split("''")[1])
        assert answer.body == (daemon.outbox / name).read_bytes()
    assert web.get(f"/read/{ids['first.png']}/original").body == (daemon.archive / "first.png").read_bytes()


def test_without_anything_to_check_the_way_leads_to_the_list(web: Web, ids: dict[str, int]) -> None:
    assert web.get(f"/read/{ids['first.png']}/next").headers["Location"] == "/read?which=check"


def test_a_failed_file_gets_another_try_and_a_read_one_is_read_again(web: Web, daemon: Daemon) -> None:
    (daemon.inbox / "torn.png").write_bytes(b"torn")
    told = daemon.wait_status(lambda s: any(i["name"] == "torn.png" for i in s["recent"]), "it fails")
    number = next(item["id"] for item in told["recent"] if item["name"] == "torn.png")
    assert web.post(f"/read/{number}/again").status == 409
    answer = web.post(f"/read/{number}/retry")
    assert answer.values == {"said": "torn.png is back in the inbox."}
    wait_for(lambda: (daemon.failed / "torn.png").exists(), "it fails again")
    assert web.post(f"/read/{number}/retry").status in (200, 409)  # it lies there under its old name

    picture(daemon.inbox / "sub" / "twice.png", 5)
    told = daemon.wait_status(lambda s: any(i["name"] == "sub/twice.png" for i in s["recent"]), "it is read")
    number = told["recent"][0]["id"]
    assert web.post(f"/read/{number}/retry").status == 409
    assert web.post(f"/read/{number}/again").values["said"].startswith("sub/twice.png is in the inbox")
    wait_for(lambda: (daemon.outbox / "sub" / "twice (2).txt").exists(), "it is read again")


def test_what_the_page_says_of_a_file_that_failed(web: Web, ids: dict[str, int]) -> None:
    html = web.get(f"/read/{ids[SCRIPT]}").text

    assert "<img id=" not in html, "it would be answered with 404"
    assert "No picture can be made of this file." in html and f"/read/{ids[SCRIPT]}/original" in html
    assert "<img id=" in web.get(f"/read/{ids['first.png']}").text

    assert "not-an-image" in html and "Try again" in html
    assert web.get(f"/read/{ids[SCRIPT]}/picture/1").values["said"].startswith("The name ends in .png")
