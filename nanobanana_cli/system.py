"""Call the operating system where Python leaves the differences to the caller.

Little is imported above the functions: until this is loaded, `nb` answers no signals.
"""

from __future__ import annotations

import _thread
import errno
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Mapping
from types import FrameType
from typing import IO, TYPE_CHECKING, Self, TextIO

import nanobanana_cli

if TYPE_CHECKING:
    from pathlib import Path

    from nanobanana_cli.errors import Charged, NbError

APP = "nanobanana-wisgate"

# What was ignored when `nb` started stays so: `nohup` and `trap '' INT` are for that.
STOP_SIGNALS = tuple(
    signal.Signals[name]
    for name in nanobanana_cli.STOP_SIGNALS
    if name in signal.Signals.__members__
    and signal.getsignal(signal.Signals[name]) is not signal.SIG_IGN
)
# Whether users' files are where the XDG specification says.
HAS_XDG_FOLDERS = sys.platform not in {"darwin", "win32"}
# What to type at the end of what is typed for stdin.
END_OF_INPUT = "press Ctrl-Z and Enter" if sys.platform == "win32" else "press Ctrl-D"
# Bytes; a larger image in a pipe is rare.
_USUAL_PIPE = 8 << 20
# Seconds; longer than most imports of one module.
_IMPORT_TIME = 0.01
# Standard streams, the terminal, folders, and what the interpreter has open; a connection has two
# descriptors, and its image a file.
_OTHER_FILES = 8
_FILES_PER_CALL = 3
# Bytes of addresses: of the interpreter and libraries; of two threads' stacks and heaps, of which
# glibc reserves 64 MiB each, a reply and its image.
_OTHER_MEMORY = 128 << 20
_MEMORY_PER_CALL = 128 << 20
# How the system's loader says that a library finds no memory.
_NO_MEMORY = (os.strerror(errno.ENOMEM), "failed to map segment")
# Seconds in which further signals are taken for the same one: two can come within a millisecond,
# and people press Ctrl-C again while the first still ends the run.
_SAME = 1.0


def interrupt(signum: int, frame: FrameType | None) -> None:
    """Raise Interrupted, once: the handler of the signals that ask `nb` to stop."""
    if frame is not None and frame.f_code.co_filename.startswith("<frozen importlib"):
        # An exception there can leave the import lock taken, and threads that import something
        # would hang: send the signal again later.
        threading.Timer(_IMPORT_TIME, signal_main_thread, (signum,)).start()
        return
    from nanobanana_cli.errors import Interrupted

    # What the first one begins, a second must not cut short.
    StopSignals().hold(signum)
    raise Interrupted(signum)


class StopSignals:
    """Count the signals that ask `nb` to stop, in place of raising; a context manager.

    One more than asked for raises Interrupted after all, if it comes a second after the others:
    what it would end may hang. After a signal the block's end changes nothing: what is left then
    is to tell it.

    Args:
        counted: how many signals only count.
        is_busy: returns True while nothing may be cut short.

    Attributes:
        count: the number of signals so far.
        last: the number of the last signal; 0 before the first.
    """

    def __init__(self, counted: int = 1, *, is_busy: Callable[[], bool] = lambda: False) -> None:
        self.count = 0
        self.last = 0
        self._counted = counted
        self._is_busy = is_busy
        self._at = 0.0
        self._before: dict[int, object] = {}

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            for number in STOP_SIGNALS:
                self._before[number] = signal.signal(number, self._note)
        return self

    def __exit__(self, *_: object) -> None:
        if not self.count:
            self.restore()

    def hold(self, signum: int) -> None:
        """Count this signal and those that follow."""
        self._note(signum, None)
        self.__enter__()

    def restore(self) -> None:
        """Put the handlers back that were there before."""
        for number, handler in self._before.items():
            signal.signal(number, handler)  # type: ignore[arg-type]

    def _note(self, number: int, _frame: FrameType | None) -> None:
        self.count += 1
        self.last = number
        now = time.monotonic()
        if self.count <= self._counted:
            self._at = now
        elif now - self._at > _SAME and not self._is_busy():
            from nanobanana_cli.errors import Interrupted

            self._at = now
            raise Interrupted(number)


def error_of(exception: Exception, charged: Charged | None = None) -> NbError:
    """Return the error for an exception, which nb's own errors are already.

    Others mean that a limit is reached, or a defect. Unless `charged` says so, nobody can say how
    far the call was.

    The message of an unforeseen exception may contain anything, even a key: only its class is told.
    """
    from nanobanana_cli.errors import BadReply, Charged, LocalFileError, NbError, Unavailable

    found: NbError
    if isinstance(exception, NbError):
        return exception
    loader = str(exception) if isinstance(exception, ImportError) else ""
    if isinstance(exception, MemoryError) or any(each in loader for each in _NO_MEMORY):
        hint = "make fewer images at once, or raise the limit: `ulimit -v`"
        found = BadReply("there is not enough memory", hint=hint)
    elif isinstance(exception, ImportError):
        found = LocalFileError(
            f"a part of nb cannot be loaded: {exception.name}",
            hint="run the same command again, unless nb is just being upgraded",
        )
    elif isinstance(exception, RuntimeError) and "new thread" in str(exception):
        found = Unavailable(
            "the system starts no more threads", hint="raise the limit: `ulimit -u`, `ulimit -v`"
        )
    elif isinstance(exception, OSError) and exception.strerror:
        found = LocalFileError(f"the system reports: {exception.strerror.lower()}")
        if exception.errno == errno.ENOMEM:
            found.hint = "raise the limit: `ulimit -v`"
    else:
        found = NbError(
            f"a defect in nb: {type(exception).__name__}",
            hint="please report it, with what `nb version` prints and the place: "
            + _place(exception),
        )
    found.__cause__ = exception
    found.charged = charged or Charged.MAYBE
    return found


