"""`nb` side by side with what else one could use, against a local server that answers at once.

    python tests/benchmarks/generate.py [--runs 7]

Installs this checkout and gemimg into fresh environments, takes turns so that a slow moment of the
machine hits all alike, and prints medians and their ratios. curl, jq and base64 must be there.
"""

from __future__ import annotations

import argparse
import base64
import contextlib
import json
import os
import random
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import venv
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
MODEL = "gemini-3.1-flash-image-preview"

PIPELINE = """
curl -s -X POST "$BASE/v1beta/models/{model}:generateContent" \
  -H "x-goog-api-key: $WISDOM_GATE_KEY" -H "Content-Type: application/json" \
  -d '{{"contents": [{{"parts": [{{"text": "a red fox"}}]}}], "generationConfig":
      {{"responseModalities": ["IMAGE"], "imageConfig": {{"aspectRatio": "1:1"}}}}}}' \
| jq -r '.candidates[0].content.parts[0].inlineData.data' | base64 --decode > {output}
"""


@dataclass(frozen=True)
class Contender:
    """A command to be timed, and the file that it must have written."""

    name: str
    command: Sequence[str]
    output: Path | None = None


@dataclass(frozen=True)
class Timing:
    """Medians: seconds, and MiB of the largest process."""

    seconds: float
    peak: float


def noise_png(side: int) -> bytes:
    """A square RGB picture that nothing can compress."""
    row = 1 + 3 * side
    pixels = bytearray(os.urandom(row * side))
    pixels[::row] = bytes(side)
    chunks = [
        (b"IHDR", side.to_bytes(4) * 2 + b"\x08\x02\x00\x00\x00"),
        (b"IDAT", zlib.compress(pixels, 1)),
        (b"IEND", b""),
    ]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        len(data).to_bytes(4) + kind + data + zlib.crc32(kind + data).to_bytes(4)
        for kind, data in chunks
    )


def reply(side: int) -> bytes:
    """A reply with a noise picture of that side."""
    data = base64.b64encode(noise_png(side)).decode()
    part = {"inlineData": {"mimeType": "image/png", "data": data}}
    candidate = {"content": {"role": "model", "parts": [part]}, "finishReason": "STOP"}
    usage = {"promptTokenCount": 8, "candidatesTokenCount": 1120, "totalTokenCount": 1128}
    return json.dumps(
        {"candidates": [candidate], "usageMetadata": usage, "responseId": "abc"}
    ).encode()


def serve(body: bytes) -> None:
    """Answer every request at once with this body, for ever; prints the port first."""
    head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(body)}"
    answer = f"{head}\r\nConnection: close\r\n\r\n".encode()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        print(listener.getsockname()[1], flush=True)
        while True:
            connection, _ = listener.accept()
            with connection, connection.makefile("rb") as stream:
                length = 0
                while (line := stream.readline()).strip():
                    if line.lower().startswith(b"content-length:"):
                        length = int(line.split(b":")[1])
                stream.read(length)
                connection.sendall(answer)
                connection.sendall(body)


