"""Name the ledgers of a manifest, and lock them so that no two runs make the same images."""

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
    """Return `images.ledger.jsonl` for `images.toml`; for stdin `batch.ledger.jsonl`."""
    path = Path("batch") if manifest == STDIN else Path(manifest)
    return path.with_name(path.stem + _ENDING)


def own_ledger(main: Path, shard: Shard | None) -> Path:
    """Return the ledger that a run writes to: each shard has its own, since shards run at once."""
    return main if shard is None else main.with_name(f"{_stem(main)}.{shard}{_ENDING}")


def all_ledgers(main: Path) -> list[Path]:
    """Return the manifest's ledger and those of its shards."""
    return [main, *(path for path, _ in _shards(main, _ENDING))]


def ledgers_beside(main: Path) -> list[Path]:
    """Return the ledgers of other manifests in the same folder."""
    own = set(all_ledgers(main))
    return sorted(path for path in main.parent.glob(f"*{_ENDING}") if path not in own)


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
    """Wait until no other run works on the same images, then hold the lock.

    Shards of the same count have no image in common and run at once; anything else waits.

    Args:
        main: the manifest's ledger.
        shard: the part to lock; None locks all of it.
        on_wait: called once if another run holds a lock.

    Raises:
        LocalFileError: a lock file cannot be created.
    """
    import filelock

    waiting = False
    while True:
        try:
            locks = _lock(main, shard)
            break
        except filelock.Timeout:
            if not waiting:
                on_wait()
            waiting = True
            time.sleep(_POLL)
        except OSError as error:
            raise LocalFileError(
                f"{main.parent}: cannot create a lock file: {error.strerror}"
            ) from error
    with locks:
        yield


def _lock(main: Path, shard: Shard | None) -> ExitStack:
    """Take the locks, or raise `filelock.Timeout` when another run holds one of them.

    The manifest's own lock guards the others and is held while they are checked: by a run of the
    whole to its end, by a shard only until it has its own.
    """
    import filelock

    def take(path: Path) -> ExitStack:
        lock = filelock.FileLock(path, timeout=0, thread_local=False)
        lock.acquire()
        held = ExitStack()
        held.callback(lock.release)
        return held

    with take(_lock_file(main)) as main_lock:
        for path, other in _shards(main, ".ledger.lock"):
            if shard is None or other.count != shard.count:
                take(path).close()
        if shard is None:
            return main_lock.pop_all()
        return take(_lock_file(own_ledger(main, shard)))


def _lock_file(ledger: Path) -> Path:
    return ledger.with_name(f".{ledger.name.removesuffix('.jsonl')}.lock")
