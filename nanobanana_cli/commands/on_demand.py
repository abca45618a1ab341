"""A session that opens with its first call: where no text is missing, no key is needed."""

from __future__ import annotations

import threading
from contextlib import ExitStack
from types import TracebackType
from typing import Self

from nanobanana_cli.api.client import Listener
from nanobanana_cli.commands import connection
from nanobanana_cli.errors import Unreachable
from nanobanana_cli.generation.session import Session
from nanobanana_cli.settings import Settings
from nanobanana_cli.types import ContentRequest, Result
from nanobanana_cli.ui.terminal import Terminal


class LazySession:
    """Asks for texts, from any thread; a context manager that leaves no call behind.

    Args:
        settings: what is in force.
        terminal: who is told, and whose environment may hold the key.
    """

    def __init__(self, settings: Settings, terminal: Terminal) -> None:
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
        """Cut what is in flight."""
        with self._lock:
            self._closed = True
        self._stack.__exit__(kind, error, traceback)

    def text(self, request: ContentRequest, result: Result) -> Result:
        """`Session.text`.

        Raises:
            KeyRejected: there is no key for the provider.
            ConfigError: the file that should hold it cannot be read.
            Unreachable: the block has ended.
        """
        return self._opened().text(request, result)

    def _opened(self) -> Session:
        with self._lock:
            if self._closed:
                raise Unreachable("stopped before the request was sent", resends=0)
            if self._session is None:
                endpoint = self._stack.enter_context(
                    connection.opened(self._settings, self._terminal.env)
                )
                session = Session(
                    endpoint,
                    timeout=self._settings.timeout,
                    retries=self._settings.retries,
                    listener=Listener(trace=self._terminal.trace, note=self._terminal.note),
                    digest=False,
                )
                self._session = self._stack.enter_context(session)
            return self._session