@contextlib.contextmanager
def server(side: int) -> Iterator[str]:
    """The address of a server that answers with a noise picture of that side.

    A process of its own: what this one holds in memory would count as its children's peak.
    """
    command = [sys.executable, __file__, "--serve", str(side)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield f"http://127.0.0.1:{process.stdout.readline().strip()}"
        finally:
            process.kill()


def measure(contenders: Sequence[Contender], runs: int, base: str = "") -> dict[str, Timing]:
    """Each contender's medians, taking turns; one turn before that warms the caches."""
    seconds: dict[str, list[float]] = {each.name: [] for each in contenders}
    peaks: dict[str, list[float]] = {each.name: [] for each in contenders}
    for turn in range(runs + 1):
        # In another order each time: a process that held 300 MiB leaves the machine otherwise than
        # one that held 20, and the next one pays for it.
        for each in random.sample(contenders, len(contenders)):
            if each.output:
                each.output.unlink(missing_ok=True)
            spent, peak = _run(each, base)
            if turn:
                seconds[each.name].append(spent)
                peaks[each.name].append(peak)
    return {
        name: Timing(statistics.median(seconds[name]), statistics.median(peaks[name]))
        for name in seconds
    }


def _run(contender: Contender, base: str) -> tuple[float, float]:
    env = {
        **os.environ,
        "WISDOM_GATE_KEY": "k",
        "GEMINI_API_KEY": "k",
        "BASE": base,
        "NB_BASE_URL": base,
    }
    started = time.perf_counter()
    process = subprocess.Popen(
        contender.command, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    _, status, usage = os.wait4(process.pid, 0)
    spent = time.perf_counter() - started
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode or (contender.output and not contender.output.stat().st_size):
        raise SystemExit(f"{contender.name} failed with {process.returncode}")
    return spent, usage.ru_maxrss / 1024


def install(folder: Path, *packages: str) -> Path:
    """The scripts of a fresh environment with these packages."""
    venv.create(folder, with_pip=True)
    pip = [str(folder / "bin" / "pip"), "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, *packages], check=True, stderr=subprocess.DEVNULL)
    return folder / "bin"


def _report(title: str, timings: dict[str, Timing], goals: dict[str, tuple[str, float]]) -> None:
    print(f"\n{title}")
    for name, timing in timings.items():
        print(f"  {name:24} {timing.seconds:7.3f} s  {timing.peak:6.0f} MiB")
    for name, (rival, goal) in goals.items():
        ratio = timings[name].seconds / timings[rival].seconds
        verdict = "reached" if ratio <= goal else "MISSED"
        print(f"  {name} / {rival}: {ratio:.2f} (goal {goal:.2f}) {verdict}")


def _images(nb: str, gemimg: str, folder: Path, runs: int) -> None:
    goals = {
        1024: ("one 1K image, 3 MB", {"nb": ("gemimg", 1.1)}),
        2048: ("one image of 12 MB", {"nb": ("gemimg", 0.4)}),
        4096: ("one image of 49 MB", {"nb": ("pipeline", 0.6)}),
    }
    for side, (title, wanted) in goals.items():
        outputs = [folder / f"{name}.png" for name in ("nb", "gemimg", "pipeline")]
        with server(side) as base:
            # It takes the folder and the name apart.
            gemimg_command = [gemimg, "a red fox", "--base-url", base, "--output-dir", str(folder)]
            pipeline = PIPELINE.format(model=MODEL, output=outputs[2])
            contenders = [
                Contender("nb", [nb, "generate", "a red fox", "-o", str(outputs[0])], outputs[0]),
                Contender("gemimg", [*gemimg_command, "-o", "gemimg.png", "-f"], outputs[1]),
                Contender("pipeline", ["sh", "-c", pipeline], outputs[2]),
            ]
            timings = measure(contenders, runs, base)
        _report(title, timings, wanted)
        if side == 2048:
            _report(f"{title}, against the pipeline", timings, {"nb": ("pipeline", 1.0)})


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=7)
    parser.add_argument("--serve", type=int, metavar="SIDE", help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.serve:
        serve(reply(chosen.serve))
    runs = chosen.runs
    for tool in ("curl", "jq", "base64"):
        if shutil.which(tool) is None:
            raise SystemExit(f"{tool} is not installed")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        nb = str(install(folder / "nb-env", str(ROOT)) / "nb")
        gemimg = str(install(folder / "gemimg-env", "gemimg==0.4.0") / "gemimg")
        starts = [
            Contender("nb --version", [nb, "--version"]),
            Contender("nb --help", [nb, "--help"]),
            Contender("nb generate --help", [nb, "generate", "--help"]),
            Contender("gemimg --help", [gemimg, "--help"]),
        ]
        rival = "gemimg --help"
        goals = {"nb --version": (rival, 0.3), "nb --help": (rival, 1.0)}
        goals["nb generate --help"] = (rival, 1.0)
        _report("start-up", measure(starts, 3 * runs), goals)
        _images(nb, gemimg, folder, runs)


if __name__ == "__main__":
    main()
