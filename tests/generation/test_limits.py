"""What was paid for survives a system that has reached a limit, and an `nb` that is gone."""

from __future__ import annotations

import errno
import json
import os
import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import NbProcess
from support import pngs, python
from support.replies import image_part, made, picture, reply
from support.texts import drawn
from support.tools import on_linux
from support.wire_server import Answer, WireServer

from nanobanana_cli.images.formats import verify

ROOT = Path(__file__).parents[2]
# Noise: 3 MB, which no compression makes smaller.
LARGE = pngs.png(pngs.Shape(1024, 1024))
Limit = Callable[[], None]


def _env(server: WireServer) -> dict[str, str]:
    # A module that is compiled anew would be cut off by some limits.
    key = {"WISDOM_GATE_KEY": "sk-of-a-test-0123456789", "PYTHONDONTWRITEBYTECODE": "1"}
    return {"NB_BASE_URL": server.url, **key}


def _limit(name: str, value: int) -> Limit:
    import resource

    return lambda: resource.setrlimit(getattr(resource, f"RLIMIT_{name}"), (value, value))


def _kept() -> list[Path]:
    """All images and replies, wherever they are."""
    places = (Path(), Path("~/.local/state").expanduser())
    kinds = (".png", ".jpg", ".webp", ".json")
    return [path for place in places for path in place.rglob("*") if path.suffix in kinds]


@on_linux
@pytest.mark.parametrize(
    ("name", "value", "image"),
    [
        ("AS", 300_000 << 10, picture()),
        ("AS", 300_000 << 10, LARGE),
        ("NOFILE", 16, picture()),
        ("NOFILE", 16, LARGE),
    ],
)
def test_every_image_is_made(nb_process: NbProcess, name: str, value: int, image: bytes) -> None:
    with WireServer(Answer(body=made(image).body, delay=0.05)) as server:
        process = nb_process.start(
            *("generate", "fox", "-n", "16"), env=_env(server), preexec_fn=_limit(name, value)
        )
        with process:
            out, err = process.communicate(timeout=60)
        assert (process.returncode, len(server.requests)) == (0, 16), err.decode()
    for path in out.decode().split():
        verify(Path(path).read_bytes())
    assert len(_kept()) == 16


# So many threads are all there are, as under `ulimit -u`, which root is exempt from.
_FEW_THREADS = """
import sys, threading
from nanobanana_cli.__main__ import entry

def start(*arguments):
    if threading.active_count() + len(threading._limbo) > most:
        raise RuntimeError("can't start new thread")
    return real(*arguments)

most = int(sys.argv.pop(1))
real, threading._start_new_thread = threading._start_new_thread, start
entry()
"""


@pytest.mark.parametrize("command", ["generate", "caption", "batch"])
def test_fewer_threads_than_asked_for_do(command: str) -> None:
    names = [f"{number}.png" for number in range(16)]
    Path("in").mkdir()
    for name in names:
        Path("in", name).write_bytes(picture())
    Path("m.txt").write_text("\n".join(names))
    argv = {
        "generate": ("fox", "-n", "16"),
        "caption": (*(f"in/{name}" for name in names), "--write"),
        "batch": ("m.txt",),
    }[command]
    with WireServer(drawn("A fox.")) as server:
        env = _env(server)
        with python.start(
            _FEW_THREADS,
            "8",
            command,
            *argv,
            env=env,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        ) as process:
            out, err = process.communicate(timeout=60)
        assert (process.returncode, len(server.requests)) == (0, 16), err.decode()
    assert len(out.splitlines()) == 16


def test_without_any_thread_nothing_is_sent() -> None:
    with WireServer(made()) as server:
        with python.start(
            _FEW_THREADS,
            *("1", "generate", "fox"),
            env=_env(server),
            stderr=subprocess.PIPE,
        ) as process:
            _, err = process.communicate(timeout=60)
        assert (process.returncode, server.requests) == (5, [])
    assert err.decode().splitlines() == [
        "nb: the system starts no more threads",
        "hint: raise the limit: `ulimit -u`, `ulimit -v`",
        "Not charged.",
    ]


