"""The servers that pages are sent to: reachable, with the model, how long a tiny page takes, what is lost on the way.

The only check that talks to another machine, and only to those that the settings name.
"""

import time
from collections.abc import Iterator

from dropscribe.config import Settings
from dropscribe.core.errors import ReasonedError
from dropscribe.doctor.values import Check, fault, ok, warning
from dropscribe.engines.remote import trust
from dropscribe.engines.remote.failures import Blame, Failed
from dropscribe.engines.remote.probe import Server, probe, try_page
from dropscribe.engines.remote.transport import Exchange, Transport

SECONDS = 60.0  # for the tiny page
TOKENS = 64  # of it that are waited for
GUARD = "--logits-processors vllm.model_executor.models.deepseek_ocr:NGramPerReqLogitsProcessor"
KEEP = {
    "llama-server": "start llama-server with --special",
    "mlx_vlm.server": "nothing: this server has no setting for it, and boxes are read without the marks too",
    "ollama": "nothing: this server has no setting for it, and boxes are read without the marks too",
}
REMEDIES = {
    Blame.LOST: "start the server, or correct engine.remote.url",
    Blame.BARRED: "see engine.remote.url, model and key_file in config.yaml",
    Blame.REFUSED: "see engine.remote.extra in config.yaml, and whether the model reads pictures",
    Blame.LATE: "it may be busy; else raise engine.remote.first_byte_timeout",
    Blame.BUSY: "wait until it is ready, or send it less",
    Blame.ERROR: "look at the server's own log",
}


def all_of(settings: Settings) -> Iterator[Check]:
    """Check every server of the *settings*."""
    remote = settings.engine.remote
    for text in trust.warnings(remote):
        yield warning("privacy", text, "use https, or a private network; chmod 600 for the key")
    try:
        key = trust.read_key(remote.key_file)
        context = trust.tls(remote.ca)
    except ReasonedError as error:
        yield fault("server", error.detail, "correct the file, or its path in config.yaml")
        return
    for url in remote.url:
        yield from server(url, Transport(url, key, context), settings)


def server(url: str, transport: Transport, settings: Settings) -> Iterator[Check]:
    """Check one server."""
    remote = settings.engine.remote
    try:
        found = probe(transport, remote.model)
        words = found.family.adapter.prompt(settings.engine.prompt)
        begun = time.monotonic()
        result = try_page(Exchange(transport), found, remote, words, SECONDS, TOKENS)
    except Failed as error:
        yield fault("server", f"{url}: {error.failure.detail}", REMEDIES.get(error.failure.blame, REMEDIES[Blame.LOST]))
        return
    what = f"pages go to {url} ({found.kind}), model {found.model} (asked as {found.family.name})"
    yield ok("server", f"{what}; a tiny page took {time.monotonic() - begun:.1f} s, {result.reply.tokens} tokens")
    yield from _marks(url, found, result.reply.text)
    if found.kind == "vllm" and found.family.guarded:
        yield ok("guard", f"{url}: the no-repeat guard is asked for; it works if vLLM was started with {GUARD}")


def _marks(url: str, found: Server, text: str) -> Iterator[Check]:
    """Tell whether the special tokens that carry the layout arrive, as far as the tiny page shows."""
    if not found.family.special:
        return
    if "<|ref|>" in text or "<|det|>" in text or "<loc_" in text:
        yield ok("marks", f"{url}: special tokens are kept")
    elif "[[" in text:
        remedy = KEEP.get(found.kind, "send skip_special_tokens: false by engine.remote.extra, if it knows that field")
        yield warning("marks", f"{url}: special tokens are lost; boxes are read from what is left of them", remedy)
    else:
        yield ok("marks", f"{url}: the tiny page had no layout, so whether special tokens are kept is not known")
