"""Whom pages are sent to: TLS, the key, public addresses. llama.cpp's server comes without TLS here: a scripted one."""

import ssl
from pathlib import Path

import pytest
import trustme

from dropscribe.config import checked
from dropscribe.core.errors import ReasonedError
from dropscribe.core.pages import PageText
from dropscribe.engines.base import Signals
from dropscribe.engines.remote import trust
from support.remote_pages import loaded, read
from support.scripted_http import ScriptedServer


def test_tls_needs_an_authority_that_is_known_and_the_right_name(tmp_path: Path) -> None:
    authority, ca = trustme.CA(), str(tmp_path / "ca.pem")
    authority.cert_pem.write_to_path(ca)
    for name, known in (("127.0.0.1", True), ("another.example", False)):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert(name).configure_cert(context)
        with ScriptedServer(tls=context) as server:
            with pytest.raises(ReasonedError, match=r"(?i)certificate"), loaded(server.url):
                pass
            if known:
                with loaded(server.url, ca=ca) as engine:
                    assert isinstance(read(engine)[0], PageText)
            else:
                with pytest.raises(ReasonedError, match=r"(?i)certificate"), loaded(server.url, ca=ca):
                    pass


def test_no_proxy_is_taken_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    with ScriptedServer() as server, loaded(server.url) as engine:
        assert isinstance(read(engine)[0], PageText)


@pytest.mark.parametrize("content", ["no certificate", None])
def test_a_file_that_is_no_authority_is_named(tmp_path: Path, content: str | None) -> None:
    file = tmp_path / "ca.pem"
    if content is not None:
        file.write_text(content)

    with pytest.raises(ReasonedError, match=r"ca\.pem cannot be used"):
        trust.tls(str(file))


@pytest.mark.parametrize(
    "content, why", [("", "no key"), ("two words", "no key"), ("käy", "plain letters"), (None, "read")]
)
def test_a_file_that_holds_no_key_is_named(tmp_path: Path, content: str | None, why: str) -> None:
    file = tmp_path / "key"
    if content is not None:
        file.write_text(content, "utf-8")

    with pytest.raises(ReasonedError, match=why) as caught:
        trust.read_key(str(file))
    assert str(file) in caught.value.detail


@pytest.mark.parametrize(
    "url, public",
    [
        ("http://8.8.8.8:8000", True), ("http://[2001:4860:4860::8888]/", True), ("http://127.0.0.1", False),
        ("http://192.168.1.5:8000", False), ("http://10.0.0.1", False), ("http://[fe80::1]", False),
        ("http://no-such-host.invalid", False),
    ],
)  # fmt: skip
def test_plain_http_to_a_public_address_is_warned_about(url: str, public: bool) -> None:
    remote = checked({"engine": {"remote": {"url": url}}}, "x").engine.remote

    assert [("unencrypted" in text) for text in trust.warnings(remote)] == [True] * public


def test_a_key_that_others_may_read_is_warned_about(tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_text("secret")
    file.chmod(0o644)
    warned: list[str] = []
    with ScriptedServer() as server:
        for mode in (0o644, 0o600):
            file.chmod(mode)
            with loaded(server.url, key_file=str(file), signals=Signals(warning=warned.append)):
                pass

    (only,) = warned
    assert "chmod 600" in only and "secret" not in only