@pytest.mark.parametrize(
    ("argv", "langs"),
    [
        (("generate", "fox", "-n", "2"), [None, None]),
        (("caption", "a.png", "b.png", "--lang", "de,en"), ["de", "en"] * 2),
    ],
)
def test_without_any_thread_each_result_has_its_line(
    argv: tuple[str, ...], langs: list[str | None]
) -> None:
    for name in ("a.png", "b.png"):
        Path(name).write_bytes(picture(color="red" if name == "a.png" else "blue"))
    with WireServer(made()) as server:
        with python.start(
            _FEW_THREADS,
            *("1", *argv, "--json"),
            env=_env(server),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        ) as process:
            out, err = process.communicate(timeout=60)
        assert (process.returncode, server.requests) == (5, [])
    lines = [json.loads(line) for line in out.splitlines()]
    assert [line.get("lang") for line in lines] == langs
    assert {(line["error"]["kind"], line["error"]["charged"]) for line in lines} == {
        ("unreachable", "no")
    }
    assert err.decode().splitlines()[-1] == "Not charged."


_LITTLE_MEMORY = """
import resource
from nanobanana_cli.__main__ import entry
resource.setrlimit(resource.RLIMIT_AS, (160 << 20, 160 << 20))
entry()
"""


@on_linux
@pytest.mark.parametrize(
    "argv",
    [
        ("generate", "fox", "-i", "-", "-o", "night.png"),
        ("generate", "fox", "-i", "/dev/stdin", "-o", "night.png"),
        ("extract", "-", "-o", "night.png"),
        ("extract", "/dev/stdin", "-o", "night.png"),
    ],
)
def test_a_pipe_takes_as_much_memory_as_comes(argv: tuple[str, ...]) -> None:
    image = picture(1024, 1024)
    with (
        WireServer(made(image)) as server,
        python.start(
            _LITTLE_MEMORY,
            *argv,
            env=_env(server),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        ) as process,
    ):
        _, err = process.communicate(image if "fox" in argv else made(image).body, timeout=60)
    assert (process.returncode, Path("night.png").exists()) == (0, True), err.decode()


