"""Runs that are interrupted at random moments, and what they must have kept and told."""

from __future__ import annotations

import random
import signal
import subprocess
import time
from collections import Counter
from pathlib import Path

from support.counting_server import CountingServer, image
from support.crash import Starts

from nanobanana_cli.images.formats import DamagedImage, verify

# Seconds in which a reply that has gone out gets here.
_ON_THE_WAY = 0.15
_LINES = ("Not charged.", "May have been charged.", "Charged.")
# Part of each path that a traceback of `nb` names.
_PACKAGE = "nanobanana_cli"
_KINDS = {".png", ".webp", ".json", ".txt"}
COMMANDS = {
    "png": ("generate", "fox", "-o", "fox.png"),
    "webp": ("generate", "fox", "-o", "fox.webp"),
    "-n 4": ("generate", "fox", "-n", "4", "-o", "fox.png"),
    "--alt": ("generate", "fox", "-o", "fox.png", "--alt"),
    "caption": ("caption", "in", "-r", "--write", "--concurrency", "2"),
    "batch": ("batch", "m.txt", "--concurrency", "2", "--gallery", "g.html"),
}


def interrupted_at_random(nb: Starts, name: str, moments: int, seed: int) -> Counter[str]:
    """Interrupt runs of a command at random moments, once or twice, each in a folder of its own.

    Args:
        nb: starts the runs.
        name: a key of `COMMANDS`.
        moments: the number of runs.
        seed: of the moments.

    Returns:
        How often a run ended with each charge line or none; and how many were `untrue` (the charge
        line does not fit what the server has counted), `lost` (a reply that was here before the
        signal is not on the disk) or `silent` (no line tells the signal or the charge).
    """
    chance = random.Random(f"{name} {seed}")
    found: Counter[str] = Counter()
    with CountingServer(latency=0.1, side=500) as server:
        span = _span(nb, server, COMMANDS[name])
        for number in range(moments):
            work = Path(f"{name}-{number}".replace(" ", ""))
            _write(work)
            server.calls.clear()
            server.charged.clear()
            server.delivered.clear()
            after = chance.uniform(0.3, 1.05) * span
            code, told, arrived = _interrupt(nb, server, COMMANDS[name], work, after, chance)
            # The machine's speed changes: let one run in three end before its signal.
            span *= 1.02 if code else 0.96
            if code == -signal.SIGINT or ("KeyboardInterrupt" in told and _PACKAGE not in told):
                # The interpreter was still starting, or looking for the package.
                found["not begun"] += 1
                continue
            last = told.splitlines()[-1] if told else ""
            found[last if last in _LINES else "no line"] += 1
            if code and not ("nb: " in told and last in _LINES):
                found[f"silent ({code}: {told!r})"] += 1
            found["untrue"] += not _is_true(last, server)
            found["lost"] += _kept(work) < arrived
    return found


def _span(nb: Starts, server: CountingServer, argv: tuple[str, ...]) -> float:
    """Return the seconds that a whole run takes."""
    work = Path("span")
    _write(work)
    began = time.monotonic()
    with nb.start(*argv, env=server.env, cwd=work) as process:
        process.communicate(timeout=60)
    return time.monotonic() - began


def _write(work: Path) -> None:
    """Make the folder, with images to describe and a manifest."""
    (work / "in").mkdir(parents=True)
    (work / "home").mkdir()
    for number in range(4):
        (work / "in" / f"{number}.png").write_bytes(image(f"in {number}"))
    (work / "m.txt").write_text("\n".join(f"fox {number}" for number in range(4)))


def _interrupt(
    nb: Starts,
    server: CountingServer,
    argv: tuple[str, ...],
    work: Path,
    after: float,
    chance: random.Random,
) -> tuple[int, str, int]:
    """Run a command and interrupt it; return its status, stderr, and how many replies were here.

    Args:
        after: seconds from the start to the first signal.
    """
    env = {**server.env, "HOME": str((work / "home").resolve())}
    twice, gap = chance.random() < 0.5, chance.choice([0.0, 0.001, 0.02, 0.3])
    with nb.start(*argv, env=env, cwd=work) as process:
        try:
            process.wait(after)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGINT)
        arrived = sum(when < time.monotonic() - _ON_THE_WAY for when in tuple(server.delivered))
        if twice and process.poll() is None:
            time.sleep(gap)
            process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=60)
    return process.returncode, err.decode(), arrived


def _is_true(line: str, server: CountingServer) -> bool:
    """Compare a charge line with what the server has counted, once it has ended all calls."""
    until = time.monotonic() + 1
    while server.charged.total() < server.calls.total() and time.monotonic() < until:
        time.sleep(0.01)
    sent = server.charged.total() > 0
    return line not in _LINES or sent == (line != "Not charged.")


def _kept(work: Path) -> int:
    """Return how many images, texts and replies a run has left, all of them whole."""
    found = [path for path in work.rglob("*") if path.suffix in _KINDS and path.parent.name != "in"]
    found = [path for path in found if path.name not in ("m.txt", "m.ledger.jsonl")]
    texts = [path for path in (work / "in").glob("*.txt") if path.stat().st_size]
    for path in found:
        if path.suffix in (".png", ".webp"):
            try:
                verify(path.read_bytes())
            except DamagedImage as error:
                raise AssertionError(path) from error
    images = [path for path in found if path.suffix != ".txt"]
    return len(images) + len(texts)
