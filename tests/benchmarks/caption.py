"""`nb caption` on a folder, against the sandbox: how close to the ideal, and in how much memory.

    python tests/benchmarks/caption.py [--runs 5] [--nb nb]

The ideal is calls divided by workers, times the sandbox's latency, and nothing else: start-up,
reading, sending and writing all count against it. Memory is measured with folders of different
sizes; were the images held, it would grow with them.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import os
import random
import shlex
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from PIL import Image, ImageFilter

LATENCY = 0.5
WORKERS = 20
IMAGES = 200
GOAL = 0.9
# Peak memory with four times the images, over that with this many. The allocator alone adds some.
MEMORY_GOAL = 1.25


def fill(folder: Path, count: int) -> int:
    """Different JPEGs of 1024×1024; their bytes in all."""
    folder.mkdir()
    total = 0
    for number in range(count):
        noise = random.Random(number).randbytes(256 * 256 * 3)
        small = Image.frombytes("RGB", (256, 256), noise).filter(ImageFilter.GaussianBlur(1))
        buffer = io.BytesIO()
        small.resize((1024, 1024), Image.Resampling.BILINEAR).save(buffer, "JPEG", quality=95)
        (folder / f"{number:04}.jpg").write_bytes(buffer.getvalue())
        total += buffer.tell()
    return total


@contextlib.contextmanager
def sandbox(nb: list[str], latency: float) -> Iterator[str]:
    """The address of a sandbox in a process of its own."""
    command = [*nb, "sandbox", "--latency", str(latency), "-q"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield json.loads(process.stdout.readline())["url"]
        finally:
            process.terminate()


def run(nb: list[str], folder: Path, url: str, workers: int) -> tuple[float, float]:
    """Seconds of wall clock and MiB at the peak, for captioning a folder."""
    command = [*nb, "caption", "-r", str(folder), "--concurrency", str(workers)]
    options = ["--provider", "sandbox", "--base-url", url, "-q"]
    with tempfile.TemporaryFile() as output:
        started = time.perf_counter()
        process = subprocess.Popen([*command, *options], stdout=output)
        _, status, usage = os.wait4(process.pid, 0)
        spent = time.perf_counter() - started
        process.returncode = os.waitstatus_to_exitcode(status)
        output.seek(0)
        lines = len(output.readlines())
    if process.returncode or lines != len(list(folder.iterdir())):
        raise SystemExit(f"nb caption failed with {process.returncode} after {lines} lines")
    return spent, usage.ru_maxrss / 1024


def _speed(nb: list[str], folder: Path, runs: int) -> None:
    ideal = IMAGES / WORKERS * LATENCY
    with sandbox(nb, LATENCY) as url:
        run(nb, folder, url, WORKERS)
        spent = [run(nb, folder, url, WORKERS)[0] for _ in range(runs)]
    median = statistics.median(spent)
    verdict = "reached" if ideal / median >= GOAL else "MISSED"
    print(f"{IMAGES} images, {WORKERS} at once, {LATENCY} s each: ideal {ideal:.2f} s")
    print(f"  nb caption {median:.2f} s (from {min(spent):.2f} to {max(spent):.2f})")
    print(f"  {ideal / median:.0%} of the ideal (goal {GOAL:.0%}) {verdict}")


def _memory(nb: list[str], folders: dict[int, Path], megabytes: dict[int, float]) -> None:
    print("peak memory, the sandbox answering at once")
    peaks = {}
    with sandbox(nb, 0) as url:
        for count, folder in folders.items():
            peaks[count] = statistics.median(run(nb, folder, url, WORKERS)[1] for _ in range(3))
            print(f"  {count:4} images, {megabytes[count]:4.0f} MB: {peaks[count]:.0f} MiB")
    ratio = peaks[4 * IMAGES] / peaks[IMAGES]
    verdict = "reached" if ratio <= MEMORY_GOAL else "MISSED"
    print(f"  {4 * IMAGES} / {IMAGES} images: {ratio:.2f} (goal {MEMORY_GOAL:.2f}) {verdict}")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--nb", help="the command to measure", metavar="COMMAND")
    chosen = parser.parse_args()
    nb = shlex.split(chosen.nb) if chosen.nb else [sys.executable, "-m", "nanobanana_cli"]
    with tempfile.TemporaryDirectory() as name:
        folders = {count: Path(name) / str(count) for count in (50, IMAGES, 4 * IMAGES)}
        megabytes = {count: fill(folder, count) / 1e6 for count, folder in folders.items()}
        _speed(nb, folders[IMAGES], chosen.runs)
        _memory(nb, folders, megabytes)


if __name__ == "__main__":
    main()
