"""Open a session: from the settings in force to an endpoint that answers."""

from __future__ import annotations

import math
import threading
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from types import TracebackType
from typing import TYPE_CHECKING, Self

import msgspec

from nanobanana_cli import catalog
from nanobanana_cli import settings as resolved
from nanobanana_cli.commands.signature import settings_of
from nanobanana_cli.errors import Charged, Unreachable
from nanobanana_cli.settings import Settings
from nanobanana_cli.system import error_of, fallback_folders, state_folder
from nanobanana_cli.types import ContentRequest, Endpoint
from nanobanana_cli.ui.terminal import Terminal

if TYPE_CHECKING:
    from nanobanana_cli.generation.session import Session, Throttle

# Seconds in which a request has left.
_SENT = 0.1
# Seconds that an image usually takes.
_IMAGE_SECONDS = 20.0


def settings_in_force(options: msgspec.Struct, terminal: Terminal) -> Settings:
    """Return the settings that a command's options and the configuration give.

    Raises:
        UsageError, ConfigError: as for `settings.load`.
    """
    settings = resolved.load(terminal.env, resolved.current_folder(), settings_of(options))
    for note in settings.notes:
        terminal.warn(note)
    return settings


def is_embedded(settings: Settings) -> bool:
    """Return whether the settings name the sandbox of this very process."""
    return settings.provider == "sandbox" and not settings.base_url


def usual_seconds(
    settings: Settings, env: Mapping[str, str], request: ContentRequest, count: int, at_once: int
) -> float | None:
    """Return how many seconds so many calls usually take; None where nobody knows.

    The log knows it, or else WisGate's page about the model, which says the same for all sizes.
    """
    from nanobanana_cli.log import queries, store

    place = store.log_file(env) if settings.log else None
    one = queries.usual_seconds(place, settings.provider, request.model, request.size)
    if one is None and request.size and settings.provider != "sandbox":
        one = _IMAGE_SECONDS
    return None if one is None else one * math.ceil(count / at_once)


def _usage(settings: Settings) -> str | None:
    """Return where the account's usage is shown, as `Charges` has it."""
    provider = catalog.PROVIDERS[settings.provider]
    if not provider.needs_key:
        return None
    # An account of a gateway's own is elsewhere.
    return provider.usage_page if settings.base_url == provider.base_url else ""


def note_model(model: str, provider: str, terminal: Terminal) -> None:
    """Warn that the catalog does not know a model, or that it may not answer, if so.

    A gateway's own default is used as long as its pages name it, whatever Google did to it.
    """
    if model in catalog.TEXT_MODELS:
        return
    if model not in catalog.MODELS:
        terminal.warn(
            f"{model} is not a model that nb knows, so ratio, size and price "
            "go unchecked; see `nb models`"
        )
    elif model != catalog.PROVIDERS[provider].default_model and (why := catalog.state_of(model)):
        terminal.warn(why)


@contextmanager
def endpoint(settings: Settings, env: Mapping[str, str]) -> Iterator[Endpoint]:
    """Yield the endpoint with its key; an embedded sandbox serves until the block ends.

    Raises:
        KeyRejected: the provider needs a key, and none was found.
        ConfigError: the file that should hold the key cannot be read.
    """
    if not is_embedded(settings):
        yield resolved.endpoint(settings, env)
        return
    from nanobanana_cli.sandbox.server import Sandbox

    with Sandbox() as sandbox:
        yield Endpoint(provider="sandbox", base_url=sandbox.url)


@contextmanager
def _loading_converter() -> Iterator[None]:
    """Load what converts images as the service draws: nb may be upgraded during a call.

    Few images need it, and before the request is sent it would take a tenth of the start.
    """
    from nanobanana_cli.generation.edit import load_converter

    def load() -> None:
        # What cannot be loaded is told where it is needed.
        with suppress(Exception):
            import sqlite3  # noqa: F401
        with suppress(Exception):
            load_converter("jpeg")

    timer = threading.Timer(_SENT, load)
    # Where no further thread can be started, it is loaded when it is needed.
    with suppress(RuntimeError, MemoryError):
        timer.start()
    try:
        yield
    finally:
        timer.cancel()
        if timer.is_alive():
            timer.join()


@contextmanager
def session(
    settings: Settings, terminal: Terminal, throttle: Throttle | None = None
) -> Iterator[Session]:
    """Yield a session with the settings' endpoint.

    Args:
        settings: the settings in force.
        terminal: takes notes and traces; its environment may hold the key.
        throttle: paces the calls.

    Raises:
        KeyRejected, ConfigError: as for `endpoint`.
        NbError: a limit of the system; nothing was sent.
    """
    with ExitStack() as stack:
        try:
            opened = stack.enter_context(_opened(settings, terminal, throttle))
        except Exception as exception:  # noqa: BLE001 - it is raised again
            error = error_of(exception, Charged.NO)
            raise error from error.__cause__
        yield opened


@contextmanager
def _opened(settings: Settings, terminal: Terminal, throttle: Throttle | None) -> Iterator[Session]:
    terminal.charges.usage = _usage(settings)
    with endpoint(settings, terminal.env) as where, _loading_converter():
        from nanobanana_cli.api.memory import MemoryBudget
        from nanobanana_cli.generation.rescue import Rescue
        from nanobanana_cli.generation.session import Session
        from nanobanana_cli.log.store import CallLog, log_file

        state, others = state_folder(terminal.env), fallback_folders(terminal.env)
        place = log_file(terminal.env) if settings.log else None
        with (
            CallLog(place, where, terminal.warn) as log,
            Session(
                where,
                timeout=settings.timeout,
                retries=settings.retries,
                wait=settings.wait,
                tariff=settings.tariff,
                trace=terminal.trace,
                note=terminal.note,
                throttle=throttle,
                rescue=Rescue(
                    state,
                    settings.keep_replies,
                    where.secrets,
                    charges=terminal.charges,
                    others=others,
                ),
                memory=MemoryBudget(settings.memory_limit, others),
                log=log,
            ) as opened,
        ):
            yield opened


class LazySession:
    """Open a session with its first call: without a call, no key is needed.

    Args:
        settings, terminal: as for `session`.

    Attributes:
        note: told when the session opens.
    """

    def __init__(self, settings: Settings, terminal: Terminal) -> None:
        self.note: str | None = None
        self._settings = settings
        self._terminal = terminal
        self._lock = threading.Lock()
        self._stack = ExitStack()
        self._session: Session | None = None
        self._closed = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Abort the calls in flight."""
        self.close()
        self._stack.__exit__(kind, error, traceback)

    def close(self) -> None:
        """Abort the calls in flight and send no more; from any thread."""
        with self._lock:
            self._closed = True
            if self._session is not None:
                self._session.close()

    def get(self) -> Session:
        """Return the session, from any thread; raise Unreachable once the block has ended."""
        with self._lock:
            if self._closed:
                raise Unreachable("stopped before the request was sent", resends=0)
            if self._session is None:
                self._session = self._stack.enter_context(session(self._settings, self._terminal))
                if self.note is not None:
                    self._terminal.note(self.note)
            return self._session
