"""What a server is: which models it lists, which software it runs, whether it takes a request at all.

The name of a model is a command on some servers (mlx_vlm.server unloads what it has, llama-swap loads for minutes), so
only a name that the server lists itself is ever sent.
"""

import hashlib
import json
import time
from dataclasses import dataclass
from typing import Any

from dropscribe.config import Remote
from dropscribe.engines.remote import body as bodies
from dropscribe.engines.remote.body import Asked
from dropscribe.engines.remote.call import Call, Limits, Result
from dropscribe.engines.remote.failures import Blame, Failed, Failure, of_status, shortened
from dropscribe.engines.remote.families import Family, family_of
from dropscribe.engines.remote.picture import Picture, encode
from dropscribe.engines.remote.transport import Exchange, Transport
from dropscribe.engines.remote.watch import AnswerWatch

SECONDS = 10.0  # for a list of models
LARGEST_LIST = 4 << 20  # bytes: a hub lists hundreds
ROOTS = ("/v1", "")  # where the API may lie below the base URL
# By what `owned_by` says; other kinds by their `Server` header.
OWNERS = {"vllm": "vllm", "sglang": "sglang", "llamacpp": "llama-server", "library": "ollama"}
# Fields of a listed model that tell weights apart and stay the same for as long as they are served.
LASTING = ("root", "max_model_len", "meta", "parent")
VOLATILE = ("n_ctx",)  # of `meta`: how it was started
TINY = (224, 224)  # pixels of the page that is tried


@dataclass(frozen=True)
class Server:
    """What a server has told about itself."""

    kind: str  # vllm | sglang | llama-server | mlx_vlm.server | ollama | openai
    version: str
    root: str  # what comes before /chat/completions
    model: str  # as it lists it
    identity: str  # differs where the weights differ, as far as the server tells
    longest: int | None  # tokens of prompt and answer
    family: Family


def probe(transport: Transport, wanted: str | None) -> Server:
    """Ask a server what it is and has; raise `Failed`."""
    root, listed, header = _listing(transport)
    model = _chosen(listed, wanted, header)
    kind = _kind(header, str(model.get("owned_by", "")))
    length = model.get("max_model_len")
    names = [str(model["id"]), str(model.get("root") or "")]
    return Server(
        kind, header[:60], root, str(model["id"]), _identity(model, kind),
        length if isinstance(length, int) and length > 0 else None, family_of(*names),
    )  # fmt: skip


def _listing(transport: Transport) -> tuple[str, list[dict[str, Any]], str]:
    """Return where the API lies, the models listed there, and what the server calls itself."""
    failed = Failed(Failure(Blame.BARRED, "it lists no models"))
    for root in ROOTS:
        with Exchange(transport).send("GET", f"{root}/models", SECONDS) as answer:
            if answer.status != 200:
                failure = of_status(answer.status, answer.headers, answer.body(SECONDS))
                failed = Failed(_without_key(failure, transport))
                if answer.status != 404:
                    break
                continue
            text, header = answer.body(SECONDS, LARGEST_LIST), answer.headers.get("Server", "")
        try:
            listed = json.loads(text)["data"]
            return root, [model for model in listed if isinstance(model.get("id"), str)], header
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            what = f"{transport.path}{root}/models is no list of models: is the address right?"
            failed = Failed(Failure(Blame.BARRED, what))
    raise failed


def _without_key(failure: Failure, transport: Transport) -> Failure:
    return Failure(failure.blame, transport.without_key(failure.detail), failure.status, failure.wait)


def _chosen(listed: list[dict[str, Any]], wanted: str | None, header: str) -> dict[str, Any]:
    names = [model["id"] for model in listed]
    said = shortened(", ".join(names[:10]))
    if wanted is None:
        # mlx_vlm.server lists what lies on its disk, too.
        there = [model for model in listed if model.get("loaded") is True] or listed
        if len(there) == 1:
            return there[0]
        what = f"it lists several models ({said}); name one in engine.remote.model" if listed else "it lists no model"
        raise Failed(Failure(Blame.BARRED, what))
    for model in listed:
        if model["id"] in (wanted, f"{wanted}:latest") or wanted in _aliases(model):
            return model
    if header.startswith("mlx_vlm") and not any(model.get("loaded") for model in listed):
        return {"id": wanted}  # it lists no folder that it has unloaded, and has nothing that a wrong name would unload
    raise Failed(Failure(Blame.BARRED, f"it does not list the model {wanted[:100]!r}, but {said or 'none'}"))


def _aliases(model: dict[str, Any]) -> list[str]:
    aliases = model.get("aliases")
    return aliases if isinstance(aliases, list) else []


def _kind(header: str, owner: str) -> str:
    if owner in OWNERS:
        return OWNERS[owner]
    if header.startswith("llama.cpp"):
        return "llama-server"
    return "mlx_vlm.server" if header.startswith("mlx_vlm") else "openai"


def _identity(model: dict[str, Any], kind: str) -> str:
    """Return a digest of what tells these weights from others; `created` only where it is the model's own time."""
    told = {key: model[key] for key in LASTING if key in model}
    if isinstance(told.get("meta"), dict):
        told["meta"] = {key: value for key, value in told["meta"].items() if key not in VOLATILE}
    if kind == "ollama":
        told["created"] = model.get("created")
    text = json.dumps([model["id"], told], sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def tiny_page() -> Picture:
    """Return a page with two lines on it."""
    from PIL import Image, ImageDraw

    image = Image.new("RGB", TINY, "white")
    draw = ImageDraw.Draw(image)
    draw.text((20, 40), "Dropscribe", fill="black")
    draw.text((20, 80), "reads this page.", fill="black")
    return encode(image, "png")


def try_page(exchange: Exchange, server: Server, remote: Remote, words: str, seconds: float, tokens: int = 1) -> Result:
    """Let a server begin to read a tiny page; raise `Failed`."""
    asked = Asked(server.model, words, tokens)
    body = bodies.body(server.kind, server.family, asked, tiny_page(), remote.extra)
    limits = Limits(seconds, seconds, seconds, time.monotonic() + seconds)
    path = f"{server.root}/chat/completions"
    return Call(exchange, path, body, limits, lambda begun, allowed: AnswerWatch(tokens, begun, allowed)).run()