def _run_while_nb_goes_away(
    tmp_path: Path, server: WireServer, *argv: str, after: float = 0.0
) -> tuple[int, str]:
    """Run a copy of `nb` that is moved away so many seconds after the first request came."""
    shutil.copytree(ROOT / "nanobanana_cli", tmp_path / "lib" / "nanobanana_cli")
    env = {**_env(server), "PYTHONPATH": str(tmp_path / "lib")}
    with python.start(
        "from nanobanana_cli.__main__ import entry; entry()",
        *argv,
        env=env,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        while not server.requests:
            time.sleep(0.001)
        time.sleep(after)
        (tmp_path / "lib").rename(tmp_path / "gone")
        _, err = process.communicate(timeout=60)
    return process.returncode, err.decode()


@pytest.mark.parametrize(
    ("argv", "answer"),
    [
        (("generate", "fox", "-n", "2", "--alt"), drawn("A fox.", picture(1024, 1024))),
        (("generate", "fox", "-o", "fox.webp"), made()),
        (("generate", "fox", "-o", "fox.png", "--json"), made()),
        (("caption", "in.png", "--write"), drawn("A fox.", picture())),
        (("batch", "m.txt"), made()),
        (("batch", "m.txt", "--format", "webp", "--gallery", "g.html"), made()),
    ],
)
def test_an_upgrade_during_the_call_costs_nothing(
    tmp_path: Path, argv: tuple[str, ...], answer: Answer
) -> None:
    Path("in.png").write_bytes(picture())
    Path("m.txt").write_text("a fox\nan owl\n")
    with WireServer(Answer(body=answer.body, delay=0.5)) as server:
        code, err = _run_while_nb_goes_away(tmp_path, server, *argv)
    assert (code, "nb: " in err) == (0, False), err


@pytest.mark.parametrize(
    ("argv", "image_format"),
    [(("generate", "fox", "-o", "fox.png"), "JPEG"), (("batch", "m.txt"), "WEBP")],
)
def test_what_few_images_need_is_loaded_as_the_service_draws(
    tmp_path: Path, argv: tuple[str, ...], image_format: str
) -> None:
    Path("m.txt").write_text("a fox\nan owl\n")
    image = picture(1024, 1024, image_format)
    with WireServer(Answer(body=made(image).body, delay=1.5)) as server:
        code, err = _run_while_nb_goes_away(tmp_path, server, *argv, after=1.0)
    assert (code, "nb: " in err) == (0, False), err


_NO_PILLOW = """
import sys
from nanobanana_cli.__main__ import entry
sys.modules["PIL"] = None
entry()
"""


def _ended(script: str, answer: Answer, *argv: str) -> tuple[int, str]:
    """Run a script against a server; return its status and stderr."""
    with (
        WireServer(answer) as server,
        python.start(
            *(script, *argv),
            env=_env(server),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        ) as process,
    ):
        _, err = process.communicate(timeout=60)
    return process.returncode, err.decode()


def test_what_a_missing_part_would_convert_is_kept_as_it_came() -> None:
    answer = made(picture(1024, 1024, "JPEG"))
    code, err = _ended(_NO_PILLOW, answer, "generate", "fox", "-o", "fox.png")
    assert (code, err.splitlines()[-1]) == (6, "May have been charged.")
    (path,) = _kept()
    assert f"hint: the reply was kept: nb extract {path}\n" in err


def test_what_no_part_can_check_is_kept_where_replies_are_not(nb_process: NbProcess) -> None:
    assert nb_process("config", "set", "keep-replies", "false").code == 0
    Path("m.txt").write_text("a fox\nan owl\n")
    image = picture(1024, 1024, "WEBP")
    # Of two at once, the second would be told that its part was loaded in part only.
    _, err = _ended(_NO_PILLOW, made(image), "batch", "m.txt", "--concurrency", "1")
    kept = _kept()
    assert {path.name for path in kept} == {"a-fox.webp", "an-owl.webp"}
    assert all(path.read_bytes() == image for path in kept)
    # They have one cause, though a hint of its own each.
    assert "2 × a part of nb cannot be loaded: PIL\n" in err
    for path in kept:
        assert f"  hint: the image was saved as {path}\n" in err


def test_what_comes_with_an_image_that_no_part_can_check_is_told(nb_process: NbProcess) -> None:
    assert nb_process("config", "set", "keep-replies", "false").code == 0
    body = reply(image_part(picture(64, 64, "WEBP"), thoughtSignature="abc"), {"text": "A fox."})
    argv = ("generate", "fox", "--alt", "--chat", "-o", "fox.png")
    _, err = _ended(_NO_PILLOW, Answer(200, body=body), *argv)
    chat, image = sorted(_kept())
    assert json.loads(chat.read_bytes())["contents"][1]["parts"][1] == {"text": "A fox."}
    assert err.splitlines()[1:-1] == [
        f"hint: the image was saved as {image}",
        "hint: the text was: A fox.",
        f"hint: the conversation was saved as {chat}",
    ]


_NO_MEMORY = """
import sys
from nanobanana_cli.__main__ import entry

reason = sys.argv.pop()

class Loader:
    def find_spec(self, name, path, target=None):
        if name == "PIL":
            raise ImportError(reason, name=name)

sys.meta_path.insert(0, Loader())
entry()
"""


@pytest.mark.parametrize(
    "reason",
    [
        "libjpeg.so.62: failed to map segment from shared object",
        f"libjpeg.so.62: cannot create shared object descriptor: {os.strerror(errno.ENOMEM)}",
    ],
)
@pytest.mark.parametrize(
    "argv",
    [
        ("generate", "fox", "--transparent", "-o", "fox.png"),
        ("caption", "in.jpg"),
        ("caption", "a red fox", "-o", "fox.png"),
    ],
)
def test_a_part_that_finds_no_memory_is_not_taken_for_a_missing_one(
    argv: tuple[str, ...], reason: str
) -> None:
    Path("in.jpg").write_bytes(picture(4000, 3000, "JPEG"))
    answer = made(picture(1024, 1024, "JPEG"), text="A fox.")
    code, told = _ended(_NO_MEMORY, answer, *argv, reason)
    assert code in {6, 10}, told
    assert "there is not enough memory" in told
    assert ("cannot be loaded" in told, "upgrade" in told) == (False, False)
