"""Several pages in one forward pass: rows that join when their picture is ready and leave when they end.

mlx-vlm's own batch generation cannot carry this model's arguments, so the loop is here: each page is prepared and
prefilled alone (its positions are its own), then decoded together with the others over a padded cache. For models with
plain caches and no position state of their own (`Adapter.batches`). Same ids as one page at a time, up to rounding.
Pictures are resized on another thread meanwhile; at most as many wait as there are free rows.
"""

import time
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from dropscribe.core.errors import ReasonedError
from dropscribe.core.pages import Page, PageFailure, PageKey, PageText
from dropscribe.engines.base import PageSource, Signals
from dropscribe.engines.deepseek.generate import Prepared, prepare, resized, tell, watch_for, without_banned
from dropscribe.engines.deepseek.loading import Loaded
from dropscribe.engines.deepseek.release import reset_peak, trim
from dropscribe.engines.vlm.attempt import AttemptState, Reply, Request
from dropscribe.engines.vlm.fallback import PageFlow

if TYPE_CHECKING:
    from PIL.Image import Image

CLEAR_EVERY = 256  # steps


@dataclass
class Row:
    """One attempt under way."""

    page: PageKey
    flow: PageFlow
    watch: AttemptState


@dataclass
class BatchState:
    """The shared state of all rows: one padded cache and the token that each row is about to give."""

    language_model: Any
    rows: list[Row] = field(default_factory=list)
    _cache: list[Any] = field(default_factory=list)
    _tokens: Any = None  # rows
    _steps: int = 0

    def join(self, row: Row, cache: list[Any], logits: Any) -> None:
        """Add a row that has been prefilled; *logits* (1 x vocabulary) choose its first token."""
        import mlx.core as mx
        from mlx_vlm.models.cache import BatchKVCache

        fresh = [BatchKVCache.merge([layer]) for layer in cache]
        first = mx.argmax(logits, axis=-1)
        if not self.rows:
            self._cache, self._tokens = fresh, first
        else:
            for old, new in zip(self._cache, fresh, strict=True):
                old.extend(new)
            self._tokens = mx.concatenate([self._tokens, first])
        mx.eval(self._tokens, [layer.state for layer in self._cache])
        self.rows.append(row)

    def step(self) -> list[int]:
        """Return the next token of every row, having set the one after it to work."""
        import mlx.core as mx

        logits = self.language_model(self._tokens[:, None], cache=self._cache).logits[:, -1, :]
        mx.async_eval(logits)  # type: ignore[no-untyped-call]  # computed while this thread waits for the tokens that come before
        tokens: list[int] = self._tokens.tolist()
        wished = []
        for index, (row, token) in enumerate(zip(self.rows, tokens, strict=True)):
            row.watch.guard.push(token)
            wished.append(without_banned(row.watch.guard, logits[index : index + 1]))
        self._tokens = mx.argmax(mx.concatenate(wished), axis=-1)
        mx.async_eval(self._tokens)  # type: ignore[no-untyped-call]
        self._steps += 1
        if self._steps % CLEAR_EVERY == 0:
            mx.clear_cache()
        return tokens

    def leave(self, gone: set[int]) -> None:
        """Take out the rows at these indices."""
        import mlx.core as mx

        keep = [index for index in range(len(self.rows)) if index not in gone]
        self.rows = [self.rows[index] for index in keep]
        if not keep:
            self._cache, self._tokens = [], None
            return
        at = mx.array(keep, mx.int32)
        for layer in self._cache:
            layer.filter(at)
        self._tokens = self._tokens[at]


@dataclass(frozen=True)
class Coming:
    """An attempt whose picture is being resized."""

    page: PageKey
    flow: PageFlow
    attempt: Request
    picture: "Future[Image]"


