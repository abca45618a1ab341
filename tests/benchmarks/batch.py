"""`nb batch` side by side with what else one could use, against one and the same local server.

    PYTHONPATH=tests python tests/benchmarks/batch.py [--quick]

Three questions: how near it comes to the ideal time when the service takes 2 s an image; what an
image costs the client's processor, beside google-genai's async client and the article's pipeline
under `xargs -P`; and how much memory large images and large manifests take. Run it with the
environment's Python that has this checkout and its `dev` extra; curl, jq and base64 must be there.
"""

from __future__ import annotations

import argparse
import base64
import contextlib
import hashlib
import json
import math
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.generate import MODEL, ROOT, noise_png

NB = [sys.executable, "-m", "nanobanana_cli"]

PIPELINE = f"""
seq {{count}} | xargs -P {{at_once}} -I % sh -c '
curl -s -X POST "$NB_BASE_URL/v1beta/models/{MODEL}:generateContent" \
  -H "x-goog-api-key: $WISDOM_GATE_KEY" -H "Content-Type: application/json" \
  -d "{{{{\\"contents\\": [{{{{\\"parts\\": [{{{{\\"text\\": \\"fox %\\"}}}}]}}}}],
       \\"generationConfig\\": {{{{\\"responseModalities\\": [\\"IMAGE\\"]}}}}}}}}" \
| jq -r ".candidates[0].content.parts[0].inlineData.data" | base64 --decode > {{folder}}/%.png'
"""

GENAI = f"""
import asyncio, os, pathlib, sys
from google import genai
from google.genai import types

async def main(count, at_once, folder):
    options = types.HttpOptions(base_url=os.environ["NB_BASE_URL"], api_version="v1beta")
    client = genai.Client(api_key="k", http_options=options)
    config = types.GenerateContentConfig(
        response_modalities=["IMAGE"],
        image_config=types.ImageConfig(aspect_ratio="1:1", image_size="1K"),
    )
    gate = asyncio.Semaphore(at_once)

    async def one(number):
        async with gate:
            reply = await client.aio.models.generate_content(
                model="{MODEL}", contents=f"fox {{number}}", config=config
            )
        data = reply.candidates[0].content.parts[0].inline_data.data
        pathlib.Path(folder, f"{{number}}.png").write_bytes(data)

    await asyncio.gather(*(one(number) for number in range(count)))

asyncio.run(main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]))
"""


@dataclass(frozen=True)
class Load:
    """What is to be made: so many images of so many bytes, so many at once, so many s each."""

    count: int
    size: int
    at_once: int
    latency: float

    @property
    def ideal(self) -> float:
        """Seconds, if nothing but the service took time."""
        return math.ceil(self.count / self.at_once) * self.latency


@dataclass(frozen=True)
class Cost:
    """What a run took: wall-clock s, processor s with all child processes, MiB at most."""

    seconds: float
    processor: float
    peak: float


def serve(size: int, latency: float) -> None:
    """Answer every request with one picture of about that size, for ever; prints the port."""
    data = base64.b64encode(noise_png(round(math.sqrt(size / 3)))).decode()
    part = {"inlineData": {"mimeType": "image/png", "data": data}}
    candidate = {"content": {"role": "model", "parts": [part]}, "finishReason": "STOP"}
    body = json.dumps({"candidates": [candidate], "responseId": "abc"}).encode()
    head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(body)}"
    answer = f"{head}\r\nConnection: close\r\n\r\n".encode() + body
    with socket.create_server(("127.0.0.1", 0), backlog=512) as listener:
        print(listener.getsockname()[1], flush=True)
        while True:
            connection, _ = listener.accept()
            threading.Thread(target=_answer, args=(connection, answer, latency)).start()


def _answer(connection: socket.socket, answer: bytes, latency: float) -> None:
    with contextlib.suppress(OSError), connection, connection.makefile("rb") as stream:
        length = 0
        while (line := stream.readline()).strip():
            if line.lower().startswith(b"content-length:"):
                length = int(line.split(b":")[1])
        stream.read(length)
        time.sleep(latency)
        connection.sendall(answer)


