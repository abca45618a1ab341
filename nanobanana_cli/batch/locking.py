"""Which ledger belongs to a manifest, and that no two runs work on the same images at once."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from nanobanana_cli.batch.manifest.readers import STDIN
from nanobanana_cli.batch.selection import Shard
from nanobanana_cli.errors import LocalFileError

_ENDING = ".ledger.jsonl"
_SHARD = r"\.(\d+)-of-(\d+)"
_POLL = 0.1  # seconds


def main_ledger(manifest: str) -> Path:
    """`images.toml` → `images.ledger.jsonl`, beside it; `batch.ledger.jsonl` here for stdin."""
    path = Path("batch") if manifest == STDIN else Path(manifest)
    return path.with_name(path.stem + _ENDING)


def own_ledger(main: Path, shard: Shard | None) -> Path:
    """The one that a run writes to: shards may run at once, so each has its own."""
    return main if shard is None else main.with_name(f"{_stem(main)}.{shard}{_ENDING}")


def all_ledgers(main: Path) -> list[Path]:
    """The manifest's ledger and those of its shards, which say together what was made."""
    return [main, *(path for path, _ in _shards(main, _ENDING))]


def _stem(main: Path) -> str:
    return main.name.removesuffix(_ENDING).removesuffix(".jsonl")


def _shards(main: Path, ending: str) -> Iterator[tuple[Path, Shard]]:
    pattern = re.compile(r"\.?" + re.escape(_stem(main)) + _SHARD + re.escape(ending))
    try:
        names = sorted(path.name for path in main.parent.iterdir())
    except OSError:
        return
    for name in names:
        if match := pattern.fullmatch(name):
            yield main.with_name(name), Shard(int(match[1]), int(match[2]))


@contextmanager
def held(main: Path, shard: Shard | None, on_wait: Callable[[], None]) -> Iterator[None]:
    """Waits until no other run works on the same images, and keeps others waiting meanwhile.

    Shards of one division have no image in common and run at once; anything else waits.

    Args:
        main: the manifest's ledger.
        shard: the part that this run is about; None is all of it, or a part that must run alone.
        on_wait: told once, when another run is at work.

    Raises:
        LocalFileError: no lock can be had here.
    """
    import filelock

    told = False
    with ExitStack() as stack:
        while True:
            with ExitStack() as attempt:
                try:
                    _lock(main, shard, attempt)
                    stack.enter_context(attempt.pop_all())
                    break
                except filelock.Timeout:
                    pass
                except OSError as error:
                    raise LocalFileError(
                        f"{main.parent}: no lock can be had here: {error.strerror}"
                    ) from error
            if not told:
                on_wait()
                told = True
            time.sleep(_POLL)
        yield


def _lock(main: Path, shard: Shard | None, stack: ExitStack) -> None:
    """Take the locks, or raise `filelock.Timeout` when another run has one of them.

    The manifest's own lock guards the others: whoever looks at them holds it, a run of the whole
    to its end, a shard only until it has its own.
    """
    import filelock

    def take(path: Path) -> filelock.BaseFileLock:
        lock = filelock.FileLock(path, timeout=0, thread_local=False)
        lock.acquire()
        return lock

    gate = take(_lock_file(main))
    with ExitStack() as until_done:
        until_done.callback(gate.release)
        for path, other in _shards(main, ".ledger.lock"):
            if shard is None or other.count != shard.count:
                take(path).release()
        if shard is None:
            stack.push(until_done.pop_all())
        else:
            stack.callback(take(_lock_file(own_ledger(main, shard))).release)


def _lock_file(ledger: Path) -> Path:
    return ledger.with_name(f".{ledger.name.removesuffix('.jsonl')}.lock")
