"""The model: is it on this machine and complete, and does it fit into memory. Nothing is loaded."""

import glob
import os
import sqlite3
from collections.abc import Iterator, Sequence
from importlib.util import find_spec

from dropscribe.config import Settings
from dropscribe.core.errors import REMEDIES, ReasonedError
from dropscribe.doctor.values import Check, fault, ok, skipped, warning
from dropscribe.engines import hub, registry
from dropscribe.engines.base import Signals
from dropscribe.journal import schema
from dropscribe.journal.journal import Journal
from dropscribe.memory import policy, readings
from dropscribe.memory.values import Availability

JOURNAL = "journal.db"
DOWNLOAD_BYTES = 2_500_000_000  # DeepSeek-OCR-4bit on the hub is reported to have 2.3 to 2.45 GB; models differ
NEVER_FITS = 0.8  # of all memory: the system itself needs the rest


def present(engine: str, settings: Settings) -> Iterator[Check]:
    """Check that the weights of *engine* are on this machine and complete."""
    if engine == "rapidocr":
        yield embedded()
        return
    if engine == "remote":
        yield skipped("model", "it is on the servers; see server")
        return
    try:
        folder = hub.find(settings.engine.model, settings.engine.revision)
        kind = _checkpoint(folder) if folder else None
    except ReasonedError as error:
        yield fault("model", error.detail, REMEDIES[error.reason])
        return
    except ImportError as error:
        yield skipped("model", f"{engine} is not installed ({error.name})")
        return
    if folder is None:
        yield warning(
            "model", f"{settings.engine.model} is not on this machine yet; the first file waits for its download",
            "download it now: dropscribe models pull",
        )  # fmt: skip
    else:
        yield ok("model", f"{settings.engine.model} ({kind}) in {folder}")


def _checkpoint(folder: str) -> str:
    from dropscribe.engines.deepseek import checkpoint

    return checkpoint.check(folder)


def _package_folder() -> str | None:
    spec = find_spec("rapidocr")
    return next(iter(spec.submodule_search_locations), None) if spec and spec.submodule_search_locations else None


def embedded() -> Check:
    """Judge the weights that come with the package rapidocr of this environment."""
    return inside_package(_package_folder())


def inside_package(folder: str | None) -> Check:
    """Judge the weights that come inside rapidocr, installed in *folder*."""
    found = glob.glob(os.path.join(glob.escape(folder), "models", "*.onnx")) if folder else []
    if not found:
        return fault(
            "model", "the weights that come with rapidocr are missing", "pip install --force-reinstall rapidocr"
        )
    total = sum(os.path.getsize(path) for path in found)
    return ok("model", f"{len(found)} files, {policy.size(total)}, in the package rapidocr; no download needed")


def wanted_bytes(engine: str, settings: Settings) -> int:
    """Return the bytes that a model still has to download."""
    if engine in ("rapidocr", "remote"):
        return 0
    try:
        return 0 if hub.find(settings.engine.model, settings.engine.revision) else DOWNLOAD_BYTES
    except (ReasonedError, ImportError):
        return 0  # reported by `present`


def memory_for(engine: str, settings: Settings) -> Iterator[Check]:
    """Compare what the model needs with what is available."""
    try:
        estimate = registry.create(engine, settings, Signals()).estimate()
    except (ImportError, ReasonedError) as error:
        yield skipped("memory", f"the needs of {engine} are unknown: {error}")
        return
    key = registry.peak_key(engine, settings)
    peaks = recorded_peaks(os.path.join(settings.folders.state, JOURNAL), key)
    yield fits(peaks, estimate, readings.room(), readings.pressure(), engine)


def recorded_peaks(path: str, key: str) -> list[int]:
    """Return the peaks, in bytes, that the journal at *path* holds for a model; none without a readable journal."""
    if not os.path.exists(path):
        return []
    try:
        journal = Journal.read_only(schema.open_to_look(path), path)
        try:
            return journal.metadata.peaks(key)
        finally:
            journal.close()
    except (sqlite3.Error, schema.TooNew):
        return []  # that is another check


def fits(peaks: Sequence[int], estimate: int, there: Availability, pressure: str, engine: str = "rapidocr") -> Check:
    """Judge whether a model that needs so much can be loaded now, or ever, on this machine."""
    need = policy.need(peaks, estimate)
    source = f"measured over {len(peaks)} loads" if peaks else "estimated, until it has been measured"
    text = f"the model needs about {policy.size(need)} ({source}); {policy.size(there.bytes)} of "
    text += f"{policy.size(there.total_bytes)} are available, pressure {pressure}"
    text += f" ({there.how})" if there.how else ""
    lighter = "" if engine == "rapidocr" else ", or set engine.name to rapidocr, which is lighter"
    if need > NEVER_FITS * there.total_bytes:
        return fault("memory", text, "set engine.name to rapidocr, or engine.model to a smaller model")
    if need > there.bytes or pressure in ("warn", "critical"):
        return warning("memory", text, f"close a large program{lighter}; files stay queued until then")
    return ok("memory", text)
