"""A server's own unload, for one on one's own machine: only when the settings ask for it, others may use it."""

import json
from collections.abc import Iterable

from dropscribe.engines.remote.endpoint import Endpoint
from dropscribe.engines.remote.failures import Failed
from dropscribe.engines.remote.transport import Exchange

SECONDS = 5.0


def ask(endpoints: Iterable[Endpoint]) -> None:
    """Ask each server that can be asked to let its model go; one that cannot, or fails, keeps it."""
    for endpoint in endpoints:
        server = endpoint.server
        if server is None or (known := request(server.kind, server.model)) is None:
            continue
        path, values = known
        text = json.dumps(values).encode()
        try:
            with Exchange(endpoint.transport).send("POST", path, SECONDS, text, len(text)) as answer:
                answer.body(SECONDS)
        except Failed:
            pass  # it keeps the model for as long as its own settings say


def request(kind: str, model: str) -> tuple[str, dict[str, object]] | None:
    """Return the path and the body of a server's unload; None for a kind that has none, or is no one's own."""
    known: dict[str, tuple[str, dict[str, object]]] = {
        "ollama": ("/api/generate", {"model": model, "keep_alive": 0}),
        "mlx_vlm.server": ("/unload", {}),
        "llama-server": ("/models/unload", {"model": model}),  # in router mode; else it answers 404
    }
    return known.get(kind)
