"""One attempt at one picture with MLX: prompt, picture, guard, tokens one by one.

Works from token ids (mlx-vlm's streamed text loses Chinese, tables and special tokens) and stops between tokens when
asked to. Which attempts are made, and what becomes of their text, is the ladder's business.
"""

import time
from collections.abc import Generator, Iterator
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from dropscribe.core.pages import PageKey
from dropscribe.engines.base import Signals
from dropscribe.engines.deepseek.loading import Loaded, quiet
from dropscribe.engines.deepseek.release import trim
from dropscribe.engines.vlm.adapters import Adapter
from dropscribe.engines.vlm.attempt import AttemptState, Reply, Request
from dropscribe.engines.vlm.ngram_guard import NGramGuard
from dropscribe.engines.vlm.repetition import LoopDetector
from dropscribe.engines.vlm.resizing import Arguments

if TYPE_CHECKING:
    from PIL.Image import Image

TELL_EVERY = 16  # tokens
LEAST_ANSWER = 256  # tokens that are allowed however long the prompt


@dataclass(frozen=True)
class Prepared:
    """The model's input for one attempt."""

    ids: Any  # 1 x positions
    pixels: Any
    mask: Any
    extra: dict[str, Any]


def arguments_for(adapter: Adapter, attempt: Request) -> Arguments:
    """Return the processor's arguments for an attempt."""
    return adapter.arguments(attempt.mode.split()[0], *attempt.image.size)


def resized(adapter: Adapter, attempt: Request) -> "Image":
    """Return the picture of an attempt with the sizes ready that `prepare` wants; on any thread."""
    ahead = adapter.resized
    return attempt.image if ahead is None else ahead(attempt.image, arguments_for(adapter, attempt))


def prepare(loaded: Loaded, attempt: Request) -> Prepared:
    """Return prompt and picture as the model takes them."""
    from mlx_vlm.utils import prepare_inputs, should_add_special_tokens

    adapter, config = loaded.adapter, loaded.model.config
    with quiet():
        inputs = prepare_inputs(
            loaded.processor,
            images=[attempt.image],
            prompts=loaded.prompt(adapter.prompt(attempt.prompt)),
            image_token_index=getattr(config, "image_token_index", None),
            add_special_tokens=should_add_special_tokens(config.model_type, loaded.processor),
            **arguments_for(adapter, attempt),
        )
    ids, pixels, mask = (inputs.pop(key, None) for key in ("input_ids", "pixel_values", "attention_mask"))
    return Prepared(ids, pixels, mask, inputs)


def watch_for(loaded: Loaded, attempt: Request, positions: int, begun: float) -> AttemptState:
    """Return the watch over an attempt whose prompt takes *positions*; the model's own length bounds the answer."""
    n, window = loaded.adapter.guard(attempt.from_pdf)
    longest = loaded.adapter.positions
    limit = attempt.limit if longest is None else min(attempt.limit, max(LEAST_ANSWER, longest - positions))
    return AttemptState(
        guard=NGramGuard(n, window, loaded.cells),
        detector=LoopDetector(loaded.spelling, loaded.table_marks),
        eos=loaded.eos,
        limit=limit,
        begun=begun,
        seconds=attempt.seconds,
    )


class Banned:
    """The guard as mlx-vlm's logits processor; bans cost a look at the model's wish only where there are any."""

    def __init__(self, guard: NGramGuard) -> None:
        self._guard = guard
        self._begun = False

    def __call__(self, tokens: Any, logits: Any) -> Any:
        """Return *logits* (1 x vocabulary) with banned tokens at minus infinity; *tokens* ends in the last one."""
        import mlx.core as mx

        if not self._begun:  # the last token of the prompt is none of the answer's
            self._begun = True
            return logits
        mx.async_eval(logits)  # type: ignore[no-untyped-call]  # the GPU computes the next step while we wait here for the last token
        self._guard.push(int(tokens[-1].item()))
        return without_banned(self._guard, logits)


def without_banned(guard: NGramGuard, logits: Any) -> Any:
    """Return *logits* (1 x vocabulary) with what *guard* bans at minus infinity, noting whether that mattered."""
    import mlx.core as mx

    banned = guard.banned()
    if not banned:
        return logits
    wish: Any = mx.argmax(logits[0]).item()
    if wish in banned:
        guard.record_hit()
    logits[:, mx.array(banned)] = -float("inf")
    return logits


class Sequential:
    """Makes attempts one at a time, with mlx-vlm's own generation."""

    def __init__(self, loaded: Loaded, signals: Signals) -> None:
        self._loaded, self._signals = loaded, signals

    def run(self, attempt: Request) -> Reply:
        """Make one attempt; raise `Stopped` when asked to stop. An error of MLX is a reply, not an exception."""
        self._signals.attempt(attempt.page, attempt.mode)
        begun = time.monotonic()
        fault = ""
        try:
            return self._run(attempt, begun)
        except (RuntimeError, ValueError, MemoryError) as error:
            fault = " ".join(str(error).split()) or type(error).__name__
        # Out here the error and its frames, with all their arrays, are gone; what they freed goes too.
        trim()
        return Reply("", 0, "error", time.monotonic() - begun, detail=fault)

    def _run(self, attempt: Request, begun: float) -> Reply:
        loaded = self._loaded
        self._signals.raise_if_stopped()
        inputs = prepare(loaded, attempt)
        watch = watch_for(loaded, attempt, inputs.ids.shape[1], begun)
        with closing(tokens(loaded, inputs, watch)) as coming:
            end = self._follow(attempt, coming, watch)
        return watch.reply(end, time.monotonic(), loaded.decode)

    def _follow(self, attempt: Request, coming: Iterator[int], watch: AttemptState) -> str:
        for token in coming:
            self._signals.raise_if_stopped()
            if end := watch.take(token, time.monotonic()):
                return end
            tell(self._signals, attempt.page, watch)
        return "length"


def tell(signals: Signals, page: PageKey, watch: AttemptState) -> None:
    """Report the tokens of an attempt now and then."""
    if len(watch.ids) % TELL_EVERY == 0:
        signals.tokens(page, len(watch.ids))


def tokens(loaded: Loaded, inputs: Prepared, watch: AttemptState) -> Generator[int]:
    """Yield token ids, the end mark among them, up to the limit of *watch* and under its guard."""
    from mlx_vlm.generate import generate_step

    steps = generate_step(
        inputs.ids, loaded.model, inputs.pixels, inputs.mask, max_tokens=watch.limit, temperature=0.0,
        logits_processors=[Banned(watch.guard)], prefill_step_size=loaded.adapter.prefill, **inputs.extra,
    )  # fmt: skip
    with closing(steps):
        for token, _ in steps:
            yield int(token)
