"""The gate in front of every route: who asks, through which name, from which page; and what a browser may do with it.

- Host: another name that leads here (DNS rebinding) is refused.
- Origin: what changes anything must come from our own page; what another page asks for is refused.
- Cookie: HttpOnly and SameSite=Strict, in exchange for the token in the address that was opened.
  Browsers send it to every port of 127.0.0.1: another server there, once looked at in this browser, gets to know it.
- Content-Security-Policy: no script, style, picture or connection but our own.
"""

from collections.abc import MutableMapping
from http.cookies import CookieError, SimpleCookie
from typing import Any
from urllib.parse import parse_qs

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from dropscribe.web.session import Session

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",  # with no-referrer the Origin of our own forms would be null
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
}
CLOSED = (
    "<!doctype html><html lang=en><meta charset=utf-8><title>Dropscribe</title>"
    "<p>This page is opened with the command <code>dropscribe web</code>, which also prints its address."
)


class Gate:
    """Lets requests through to *app* that come from a browser of ours and through an address of ours."""

    def __init__(self, app: ASGIApp, session: Session, port: int) -> None:
        self._app, self._session = app, session
        self._hosts = frozenset({f"127.0.0.1:{port}", f"localhost:{port}"})
        self.cookie_name = f"dropscribe-{port}"  # cookies do not tell ports apart

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or hand it on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        answer = self._refusal(scope, Headers(scope=scope)) or self._welcome(scope)
        await (answer or self._app)(scope, receive, _protected(send))

    def _refusal(self, scope: Scope, headers: Headers) -> Response | None:
        """Return why a request is refused, if it is."""
        host = headers.get("host", "")
        if host not in self._hosts:
            return PlainTextResponse("This address is not ours.", 421)
        if scope["method"] not in ("GET", "HEAD") and headers.get("origin") != f"http://{host}":
            return PlainTextResponse("Only our own page may ask for this.", 403)
        if headers.get("sec-fetch-site") in ("cross-site", "same-site") and headers.get("sec-fetch-mode") != "navigate":
            return PlainTextResponse("Another page may not ask for this.", 403)
        return None

    def _welcome(self, scope: Scope) -> Response | None:
        """Return the cookie for a token, or the closed door for whoever has neither; None for those who may enter."""
        if self._session.knows(_cookie(Headers(scope=scope), self.cookie_name)):
            return None
        token = parse_qs(scope["query_string"].decode("latin-1")).get("token", [""])[0]
        if scope["method"] == "GET" and scope["path"] == "/" and self._session.admits(token):
            answer = RedirectResponse("/", 303)
            answer.set_cookie(self.cookie_name, self._session.cookie, httponly=True, samesite="strict")
            return answer
        return HTMLResponse(CLOSED, 403)


def _cookie(headers: Headers, name: str) -> str:
    """Return the value of our cookie, empty where there is none."""
    for line in headers.getlist("cookie"):
        try:
            if (found := SimpleCookie(line).get(name)) is not None:
                return str(found.value)
        except CookieError:
            pass
    return ""


def _protected(send: Send) -> Send:
    """Return a *send* that puts our headers on every answer; nothing is kept by the browser unless it says so."""

    async def protected(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=_mutable(message))
            for name, value in HEADERS.items():
                headers.setdefault(name, value)
            headers.setdefault("Cache-Control", "no-store")
        await send(message)

    return protected


def _mutable(message: Message) -> MutableMapping[str, Any]:
    message.setdefault("headers", [])
    return message
