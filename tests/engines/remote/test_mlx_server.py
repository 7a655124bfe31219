"""The engine on the real server that differs most from llama.cpp's: mlx_vlm.server, with the tiny DeepSeek-OCR."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import urllib3

from dropscribe.core.errors import ReasonedError
from dropscribe.core.pages import PageText
from support import tiny_checkpoint
from support.harness import wait_for
from support.remote_pages import loaded, read

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]
PROGRAM = Path(tiny_checkpoint.__file__).with_name("mlx_vlm_process.py")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    pytest.importorskip("mlx_vlm", reason="mlx-vlm is not installed", exc_type=ImportError)
    root = tmp_path_factory.mktemp("mlx")
    with tiny_checkpoint.stub_sam():
        folder = tiny_checkpoint.build(root / "DeepSeek-OCR")
    path = os.pathsep.join([str(PROGRAM.parents[1]), *sys.path])
    environment = os.environ | {"PYTHONPATH": path, "HF_HUB_OFFLINE": "1"}
    command = [sys.executable, str(PROGRAM), str(folder)]
    with (
        open(root / "log", "w") as log,
        subprocess.Popen(command, stdout=subprocess.PIPE, text=True, stderr=log, env=environment) as process,
    ):
        assert process.stdout is not None
        url = next(line for line in process.stdout if line.startswith("listening")).split()[1]
        wait_for(lambda: healthy(url), "the server answers", 120)
        yield url
        process.kill()


def healthy(url: str) -> bool:
    try:
        return urllib3.request("GET", f"{url}/health", retries=False, timeout=1).status == 200
    except urllib3.exceptions.HTTPError:
        return False


def page_of(url: str, prompt: str) -> PageText:
    with loaded(url, engine_values={"prompt": prompt, "max_tokens": 300}) as engine:
        (page,) = read(engine, size=(320, 400))
    assert isinstance(page, PageText)
    return page


def test_it_is_known_and_its_model_is_found(server: str) -> None:
    with loaded(server) as engine:
        assert engine.info.version.startswith("mlx_vlm.server mlx_vlm/")
        assert "DeepSeek-OCR" in engine.info.model


def test_grounded_marks_arrive_and_become_blocks(server: str) -> None:
    page = page_of(server, "markdown")

    assert page.blocks and all(block.box for block in page.blocks) and page.text
    assert [attempt.end for attempt in page.attempts] == ["stop"]


def test_plain_text_and_chinese_arrive_whole(server: str) -> None:
    page, poem = page_of(server, "text"), page_of(server, "Recite the poem.")

    assert page.text and page.flags == ()
    assert any("\u4e00" <= sign <= "\u9fff" for sign in poem.text)


def test_an_empty_answer_which_is_null_here_is_an_empty_page(server: str) -> None:
    assert page_of(server, "describe").flags == ("empty",)


def test_an_endless_loop_is_cut(server: str) -> None:
    page = page_of(server, "figure")

    assert "loop" in page.flags and all(attempt.tokens < 200 for attempt in page.attempts)


def test_it_unloads_when_asked_and_loads_again_for_a_page(server: str) -> None:
    with loaded(server, unload=True) as engine:
        name = engine.info.model
    listed = urllib3.request("GET", f"{server}/v1/models").json()["data"]
    assert not any(model["loaded"] for model in listed)

    with loaded(server, model=name, engine_values={"prompt": "text"}) as engine:
        assert isinstance(read(engine, size=(320, 400))[0], PageText)


def test_a_wrong_name_is_never_sent_so_the_model_stays(server: str) -> None:
    with pytest.raises(ReasonedError, match="does not list"), loaded(server, model="another"):
        pass

    assert page_of(server, "text").text