class Batch:
    """Drives the attempts at many pages, of any documents, over one batch."""

    def __init__(self, loaded: Loaded, signals: Signals, most: int, flow_of: Callable[[Page], PageFlow]) -> None:
        """Read up to *most* pages at once, each by its own *flow_of*."""
        self._loaded, self._signals, self._most, self._flow_of = loaded, signals, most, flow_of
        self._batch = BatchState(loaded.model.language_model)
        self._coming: deque[Coming] = deque()  # in the order in which their pictures will be ready
        self._resizer = ThreadPoolExecutor(1, "resizer")

    def read(self, pages: PageSource) -> Iterator[PageText | PageFailure]:
        """Yield pages as they are finished, taking others as rows become free; raise `Stopped`."""
        try:
            while True:
                yield from self._take(pages)
                if not self._in_hand:
                    return
                yield from self._join()
                if self._batch.rows:
                    yield from self._advance()
        finally:
            self._resizer.shutdown(cancel_futures=True)

    @property
    def _in_hand(self) -> int:
        return len(self._batch.rows) + len(self._coming)

    def _take(self, pages: PageSource) -> Iterator[PageText | PageFailure]:
        """Take a page for every free row, and have its picture resized while others are read."""
        while self._in_hand < self._most:
            page = pages.take(wait=not self._in_hand)
            if page is None:
                return
            reset_peak()
            if (done := self._go_on(page.key, self._flow_of(page), None)) is not None:
                yield done

    def _go_on(self, page: PageKey, flow: PageFlow, reply: Reply | None) -> PageText | PageFailure | None:
        """Send *reply* to the page's flow and let what it asks for next come; return the page when it is over."""
        try:
            attempt = next(flow) if reply is None else flow.send(reply)
        except StopIteration as end:
            done: PageText = end.value
            return done
        except ReasonedError as error:
            return PageFailure(page, error.reason, error.detail)
        self._coming.append(Coming(page, flow, attempt, self._resizer.submit(resized, self._loaded.adapter, attempt)))
        return None

    def _join(self) -> Iterator[PageText | PageFailure]:
        """Let the attempts join whose pictures are ready, or the first of them where nothing else is to be done."""
        while self._coming and (not self._batch.rows or self._coming[0].picture.done()):
            coming = self._coming.popleft()
            reply = self._begin(coming)
            if reply is not None and (done := self._go_on(coming.page, coming.flow, reply)) is not None:
                yield done

    def _begin(self, coming: Coming) -> Reply | None:
        """Prepare and prefill an attempt; return a reply only if that failed."""
        attempt = coming.attempt
        self._signals.raise_if_stopped()
        self._signals.attempt(attempt.page, attempt.mode)
        begun = time.monotonic()
        try:
            inputs = prepare(self._loaded, replace(attempt, image=coming.picture.result()))
            cache, logits = prefill(self._loaded, inputs)
            watch = watch_for(self._loaded, attempt, inputs.ids.shape[1], begun)
            self._batch.join(Row(coming.page, coming.flow, watch), cache, logits)
            return None
        except (RuntimeError, ValueError, MemoryError) as error:
            fault = " ".join(str(error).split()) or type(error).__name__
        trim()
        return Reply("", 0, "error", time.monotonic() - begun, detail=fault)

    def _advance(self) -> Iterator[PageText | PageFailure]:
        """Take one token for every row; yield the pages that this finishes."""
        self._signals.raise_if_stopped()
        fault, rows = "", self._batch.rows
        try:
            tokens = self._batch.step()
        except (RuntimeError, ValueError, MemoryError) as error:
            fault = " ".join(str(error).split()) or type(error).__name__
        if fault:  # the arrays of all rows are garbage now
            self._batch.leave(set(range(len(rows))))
            trim()
            replies = [(r, Reply("", 0, "error", time.monotonic() - r.watch.begun, detail=fault)) for r in rows]
        else:
            replies = self._ended(rows, tokens)
        for row, reply in replies:
            if (done := self._go_on(row.page, row.flow, reply)) is not None:
                yield done

    def _ended(self, rows: list[Row], tokens: list[int]) -> list[tuple[Row, Reply]]:
        """Hand each row its token and take out those that end with it."""
        now = time.monotonic()
        ends = {index: end for index, row in enumerate(rows) if (end := row.watch.take(tokens[index], now))}
        for index, row in enumerate(rows):
            if index not in ends:
                tell(self._signals, row.page, row.watch)
        if ends:
            self._batch.leave(set(ends))
        return [(rows[index], rows[index].watch.reply(end, now, self._loaded.decode)) for index, end in ends.items()]


def prefill(loaded: Loaded, inputs: Prepared) -> tuple[list[Any], Any]:
    """Return the cache of a prompt and the logits (1 x vocabulary) that follow it."""
    import mlx.core as mx
    from mlx_vlm.models.cache import make_prompt_cache

    model, ids = loaded.model.language_model, inputs.ids
    embedded = loaded.model.get_input_embeddings(ids, inputs.pixels, mask=inputs.mask, **inputs.extra).inputs_embeds
    cache: list[Any] = make_prompt_cache(model)
    last = ids.shape[1] - 1
    for start in range(0, last, loaded.adapter.prefill):
        end = min(start + loaded.adapter.prefill, last)
        model(ids[:, start:end], inputs_embeds=embedded[:, start:end], cache=cache)
        mx.eval([layer.state for layer in cache])
        mx.clear_cache()
    return cache, model(ids[:, last:], inputs_embeds=embedded[:, last:], cache=cache).logits[:, -1, :]