@contextlib.contextmanager
def server(load: Load) -> Iterator[dict[str, str]]:
    """The environment that leads to a server for this load."""
    command = [sys.executable, __file__, "--serve", str(load.size), str(load.latency)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            url = f"http://127.0.0.1:{process.stdout.readline().strip()}"
            yield {
                **os.environ,
                "NB_BASE_URL": url,
                "WISDOM_GATE_KEY": "k",
                "PYTHONPATH": str(ROOT),
            }
        finally:
            process.kill()


def measure(command: Sequence[str], env: dict[str, str], folder: Path, code: int = 0) -> Cost:
    """Run a command in a folder."""
    started = time.perf_counter()
    process = subprocess.Popen(
        command, env=env, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    _, status, usage = os.wait4(process.pid, 0)
    spent = time.perf_counter() - started
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != code:
        raise SystemExit(f"{command[:4]} ended with {process.returncode}")
    return Cost(spent, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)


def commands(load: Load) -> dict[str, list[str]]:
    """How each contender makes the load, in a folder that is its own."""
    pipeline = PIPELINE.format(count=load.count, at_once=load.at_once, folder=".")
    return {
        "nb": [*NB, "batch", "m.jsonl", "--yes", "--concurrency", str(load.at_once)],
        "xargs -P": ["sh", "-c", pipeline],
        "google-genai": [sys.executable, "-c", GENAI, str(load.count), str(load.at_once), "."],
    }


def compare(load: Load, names: Sequence[str], work: Path) -> dict[str, Cost]:
    """Each contender in turn, with a fresh folder and the same server."""
    costs = {}
    with server(load) as env:
        for name in names:
            folder = work / name.replace(" ", "")
            folder.mkdir()
            rows = [{"prompt": f"fox {n}", "output": f"{n}.png"} for n in range(load.count)]
            (folder / "m.jsonl").write_text("\n".join(map(json.dumps, rows)))
            costs[name] = measure(commands(load)[name], env, folder)
            made = len(list(folder.glob("*.png")))
            assert made == load.count, f"{name} made {made}"
            shutil.rmtree(folder)
    return costs


def show(title: str, costs: dict[str, Cost], count: int) -> None:
    """A line for each contender."""
    print(f"\n{title}")
    for name, cost in costs.items():
        each = cost.processor / count * 1000
        print(f"  {name:14} {cost.seconds:7.2f} s  {each:7.1f} ms CPU/image  {cost.peak:5.0f} MiB")


def verdict(what: str, value: float, goal: float, *, at_least: bool = False) -> None:
    """Whether a goal is reached."""
    reached = value >= goal if at_least else value <= goal
    print(f"  {what}: {value:.2f} (goal {goal:g}) {'reached' if reached else 'MISSED'}")


def throughput(work: Path, *, quick: bool) -> None:
    """448 images at 2 s, 64 at once."""
    load = Load(128 if quick else 448, 1_000_000, 64, 2.0)
    costs = compare(load, ("nb", "xargs -P", "google-genai"), work)
    show(
        f"{load.count} images of 1 MB, 2 s each, 64 at once: ideal {load.ideal:g} s",
        costs,
        load.count,
    )
    verdict("share of the ideal", load.ideal / costs["nb"].seconds, 0.92, at_least=True)
    share = costs["nb"].processor / costs["google-genai"].processor
    verdict("nb's processor time / google-genai's", share, 1 / 3)


def memory(work: Path, *, quick: bool) -> None:
    """256 images of 12 MB, 64 at once."""
    load = Load(64 if quick else 256, 12_000_000, 64, 0.5)
    costs = compare(load, ("nb",), work)
    show(f"{load.count} images of 12 MB, 64 at once", costs, load.count)
    verdict("peak MiB", costs["nb"].peak, 500)


def planning(work: Path, *, quick: bool) -> None:
    """100,000 rows, before the first image and when all is done; and the first call."""
    count = 10_000 if quick else 100_000
    folder = work / "plan"
    folder.mkdir()
    env = {**os.environ, "WISDOM_GATE_KEY": "k", "PYTHONPATH": str(ROOT)}
    rows = [
        {
            "prompt": f"a watercolour of animal number {n}, {'soft light, ' * 8}",
            "output": f"{n % 100}/{n}.png",
        }
        for n in range(count)
    ]
    (folder / "m.jsonl").write_text("\n".join(map(json.dumps, rows)))
    first = measure([*NB, "batch", "m.jsonl", "--check"], env, folder, code=3)
    call = _first_call(folder, env)
    _pretend_done(folder, rows, env)
    done = measure([*NB, "batch", "m.jsonl", "--check"], env, folder)
    reading = _reading([folder / row["output"] for row in rows])
    print(f"\n{count:,} rows")
    for name, cost in (("first plan", first), ("all done, files hashed", done)):
        print(f"  {name:24} {cost.seconds:6.2f} s  {cost.peak:5.0f} MiB")
    print(f"  {'reading the files alone':24} {reading:6.2f} s")
    print(f"  {'first call':24} {call:6.2f} s")
    for name, seconds in (("first plan s", first.seconds), ("first call s", call)):
        verdict(name, seconds, 6)
    verdict("all done s, less the reading", done.seconds - reading, 6)
    verdict("peak MiB", max(first.peak, done.peak), 400)


def _reading(files: Sequence[Path]) -> float:
    """Seconds that it takes to read and hash the files, and nothing else."""
    started = time.perf_counter()
    for file in files:
        hashlib.sha256(file.read_bytes()).digest()
    return time.perf_counter() - started


def _first_call(folder: Path, env: dict[str, str]) -> float:
    """Seconds until the first call is on the wire."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        started = time.perf_counter()
        process = subprocess.Popen(
            [*NB, "batch", "m.jsonl"],
            env={**env, "NB_BASE_URL": f"http://127.0.0.1:{listener.getsockname()[1]}"},
            cwd=folder,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        listener.accept()[0].close()
        spent = time.perf_counter() - started
        process.kill()
        process.wait()
    (folder / "m.ledger.jsonl").unlink()
    return spent


def _pretend_done(folder: Path, rows: list[dict[str, str]], env: dict[str, str]) -> None:
    """Small files, and the ledger that a run would have left."""
    plan = subprocess.run(
        [*NB, "batch", "m.jsonl", "--dry-run", "--json"],
        env=env,
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        check=True,
    )
    for number in range(100):
        (folder / str(number)).mkdir()
    with (folder / "m.ledger.jsonl").open("w") as ledger:
        for number, line in enumerate(plan.stdout.splitlines()):
            path, data = rows[number]["output"], b"image %d" % number
            (folder / path).write_bytes(data)
            call = {
                "id": f"{number:032}",
                "row": path,
                "fingerprint": json.loads(line)["fingerprint"],
                "cost_usd": 0.058,
            }
            made = {"path": path, "sha256": hashlib.sha256(data).hexdigest(), "bytes": len(data)}
            ledger.write(json.dumps({"event": "intent", **call}) + "\n")
            ledger.write(json.dumps({"event": "written", **call, **made}) + "\n")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a fraction of each load")
    parser.add_argument("--serve", nargs=2, metavar=("SIZE", "LATENCY"), help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.serve:
        serve(int(chosen.serve[0]), float(chosen.serve[1]))
    for tool in ("curl", "jq", "base64", "xargs"):
        if shutil.which(tool) is None:
            raise SystemExit(f"{tool} is not installed")
    for part in (throughput, memory, planning):
        with tempfile.TemporaryDirectory() as name:
            part(Path(name), quick=chosen.quick)


if __name__ == "__main__":
    main()
