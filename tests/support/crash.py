"""Runs that are killed, and the ledgers that must be right afterwards."""

from __future__ import annotations

import json
import random
import subprocess
import time
from collections import Counter
from pathlib import Path
from typing import Any, Protocol

from support.counting_server import CountingServer, image

from nanobanana_cli.images.formats import verify

_CHAIN = 4


class Starts(Protocol):
    """Starts `nb` as a process."""

    def start(self, *argv: str | Path, **options: Any) -> subprocess.Popen[bytes]: ...


def write(number: int, name: str = "m.jsonl", *, chain: int = 1) -> list[str]:
    """Write a manifest, in which each row but every `chain`th is made from the one before it."""
    prompts = [f"fox {n}" for n in range(number)]
    rows: list[dict[str, Any]] = [
        {"prompt": prompt, "output": f"{n}.png"} for n, prompt in enumerate(prompts)
    ]
    for n, row in enumerate(rows):
        if n % chain:
            row["images"] = [f"{n - 1}.png"]
    Path(name).write_text("\n".join(map(json.dumps, rows)))
    return prompts


def ledger(name: str = "m.ledger.jsonl") -> list[dict[str, Any]]:
    return [json.loads(line) for line in Path(name).read_text().splitlines()]


def killed_at_random(nb: Starts, kills: int, seed: int) -> str:
    """Kill runs of one manifest again and again, then resume to the end and check the ledger.

    Rows are in chains of four, of which each is made from the one before it.

    Returns:
        The figures, in a line.
    """
    prompts = write(40 * kills, chain=_CHAIN)
    chance = random.Random(seed)
    # Each picture of a prompt is another, so that what came and was not kept would show.
    with CountingServer(latency=0.05, repeats=False) as server:
        options = ("batch", "m.jsonl", "--concurrency", "8", "--retry", "unknown", "--yes")
        for _ in range(kills):
            process = nb.start(*options, env=server.env)
            # The first call is sent about a third of a second after the start.
            try:
                process.communicate(timeout=chance.uniform(0.2, 0.7))
            except subprocess.TimeoutExpired:
                process.kill()
                process.communicate()
            for path in Path().glob("[0-9]*.png"):
                verify(path.read_bytes())
        for _ in range(2):
            with nb.start(*options, env=server.env) as process:
                _, err = process.communicate(timeout=120)
            assert process.returncode == 0, err
    return check_accounts(prompts, server)


def check_accounts(prompts: list[str], server: CountingServer) -> str:
    """Every row is there and whole, and the ledger explains every call."""
    lines = ledger()
    rows = {f"{n}.png": prompt for n, prompt in enumerate(prompts)}
    for name, prompt in rows.items():
        assert Path(name).read_bytes() in [
            image(f"{prompt} #{nth + 1}") for nth in range(server.calls[prompt])
        ]
    intents = Counter(rows[line["row"]] for line in lines if line["event"] == "intent")
    unknown = Counter(rows[line["row"]] for line in lines if line["event"] == "dropped")
    made = Counter(rows[line["row"]] for line in lines if line["event"] == "written")
    assert made == dict.fromkeys(prompts, 1)
    for prompt in prompts:
        # An intent may have come to the disk just before a kill and its call not out of the door.
        assert server.calls[prompt] <= intents[prompt] == 1 + unknown[prompt]
    for number, prompt in enumerate(prompts):
        # What a row was made from is what is there now.
        parents = (Path(f"{number - 1}.png").read_bytes(),) if number % _CHAIN else ()
        assert server.sent[prompt][-1] == parents
    # No whole image that was paid for is left without its name.
    left = [*_temporary(), *Path().glob("recovered*")]
    assert not left, left
    calls = server.calls.total()
    assert len(prompts) <= calls <= len(prompts) + unknown.total()
    return f"{len(prompts)} rows, {calls} calls, {unknown.total()} unknown"


def killed_while_writing(nb: Starts, kills: int, seed: int) -> str:
    """Kill runs of each command at random moments, each second one once it writes a file.

    After each kill, the next run in that folder is killed too or leaves no temporary file there.

    Returns:
        The figures, in a line.
    """
    chance = random.Random(seed)
    left = 0
    with CountingServer(latency=0.05) as server:
        for number in range(kills):
            command = _commands(number)[number % 3]
            before = set(_temporary())
            with nb.start(*command, env=server.env) as process:
                until = time.monotonic() + chance.uniform(0.2, 0.9)
                while time.monotonic() < until and process.poll() is None:
                    if number % 2 and set(_temporary()) - before:
                        break
                process.kill()
            left += len(_temporary())
        # Each folder's next run.
        for command in _commands(kills):
            with nb.start(*command, env=server.env) as process:
                _, err = process.communicate(timeout=120)
            assert process.returncode == 0, err
    assert _temporary() == []
    for path in Path().rglob("*.png"):
        verify(path.read_bytes())
    return f"{kills} kills, {left} temporary files in between, none in the end"


def _commands(number: int) -> list[list[str]]:
    """A run of each command that writes files; each call is another image."""
    prompts = [f"fox {number} {n}" for n in range(4)]
    rows = [{"prompt": prompt, "output": f"b/{prompt}.png"} for prompt in prompts]
    for folder in ("g", "b", "c"):
        Path(folder).mkdir(exist_ok=True)
    Path("m.jsonl").write_text("\n".join(map(json.dumps, rows)))
    Path(f"c/{number}.png").write_bytes(image(prompts[0]))
    return [
        ["generate", prompts[0], "-n", "4", "-o", "g/", "--alt"],
        ["batch", "m.jsonl", "--retry", "unknown", "--gallery", "b/index.html", "--alt"],
        ["caption", "-r", "c", "--write", "--embed", "--yes"],
    ]


def _temporary() -> list[Path]:
    return sorted(Path().rglob(".nb-*.tmp"))