def _place(exception: BaseException) -> str:
    """Return where in `nb` an exception arose: `api/reply.py, line 60`."""
    from pathlib import Path

    package, place, trace = Path(__file__).parent, "unknown", exception.__traceback__
    while trace is not None:
        path = Path(trace.tb_frame.f_code.co_filename)
        if path.is_relative_to(package):
            place = f"{path.relative_to(package).as_posix()}, line {trace.tb_lineno}"
        trace = trace.tb_next
    return place


def most_calls() -> int:
    """Return how many calls may be made at once under the limits of open files and of memory."""
    if sys.platform == "win32":
        return sys.maxsize
    else:  # noqa: RET505 - as in `open_no_follow`
        import resource

        most = [sys.maxsize]
        for limit, others, each in (
            (resource.RLIMIT_NOFILE, _OTHER_FILES, _FILES_PER_CALL),
            (resource.RLIMIT_AS, _OTHER_MEMORY, _MEMORY_PER_CALL),
        ):
            allowed = resource.getrlimit(limit)[0]
            if allowed != resource.RLIM_INFINITY:
                most.append((allowed - others) // each)
        return max(1, min(most))


def fallback_folders(env: Mapping[str, str]) -> tuple[Path, ...]:
    """Return the folders for what can be saved nowhere else, whether they exist or not.

    Each of the temporary ones, the cache, and the user's home.
    """
    from pathlib import Path

    named = [Path(env[name]) for name in ("TMPDIR", "TEMP", "TMP") if env.get(name)]
    found = [*named, *map(Path, ("/tmp", "/var/tmp", "/usr/tmp"))]  # noqa: S108 - 0700 within
    try:
        home = Path.home()
        cache = Path(env.get("XDG_CACHE_HOME", ""))
        found += [cache if cache.is_absolute() else home / ".cache", home]
    except RuntimeError:
        pass
    return tuple(dict.fromkeys(found))


def state_folder(env: Mapping[str, str]) -> Path | None:
    """Return the folder for what `nb` keeps between runs; None if the user has no home folder."""
    from pathlib import Path

    if not HAS_XDG_FOLDERS:
        from platformdirs import user_state_path

        return user_state_path(APP, appauthor=False)
    folder = Path(env.get("XDG_STATE_HOME", ""))
    try:
        return (folder if folder.is_absolute() else Path.home() / ".local" / "state") / APP
    except RuntimeError:
        return None


def signal_main_thread(number: int) -> None:
    """Send a signal to the main thread, interrupting its system call (not on Windows)."""
    if sys.platform == "win32":
        _thread.interrupt_main(signal.Signals(number))
    else:
        signal.pthread_kill(threading.main_thread().ident or 0, number)


def open_no_follow(path: str | Path, flags: int) -> int:
    """Open a file of bytes as `os.open` does, unless it is a symbolic link.

    On Windows a link that appears within the call is followed.

    Raises:
        OSError: with ELOOP for a link.
    """
    if sys.platform == "win32":
        if os.path.islink(path):  # noqa: PTH114 - pathlib is not loaded here
            raise OSError(errno.ELOOP, os.strerror(errno.ELOOP))
        return os.open(path, flags | os.O_BINARY, 0o666)
    else:  # noqa: RET505 - for mypy, which takes the rest for unreachable on Windows otherwise
        return os.open(path, flags | os.O_NOFOLLOW, 0o666)


def read_stream(file: IO[bytes], limit: int, size: int = 0) -> bytes:
    """Return the bytes of an open file, or of a pipe; of one that is larger, one above the limit.

    Reading takes as much memory as is asked for: first so much as a file has, or most pipes do.
    """
    first = min(size or _USUAL_PIPE, limit) + 1
    data = file.read(first)
    if len(data) == first <= limit:
        data += file.read(limit + 1 - first)
    return data


def lock_file(descriptor: int) -> bool:
    """Lock an open file until it is closed; return False if another process has locked it.

    Raises:
        OSError: its file system has no locks; always on Windows, where they hinder renaming.
    """
    if sys.platform == "win32":
        raise OSError(errno.ENOTSUP, os.strerror(errno.ENOTSUP))
    else:  # noqa: RET506 - as above
        import fcntl

        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True


def redirect_to_null(stream: TextIO) -> None:
    """Point an unwritable stream at the null device.

    The interpreter flushes it on exit, and would fail with status 120.
    """
    # Without a file descriptor to spare, or one of its own, there is nothing to point elsewhere.
    try:
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, stream.fileno())
        os.close(null)
    except OSError:
        return
