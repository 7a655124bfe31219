"""The server: on this machine's own address only, for as long as a browser looks."""

import socket
from collections.abc import Callable

import uvicorn

from dropscribe.config import Settings
from dropscribe.core.errors import UsageError
from dropscribe.core.status import Status
from dropscribe.web import app, uploads
from dropscribe.web.connections import BoundedProtocol
from dropscribe.web.looking import LEFT
from dropscribe.web.session import Session
from dropscribe.web.site import Site

ADDRESS = "127.0.0.1"
GRACE = 1  # seconds for answers under way at the end


def serve(
    settings: Callable[[], Settings], ask: Callable[[], Status], port: int, opened: Callable[[str, str], None],
    left: float = LEFT,
) -> None:  # fmt: skip
    """Serve on *port* (0: any free one) until interrupted, or until the last browser *left* so many seconds ago.

    *opened* is given two addresses once they are answered: one that works once, for a browser, and one to be shown.
    """
    with _listening(port) as listener:
        port, session = listener.getsockname()[1], Session()
        uploads.sweep(settings())
        site = Site(settings, ask, left)
        config = uvicorn.Config(
            app.create(site, session, port, lambda: setattr(server, "should_exit", True)), loop="asyncio",
            http=BoundedProtocol, ws="none", lifespan="on", log_level="error", access_log=False, server_header=False,
            proxy_headers=False, timeout_graceful_shutdown=GRACE,
        )  # fmt: skip
        server = uvicorn.Server(config)
        address = f"http://{ADDRESS}:{port}/?token="
        opened(address + session.single_use_token(), address + session.token)
        server.run([listener])


def _listening(port: int) -> socket.socket:
    listener = socket.socket()
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((ADDRESS, port))
        listener.listen(128)
    except (OSError, OverflowError) as error:
        listener.close()
        raise UsageError("web", f"port {port} cannot be used ({error})", "choose another with --port") from None
    return listener
