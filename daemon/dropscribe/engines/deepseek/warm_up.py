"""The first page ever, at load: a GPU compiles its kernels then, which may take longer than a page is allowed.

Measured on CUDA: some 100 s for the first page of a new machine, none later. On Metal not measured. It is done while
the model loads, where no page's limits run, and only its time is kept: the picture is empty and the answer is dropped.
"""

from collections.abc import Callable

from dropscribe.config import Settings
from dropscribe.core.pages import PageKey
from dropscribe.engines.base import LoadProgress, Signals
from dropscribe.engines.deepseek import release
from dropscribe.engines.deepseek.generate import Sequential
from dropscribe.engines.deepseek.loading import Loaded
from dropscribe.engines.vlm.attempt import Request

PAGE = (1240, 1754)  # pixels: A4 at 150 dpi, which a tiled mode cuts as it will cut most pages
TOKENS = 4  # the prompt and a few single steps: both kinds of pass
LONGEST = 3600.0  # seconds; the host ends a load that gives no sign of life


def on_gpu() -> bool:
    """Say whether MLX computes on a GPU here."""
    import mlx.core as mx

    return bool(mx.default_device().type == mx.DeviceType.gpu)


def read_empty_page(loaded: Loaded, settings: Settings, report: Callable[[LoadProgress], None]) -> None:
    """Read an empty page as pages will be read; a fault in it is none of the load's: a page with the same tells it."""
    from PIL import Image

    report(LoadProgress("warm-up"))
    engine = settings.engine
    page = Request(PageKey(0, 0), engine.mode, engine.prompt, Image.new("RGB", PAGE, "white"), False, LONGEST, TOKENS)
    Sequential(loaded, Signals()).run(page)
    release.trim()
    release.reset_peak()
