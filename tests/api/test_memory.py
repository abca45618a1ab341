"""Replies share one bound of memory, and one that does not fit is an ordinary failure."""

from __future__ import annotations

import errno
import gzip
import json
import os
import re
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from conftest import Nb
from support import mounts, python
from support.replies import image_part, picture, reply
from support.tools import on_linux
from support.wire_server import Answer, WireServer

from nanobanana_cli.api.memory import MemoryBudget, has_too_many_values

MIB = 1 << 20
IMAGE = picture(1024, 1024)
SMALL = reply(image_part(IMAGE))


def budget(capacity: int) -> MemoryBudget:
    """A budget with so many bytes for replies that come at the same time."""
    return MemoryBudget(88 * MIB + capacity * 8 // 3)


@contextmanager
def paused() -> Iterator[None]:
    yield


def test_replies_wait_until_they_fit_into_memory() -> None:
    memory = budget(99)
    held: list[int] = []
    most: list[int] = []

    def work() -> None:
        memory.acquire(20, paused)
        held.append(1)
        most.append(len(held))
        time.sleep(0.005)
        held.pop()
        memory.release()

    threads = [threading.Thread(target=work) for _ in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert max(most) <= 2


def test_a_reply_larger_than_the_memory_comes_in_alone() -> None:
    memory = budget(9)
    memory.acquire(10**9, paused)
    memory.release()
    memory.acquire(None, paused)
    memory.release()


def test_a_closed_memory_budget_keeps_nobody_waiting() -> None:
    memory = budget(9)
    memory.acquire(5, paused)
    thread = threading.Thread(target=lambda: memory.acquire(5, paused))
    thread.start()
    memory.close()
    thread.join(5)
    assert not thread.is_alive()


def test_a_reply_grows_while_there_is_room_and_never_waits() -> None:
    memory = budget(90)
    memory.acquire(5, paused)
    grown: list[bool] = []

    def other() -> None:
        memory.acquire(5, paused)
        grown.extend(map(memory.grow, (5, 10, 20, 40)))
        memory.release()

    for _ in range(2):
        thread = threading.Thread(target=other)
        thread.start()
        thread.join(5)
        memory.release()
    # Beside another reply, then alone.
    assert grown == [True, True, True, False, True, True, True, True]
    assert not memory.grow(memory.largest + 1)


class TestPatience:
    """Memory that the system does not give is asked for again while other replies hold some."""

    @pytest.mark.parametrize("error", [MemoryError(), OSError(errno.ENOMEM, "no memory")])
    def test_lasts_while_another_reply_holds_memory(self, error: Exception) -> None:
        memory = budget(90)
        other = threading.Thread(target=lambda: memory.acquire(5, paused))
        other.start()
        other.join()
        failures = [error] * 2

        def allocate() -> str:
            if failures:
                raise failures.pop()
            return "memory"

        assert memory.patiently(allocate, paused) == "memory"

    @pytest.mark.parametrize(
        ("error", "is_alone"),
        [(MemoryError(), True), (OSError(errno.EIO, "broken"), True), (OSError(), False)],
    )
    def test_ends_at_once_where_it_would_not_help(self, error: Exception, is_alone: bool) -> None:
        memory = budget(90)
        memory.acquire(5, paused)
        if not is_alone:
            other = threading.Thread(target=lambda: memory.acquire(5, paused))
            other.start()
            other.join()
        asked: list[int] = []

        def allocate() -> None:
            asked.append(1)
            raise error

        with pytest.raises(type(error)):
            memory.patiently(allocate, paused)
        assert len(asked) == 1


@pytest.mark.parametrize("mark", [b",", b"[", b"{"])
def test_half_a_million_values_are_the_most(mark: bytes) -> None:
    pad = b" " * MIB
    most = mark * 250_000 + pad + mark * 250_000
    assert not has_too_many_values(most)
    assert has_too_many_values(most + mark)


@dataclass(frozen=True)
class Measured:
    """A run of `nb`: its status, what it said on stderr, and its peak of memory in MiB."""

    code: int
    err: str
    peak: int


# `more` MiB are all that the process may take beyond what it has when everything is imported.
_MEASURED = """
import re, resource, sys
from pathlib import Path
from nanobanana_cli.__main__ import main
from nanobanana_cli import cli
from nanobanana_cli.generation import save, session

def told(name):
    return int(re.search(rf"{name}:\\s+(\\d+) kB", Path("/proc/self/status").read_text())[1])

more = int(sys.argv.pop(1))
if more:
    bytes = (told("VmSize") << 10) + (more << 20)
    resource.setrlimit(resource.RLIMIT_AS, (bytes, bytes))
code = main()
print("peak", told("VmHWM") >> 10, file=sys.stderr)
sys.exit(code)
"""


def measured(
    server: WireServer, *argv: str, more: int = 0, env: Mapping[str, str] | None = None
) -> Measured:
    variables = {"NB_BASE_URL": server.url, "WISDOM_GATE_KEY": "sk-test-key-1234", **(env or {})}
    process = python.start(
        _MEASURED, str(more), *argv, env=variables, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    _, err = process.communicate(timeout=60)
    lines = err.decode().splitlines()
    return Measured(process.returncode, "\n".join(lines[:-1]), int(lines[-1].split()[1]))


def in_chunks(body: bytes) -> Answer:
    """An answer that does not say how long it is."""
    framed = b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body)
    return Answer(headers=(("Transfer-Encoding", "chunked"),), body=framed)


@pytest.fixture
def little(nb: Nb) -> None:
    assert nb("config", "set", "memory-limit", "200").code == 0


@on_linux
@pytest.mark.usefixtures("little")
@pytest.mark.parametrize("is_framed", [True, False])
def test_large_replies_at_once_stay_within_the_limit(is_framed: bool) -> None:
    body = SMALL + b" " * (50 * MIB)
    with WireServer(Answer(body=body) if is_framed else in_chunks(body)) as server:
        run = measured(server, "generate", "fox", "-n", "4", "-o", "fox.png")
    assert run.code == 0, run.err
    assert [Path(f"fox-{n}.png").read_bytes() for n in range(1, 5)] == [IMAGE] * 4
    assert run.peak < 150


@on_linux
@pytest.mark.usefixtures("little")
@pytest.mark.parametrize("declared", [(), (("Content-Encoding", "gzip"),)])
def test_large_packed_replies_stay_within_the_limit(declared: tuple[tuple[str, str], ...]) -> None:
    packed = gzip.compress(SMALL + b" " * (50 * MIB), 1)
    with WireServer(Answer(body=packed, headers=declared)) as server:
        run = measured(server, "generate", "fox", "-n", "4", "-o", "fox.png")
    assert run.code == 0, run.err
    assert [Path(f"fox-{n}.png").read_bytes() for n in range(1, 5)] == [IMAGE] * 4
    assert run.peak < 200


@on_linux
@pytest.mark.usefixtures("little")
@pytest.mark.parametrize("is_framed", [True, False])
def test_an_image_beyond_the_limit_is_kept(is_framed: bool) -> None:
    body = reply({"inlineData": {"data": "A" * (70 * MIB)}})
    with WireServer(Answer(body=body) if is_framed else in_chunks(body)) as server:
        run = measured(server, "generate", "fox", "-o", "fox.png")
        assert (run.code, len(server.requests)) == (10, 1)
    assert run.err.startswith("nb: the reply does not fit into memory\n")
    assert run.err.endswith("\nMay have been charged.")
    assert run.peak < 150
    assert _kept(run).read_bytes() == body
    assert list(Path().iterdir()) == []


def _kept(run: Measured) -> Path:
    found = re.search(r"^hint: the reply was kept: nb extract (.+)$", run.err, re.MULTILINE)
    assert found, run.err
    return Path(found[1])


@on_linux
def test_a_text_without_end_is_kept() -> None:
    body = reply({"text": "A fox. " * (5 * MIB)})
    Path("fox.png").write_bytes(IMAGE)
    with WireServer(Answer(body=body)) as server:
        run = measured(server, "caption", "fox.png")
    assert run.code == 10
    assert "there is not enough memory" in run.err
    assert _kept(run).read_bytes() == body
    assert run.peak < 150


@on_linux
@pytest.mark.parametrize("more", [40, 100])
def test_a_reply_for_which_there_is_no_memory_is_kept(more: int, tmp_path: Path) -> None:
    """Neither it, nor the image in it as well."""
    body = reply({"inlineData": {"data": "A" * (64 * MIB)}})
    with WireServer(Answer(body=body)) as server:
        run = measured(
            server, "generate", "fox", "-o", "f.png", more=more, env={"TMPDIR": str(tmp_path)}
        )
        assert (run.code, len(server.requests)) == (10, 1), run.err
    assert re.match("nb: (the reply does not fit into|there is not enough) memory\n", run.err)
    kept = _kept(run)
    assert kept.read_bytes() == body
    assert kept.stat().st_mode & 0o777 == 0o600
    assert kept.parts[-2:] == ("replies", "fox.json")


@on_linux
def test_what_there_was_no_memory_for_is_extracted_later(nb: Nb) -> None:
    """And a key in it is not kept."""
    body = SMALL + b" " * (64 * MIB) + b'{"key": "sk-test-key-1234"}'
    with WireServer(Answer(body=body)) as server:
        run = measured(server, "generate", "fox", "-n", "2", more=30)
        assert (run.code, len(server.requests)) == (10, 2), run.err
    replies = Path(os.environ["HOME"], ".local/state/nanobanana-wisgate/replies")
    assert sorted(replies.iterdir()) == [replies / "fox-2.json", replies / "fox.json"]
    for kept in replies.iterdir():
        assert f"hint: the reply was kept: nb extract {kept}\n" in run.err
        assert kept.read_bytes() == body.replace(b"sk-test-key-1234", b"[key]")
        assert nb("extract", kept, "-o", f"{kept.stem}.png").code == 0
        assert Path(f"{kept.stem}.png").read_bytes() == IMAGE


@on_linux
@pytest.mark.parametrize(
    "values",
    [b"[],", b"{},", b"1.5,", b'"a",', b"NaN,", b'{"a":[0]},'],
)
def test_millions_of_values_are_not_unpacked(values: bytes) -> None:
    """An image among them is found all the same."""
    image = json.dumps(image_part(IMAGE)).encode()
    many = values * (6 * MIB // len(values))
    body = b'{"x":[%s0],"candidates":[{"content":{"parts":[%s]}},%s0]}' % (many, image, many)
    with WireServer(Answer(body=body), Answer(body=body.replace(image, b"{}"))) as server:
        run = measured(server, "generate", "fox", "-o", "fox.png")
        without = measured(server, "generate", "fox", "-o", "other.png")
    assert run.code == 0
    assert Path("fox.png").read_bytes() == IMAGE
    assert without.code == 10
    assert without.err.startswith("nb: the reply has too many values for an image: {")
    assert max(run.peak, without.peak) < 110


# Two calls at once, which outgrow what they were given; a file may have 1 MiB.
_FULL_DISK = """
import resource, sys, threading
from nanobanana_cli.api.memory import MemoryBudget
from nanobanana_cli.api.transport import Transport
from nanobanana_cli.types import Endpoint

resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, 1 << 20))
memory, right = MemoryBudget((88 + 171) << 20), []
transport = Transport(Endpoint("wisgate", sys.argv[1], key="sk-1"), memory=memory)

def call():
    right.append(bytes(transport.get("/")) == b"0123456789abcdef" * (3 << 19))
    memory.release()

threads = [threading.Thread(target=call) for _ in range(2)]
for thread in threads: thread.start()
for thread in threads: thread.join()
sys.exit(0 if right == [True, True] else 1)
"""


@on_linux
def test_a_full_disk_loses_no_reply() -> None:
    answer = in_chunks(b"0123456789abcdef" * (3 << 19))
    with WireServer(replace(answer, company=2)) as server:
        assert python.status(_FULL_DISK, server.url) == 0


# A reply that outgrows its memory and then the temporary folder, and has another one.
_FULL_FOLDER = """
import sys
from pathlib import Path
from nanobanana_cli.api.memory import MemoryBudget
from nanobanana_cli.api.transport import Transport
from nanobanana_cli.types import Endpoint

memory = MemoryBudget(89 << 20, [Path("missing"), Path(sys.argv[2])])
transport = Transport(Endpoint("wisgate", sys.argv[1], key="sk-1"), memory=memory)
body = transport.get("/")
mapped = Path("/proc/self/maps").read_text()
sys.exit(not (bytes(body) == b"0123456789abcdef" * (3 << 18) and sys.argv[2] in mapped))
"""


@on_linux
def test_a_full_temporary_folder_loses_no_reply(tmp_path: Path) -> None:
    folders = [tmp_path / "small", tmp_path / "large"]
    for folder in folders:
        folder.mkdir()
    with (
        WireServer(in_chunks(b"0123456789abcdef" * (3 << 18))) as server,
        python.start(
            *(_FULL_FOLDER, server.url, folders[1]),
            env={"TMPDIR": str(folders[0])},
            preexec_fn=mounts.small(folders[:1], size=2 << 20),
        ) as process,
    ):
        assert process.wait(timeout=60) == 0


@pytest.mark.parametrize("place", ["project", "variable"])
def test_the_limit_is_the_users_own(nb: Nb, place: str) -> None:
    if place == "project":
        Path("nb.toml").write_text("memory-limit = 4000\n")
        run = nb("config", "list")
        assert run.code == 2
        assert "memory-limit in " in run.err
    else:
        run = nb("config", "get", "memory-limit", env={"NB_MEMORY_LIMIT": "4000"})
        assert run.out == "600\n"


def test_the_limit_is_checked_when_it_is_set(nb: Nb) -> None:
    run = nb("config", "set", "memory-limit", "64")
    assert run.code == 2
    assert "hint: whole MiB, 200 or more, such as 600" in run.err
