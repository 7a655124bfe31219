"""The engine `remote`: an OpenAI-compatible vision server that somebody else runs, or several with the same model.

Owns the connection from its probe to its end. Pages go to the servers that the settings name, and nowhere else.
"""

from collections.abc import Callable, Generator
from weakref import WeakSet

from dropscribe.config import Settings
from dropscribe.core.errors import Reason, ReasonedError
from dropscribe.core.pages import EngineInfo, PageFailure, PageText
from dropscribe.core.status import MlxMemory
from dropscribe.engines.base import Judge, LoadProgress, PageSource, Signals, unjudged
from dropscribe.engines.remote import trust, unloading
from dropscribe.engines.remote.driver import Driver
from dropscribe.engines.remote.endpoint import Endpoint
from dropscribe.engines.remote.families import Family
from dropscribe.engines.remote.fleet import Fleet
from dropscribe.engines.remote.probe import Server
from dropscribe.engines.remote.transport import Transport

PAGE_BYTES = 8_000_000  # a decoded page of 144 dpi, while it is encoded or waits for that
BASE_BYTES = 60_000_000  # Python, Pillow, urllib3


class Remote:
    """Sends pages to servers; see `Engine` for what each method promises."""

    finds_lines = False

    def __init__(self, settings: Settings, signals: Signals, judge: Judge = unjudged) -> None:
        """Take the servers from the *settings*; nothing is asked yet. *judge* is asked of each text."""
        self._settings, self._signals, self._judge = settings, signals, judge
        self.info = EngineInfo("remote", settings.engine.remote.model or "", settings.engine.remote.label, "")
        self.width = width_of(settings)
        self._fleet: Fleet | None = None
        self._driver: Driver | None = None
        self._readers: WeakSet[Generator[PageText | PageFailure]] = WeakSet()

    def estimate(self) -> int:
        """Return the bytes wanted before any record of a real peak exists."""
        return self.width * PAGE_BYTES + BASE_BYTES

    def load(self, report: Callable[[LoadProgress], None]) -> None:
        """Find out what runs at the servers; raise `ReasonedError` (engine-unavailable) when none can be used."""
        self.unload()
        remote = self._settings.engine.remote
        report(LoadProgress("asking " + ", ".join(map(trust.host_of, remote.url))))
        for warning in trust.warnings(remote):
            self._signals.warning(warning)
        self._fleet = fleet = fleet_of(self._settings)
        try:
            server = fleet.load()
        except ReasonedError:
            self.unload()
            raise
        finally:
            fleet.tell(self._signals.servers, now=True)
        self._driver = Driver(fleet, self._settings, self._signals, self._judge)
        self.info = info_of(server, self._settings)
        report(LoadProgress("ready"))

    def apply(self, settings: Settings) -> None:
        """Take over prompts, modes and limits; other servers want a new load."""
        self._settings = settings
        if self._driver is not None:
            self._driver.settings = settings

    def read(self, pages: PageSource) -> Generator[PageText | PageFailure]:
        """Take pages as there is room and yield each as it is finished; raise `Stopped`."""
        reader = self._read(pages)
        self._readers.add(reader)
        return reader

    def _read(self, pages: PageSource) -> Generator[PageText | PageFailure]:
        if self._driver is None:
            raise ReasonedError(Reason.ENGINE_ERROR, "The engine is not loaded.")
        yield from self._driver.read(pages, self.width)

    def trim(self) -> None:
        """Do nothing: there are no caches on this side."""

    def unload(self) -> None:
        """End every request; where the settings ask for it, let the servers unload too."""
        for reader in list(self._readers):
            reader.close()
        self._readers.clear()
        fleet, self._fleet, self._driver = self._fleet, None, None
        if fleet is None:
            return
        fleet.close()
        if self._settings.engine.remote.unload:
            unloading.ask(fleet.endpoints)

    def mlx_memory(self) -> MlxMemory | None:
        """Return None: no MLX here."""
        return None


def width_of(settings: Settings) -> int:
    """Return how many pages may be under way: as many as requests, or fewer where that is set."""
    most, pages = settings.engine.remote.in_flight, settings.engine.pages_at_once
    return most if pages == "auto" else min(most, pages)


def fleet_of(settings: Settings) -> Fleet:
    """Return the servers that the *settings* name; raise `ReasonedError` for a key or an authority that is no good."""
    remote = settings.engine.remote
    key = trust.read_key(remote.key_file)
    context = trust.tls(remote.ca) if any(url.startswith("https:") for url in remote.url) else None

    def words(family: Family) -> str:
        return family.adapter.prompt(settings.engine.prompt)

    servers = [Endpoint(url, Transport(url, key, context), window=remote.in_flight) for url in remote.url]
    return Fleet(servers, remote, words)


def info_of(server: Server, settings: Settings) -> EngineInfo:
    """Return what the page cache tells servers apart by.

    A label vouches for the weights. Without one, what the server tells of them counts, and where it stands: several
    kinds tell no more than a name.
    """
    remote = settings.engine.remote
    where = " ".join(sorted(map(trust.host_of, remote.url)))
    revision = remote.label or f"{server.identity} at {where}"
    return EngineInfo("remote", server.model, revision, f"{server.kind} {server.version}".strip())
