"""From a name to a model in memory: find or fetch it, check it, load it offline, and check what was loaded.

Never runs code that a model repository brings. Reading pages and giving memory back are done elsewhere.
"""

import contextlib
import gc
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from dropscribe.config import Settings
from dropscribe.core.errors import Reason, ReasonedError
from dropscribe.engines import hub
from dropscribe.engines.base import LoadProgress
from dropscribe.engines.deepseek import checkpoint, templates
from dropscribe.engines.vlm.adapters import ADAPTERS, Adapter

PROBE = "\nFree OCR. a  b\n"  # blanks and newlines, which some versions of transformers drop
MEMORY_SHARE = 0.9  # of what the system recommends for the GPU: above it MLX waits for running work first


@dataclass
class Loaded:
    """A model in memory and what belongs to it."""

    model: Any
    processor: Any
    adapter: Adapter
    folder: str
    eos: frozenset[int]
    cells: frozenset[int]  # ids exempt from the guard
    table_marks: frozenset[int]

    @property
    def tokenizer(self) -> Any:
        """The tokenizer inside the processor."""
        return self.processor.tokenizer

    def decode(self, ids: list[int]) -> str:
        """Return the text of token ids as they stand, special tokens among it where they carry the layout."""
        hidden = not self.adapter.special
        return str(self.tokenizer.decode(ids, skip_special_tokens=hidden, clean_up_tokenization_spaces=False))

    def spelling(self, token: int) -> str:
        """Return how one token is written in the vocabulary; empty for an id without a token."""
        return self.tokenizer.convert_ids_to_tokens(token) or ""

    def prompt(self, words: str) -> str:
        """Return *words* in the model's template, with the place of one picture; raise `ReasonedError`."""
        from mlx_vlm.prompt_utils import apply_chat_template

        try:
            with templates.bounded():
                return str(apply_chat_template(self.processor, self.model.config, words, num_images=1))
        except templates.Endless as error:
            raise _broken(self.folder, f"its chat template does not end ({error})") from None


def bound_memory(settings: Settings) -> None:
    """Bound MLX's pool and, where the system recommends a size, its memory; the wired limit is left alone."""
    import mlx.core as mx

    mx.set_cache_limit(settings.model.cache_limit)
    mx.clear_cache()  # a limit trims at the next allocation only
    recommended = int(mx.device_info().get("max_recommended_working_set_size") or 0)  # Metal only
    bounds = [int(recommended * MEMORY_SHARE)] if recommended else []
    if settings.memory.budget is not None:
        bounds.append(settings.memory.budget)
    if bounds:
        mx.set_memory_limit(min(bounds))


def fetch(settings: Settings, report: Callable[[LoadProgress], None]) -> str:
    """Return the folder of the wanted model, downloading what is missing; raise `ReasonedError` (model-missing)."""
    name, revision = settings.engine.model, settings.engine.revision
    return hub.find(name, revision) or hub.pull(name, revision, report)


def load(settings: Settings, report: Callable[[LoadProgress], None]) -> Loaded:
    """Bring the model that *settings* name into memory; raise `ReasonedError` (environment kind)."""
    checkpoint.require_packages()
    report(LoadProgress("packages"))
    _import_mlx()
    bound_memory(settings)
    folder = fetch(settings, report)
    adapter = ADAPTERS[checkpoint.check(folder)]
    total = checkpoint.weights_size(folder)
    report(LoadProgress("weights", 0, total))
    with quiet(), offline():
        loaded = _load(folder, adapter)
    if settings.engine.vision_precision == "float32":
        _vision_in_float32(loaded)
    report(LoadProgress("weights", total, total))
    self_check(loaded)
    return loaded


def self_check(loaded: Loaded) -> None:
    """Raise `ReasonedError` (model-broken) unless the tokenizer keeps blanks and knows the model's marks."""
    tokenizer = loaded.tokenizer
    ids = tokenizer.encode(PROBE, add_special_tokens=False)
    if loaded.decode(ids) != PROBE:
        raise _broken(loaded.folder, "its tokenizer loses blanks or newlines; the transformers package may be too old")
    for mark in loaded.adapter.marks:
        if tokenizer.encode(mark, add_special_tokens=False) != [tokenizer.convert_tokens_to_ids(mark)]:
            raise _broken(loaded.folder, f"its tokenizer does not know the mark {mark}")
    if loaded.adapter.templated and not _template(loaded):
        raise _broken(loaded.folder, "its chat template is missing (chat_template.jinja)")
    loaded.prompt(loaded.adapter.prompt("text"))  # so that a template without an end is found now, not by a page
    if not loaded.eos:
        raise _broken(loaded.folder, "it does not say which token ends a text")


@contextlib.contextmanager
def offline() -> Iterator[None]:
    """Keep the hub's library off the network: while a model is loaded it has no business there."""
    from huggingface_hub import constants

    before, setting = constants.HF_HUB_OFFLINE, os.environ.get("HF_HUB_OFFLINE")
    constants.HF_HUB_OFFLINE = True
    os.environ["HF_HUB_OFFLINE"] = "1"
    try:
        yield
    finally:
        constants.HF_HUB_OFFLINE = before
        if setting is None:
            os.environ.pop("HF_HUB_OFFLINE", None)
        else:
            os.environ["HF_HUB_OFFLINE"] = setting


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Throw away what mlx-vlm prints: standard output belongs to whoever started us."""
    with open(os.devnull, "w", encoding="utf-8") as nowhere, contextlib.redirect_stdout(nowhere):
        yield


def _import_mlx() -> None:
    os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")  # it advises to install PyTorch at every start
    fault = ""
    try:
        import mlx.core  # noqa: F401  # a broken installation shows here
        import mlx_vlm.generate
        import mlx_vlm.prompt_utils  # noqa: F401  # all that a first page would otherwise wait for
    except Exception as error:  # a missing system library is an ImportError, an OSError or worse
        fault = f"{type(error).__name__}: {error}"
    if fault:
        what = f"MLX is installed but does not start ({fault}); run: pip install --force-reinstall 'dropscribe[mlx]'."
        raise ReasonedError(Reason.ENGINE_UNAVAILABLE, what)


def _load(folder: str, adapter: Adapter) -> Loaded:
    """Load with mlx-vlm; whatever it raises says that the checkpoint is no good, or that memory ran out."""
    from mlx_vlm import load as mlx_load

    fault, no_memory = "", False
    try:
        # The default True imports the repository's own Python files.
        model, processor = mlx_load(folder, trust_remote_code=False)
        tokenizer = processor.tokenizer
        return Loaded(
            model, processor, adapter, folder,
            eos=frozenset(tokenizer.stopping_criteria.eos_token_ids) | _ids(tokenizer, adapter.ends),
            cells=_ids(tokenizer, adapter.cells),
            table_marks=_ids(tokenizer, adapter.table_marks),
        )  # fmt: skip
    except Exception as error:  # mlx-vlm documents no errors
        fault = " ".join(str(error).split())[:300] or type(error).__name__
        no_memory = isinstance(error, MemoryError) or "llocate" in fault
    # Raised out here, so that the fault does not hold on to the frames that hold the weights.
    gc.collect()
    if no_memory:
        raise ReasonedError(Reason.TOO_LITTLE_MEMORY, f"There is too little memory to load the model ({fault}).")
    raise _broken(folder, fault.rstrip("."))


def _template(loaded: Loaded) -> str | None:
    """Return the chat template: without one mlx-vlm asks in a form that the model has never seen."""
    return getattr(loaded.processor, "chat_template", None) or getattr(loaded.tokenizer, "chat_template", None)


def _ids(tokenizer: Any, marks: tuple[str, ...]) -> frozenset[int]:
    known = tokenizer.get_vocab()
    return frozenset(known[mark] for mark in marks if mark in known)


def _vision_in_float32(loaded: Loaded) -> None:
    """Cast the vision towers; where mlx-vlm has quantised one, what it computes with is cast."""
    import mlx.core as mx

    for name in loaded.adapter.vision:
        part = getattr(loaded.model, name)
        part.set_dtype(mx.float32)
        mx.eval(part.parameters())


def _broken(folder: str, why: str) -> ReasonedError:
    return ReasonedError(Reason.MODEL_BROKEN, f"The model in {folder} cannot be used: {why}.")
