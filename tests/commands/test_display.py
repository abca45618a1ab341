"""`--preview` and `--open`: images on the terminal and in the desktop's viewer."""

from __future__ import annotations

import base64
import io
import os
import random
import re
import shlex
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import Nb, NbProcess
from PIL import Image, ImageChops, ImageStat
from support.pty_run import run_in_pty, run_program
from support.replies import image_part, picture, reply

_NB = f"{shlex.quote(sys.executable)} -m nanobanana_cli"
_KITTY = {"TERM": "xterm-kitty"}
_ITERM2 = {"TERM_PROGRAM": "iTerm.app"}
_KITTY_IMAGE = re.compile(r"\x1b_Ga=T,f=100,[^\x1b]*\x1b\\(?:\x1b_Gq=2,m=[01];[^\x1b]*\x1b\\)*")
_ITERM2_IMAGE = re.compile(r"\x1b\]1337;File=inline=1;size=(\d+)[^:]*:([^\x07]*)\x07")


def _drawn(screen: str) -> list[Image.Image]:
    """The images on a screen, decoded as a terminal would."""
    parts = [re.findall(r";([^\x1b]*)\x1b\\", each) for each in _KITTY_IMAGE.findall(screen)]
    found = [base64.b64decode("".join(each), validate=True) for each in parts]
    for size, text in _ITERM2_IMAGE.findall(screen):
        found.append(base64.b64decode(text, validate=True))
        assert len(found[-1]) == int(size)
    return [Image.open(io.BytesIO(each), formats=["PNG"]) for each in found]


def _text(screen: str) -> str:
    """What else is on it: lines, without colours and what was written over."""
    plain = _ITERM2_IMAGE.sub("IMAGE", _KITTY_IMAGE.sub("IMAGE", screen))
    plain = re.sub(r"\x1b\[[?0-9;]*[A-Za-z]", "", plain).replace("\r\n", "\n")
    return re.sub(r"[^\n]*\r", "", plain)


def _shows(image: Image.Image, path: str | Path) -> bool:
    """True if an image is a smaller copy of a file."""
    with Image.open(path) as whole:
        expected = whole.convert("RGB").resize(image.size, Image.Resampling.BICUBIC)
    difference = ImageChops.difference(image.convert("RGB"), expected)
    return max(ImageStat.Stat(difference).mean) < 2


@pytest.fixture
def use(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Sets variables; the sandbox is the provider."""
    monkeypatch.setenv("NB_PROVIDER", "sandbox")

    def set_all(**variables: str) -> None:
        for name, value in variables.items():
            monkeypatch.setenv(name, value)

    return set_all


class TestPreview:
    @pytest.mark.parametrize(
        ("env", "name"),
        [
            (_KITTY, "fox.png"),
            (_ITERM2, "fox.jpg"),
            ({"KONSOLE_VERSION": "221203"}, "fox.webp"),
        ],
    )
    def test_the_image_is_drawn_below_its_path(
        self, use: Callable[..., None], env: dict[str, str], name: str
    ) -> None:
        use(**env)
        options = ("-a", "16:9", "--preview", "-o", name)
        status, screen = run_in_pty("generate", "a red fox", *options)
        (image,) = _drawn(screen)
        assert (status, image.size) == (0, (512, 286))
        assert _shows(image, name)
        assert re.search(rf"{name}  1376×768 [^\n]*\nIMAGE\n", _text(screen))

    def test_a_job_in_the_background_draws_nothing(self, use: Callable[..., None]) -> None:
        use(**_KITTY)
        line = f"set -m; {sys.executable} -m nanobanana_cli generate fox --preview & wait; jobs"
        status, screen = run_program(["bash", "-c", line])
        assert (status, _drawn(screen)) == (0, [])
        assert Path("fox.png").exists()

    def test_each_of_several_is_drawn(self, use: Callable[..., None]) -> None:
        use(**_KITTY, NB_PREVIEW="true")
        status, screen = run_in_pty("generate", "a red fox", "-n", "3")
        paths = re.findall(r"(a-red-fox\S*)  1024[^\n]*\nIMAGE\n", _text(screen))
        assert (status, len(set(paths))) == (0, 3)
        for image, path in zip(_drawn(screen), paths, strict=True):
            assert _shows(image, path)

    @pytest.mark.parametrize(
        ("window", "side"), [("rows 40 cols 40", 320), ("rows 10 cols 80", 112), ("cols 0", 512)]
    )
    def test_an_image_fits_on_the_terminal(
        self, use: Callable[..., None], window: str, side: int
    ) -> None:
        use(**_KITTY)
        script = f"stty {window}; {_NB} generate 'a red fox' --preview"
        _, screen = run_program(["sh", "-c", script])
        assert [image.size for image in _drawn(screen)] == [(side, side)]

    def test_an_image_on_stdout_is_drawn_too(self, use: Callable[..., None]) -> None:
        use(**_ITERM2)
        script = f"{_NB} generate 'a red fox' -o - --preview | cat > fox.png"
        status, screen = run_program(["sh", "-c", script])
        assert (status, *[_shows(image, "fox.png") for image in _drawn(screen)]) == (0, True)

    def test_what_is_there_already_is_drawn(self, use: Callable[..., None]) -> None:
        use(**_KITTY)
        Path("fox.png").write_bytes(picture(300, 200))
        command = ("generate", "a red fox", "-o", "fox.png", "--skip-existing", "--preview")
        status, screen = run_in_pty(*command)
        assert (status, *[_shows(image, "fox.png") for image in _drawn(screen)]) == (0, True)

    def test_with_a_text_and_out_of_a_reply(self, use: Callable[..., None]) -> None:
        use(**_KITTY, NB_PREVIEW="1")
        _, screen = run_in_pty("caption", "a red fox", "-o", "fox.png")
        assert [_shows(image, "fox.png") for image in _drawn(screen)] == [True]
        Path("response.json").write_bytes(reply(image_part(picture(300, 200))))
        for name in ("response.png", "response-2.png"):
            status, screen = run_in_pty("extract", "response.json")
            assert (status, *[_shows(each, name) for each in _drawn(screen)]) == (0, True)
        Path("nb.toml").write_text("preview = 7\n")
        assert run_in_pty("extract", "response.json", "-o", "a.png")[0] == 0
        assert run_in_pty("extract", "response.json", "-o", "b.png", "--preview")[0] == 2

    def test_what_is_too_much_for_a_sequence_is_drawn_smaller(
        self, use: Callable[..., None]
    ) -> None:
        use(**_ITERM2)
        buffer = io.BytesIO()
        Image.frombytes("RGB", (512, 512), random.Random(1).randbytes(3 << 18)).save(buffer, "PNG")
        Path("response.json").write_bytes(reply(image_part(buffer.getvalue())))
        _, screen = run_in_pty("extract", "response.json", "--preview")
        assert [image.size for image in _drawn(screen)] == [(256, 256)]

    def test_what_cannot_be_drawn_is_told(self, use: Callable[..., None]) -> None:
        use(**_KITTY)
        Path("fox.png").write_bytes(picture())
        program = (
            "import io, os, sys; from pathlib import Path\n"
            "from nanobanana_cli.commands.display import ImageDisplay\n"
            "from nanobanana_cli.settings import load\n"
            "from nanobanana_cli.types import ContentRequest, Result\n"
            "from nanobanana_cli.ui.terminal import Terminal\n"
            "settings = load(os.environ, Path.cwd(), {'preview': 'true'})\n"
            "with ImageDisplay(settings, Terminal.of_process(), None) as display:\n"
            "    Path('fox.png').write_bytes(b'changed meanwhile')\n"
            "    display.show(Result('written', ContentRequest('x', 'm'), 'sandbox', 'fox.png'))\n"
        )
        status, screen = run_program([sys.executable, "-c", program])
        assert status == 0
        assert _text(screen).startswith("note: cannot draw fox.png: ")
        assert "defect" not in screen

    @pytest.mark.parametrize(
        ("variables", "options"),
        [
            ({}, ["-q"]),
            ({}, ["--no-preview"]),
            ({"CI": "true"}, []),
            ({"TMUX": "/tmp/tmux,1,0"}, []),
            ({"TERM": "dumb"}, []),
            ({"TERM": "xterm-256color"}, []),
            ({"NB_PREVIEW": "false"}, []),
            ({}, ["--dry-run"]),
        ],
    )
    def test_where_nothing_is_drawn(
        self, use: Callable[..., None], variables: dict[str, str], options: list[str]
    ) -> None:
        use(**{**_KITTY, "NB_PREVIEW": "true", **variables})
        status, screen = run_in_pty("generate", "a red fox", *options)
        assert (status, _drawn(screen)) == (0, [])
        assert "\x1b_" not in screen
        assert "note:" not in screen

    @pytest.mark.parametrize(
        ("variables", "why"),
        [
            (
                {"TERM": "xterm"},
                "it needs kitty, Ghostty, iTerm2, WezTerm or Konsole, without tmux",
            ),
            ({"CI": "true"}, "CI is set"),
        ],
    )
    def test_the_option_says_why_nothing_is_drawn(
        self, use: Callable[..., None], variables: dict[str, str], why: str
    ) -> None:
        use(**{**_KITTY, **variables})
        status, screen = run_in_pty("generate", "a red fox", "--preview", columns=120)
        assert (status, _drawn(screen)) == (0, [])
        assert f"note: --preview draws nothing: {why}\n" in _text(screen)

    def test_never_in_a_pipe(self, nb: Nb, use: Callable[..., None]) -> None:
        use(**_KITTY)
        run = nb("generate", "a red fox", "--preview")
        assert run.code == 0
        first = run.err.splitlines()[0]
        assert first == "note: --preview draws nothing: stderr is not a terminal"
        assert "\x1b" not in run.err
        assert "note" not in nb("generate", "a red fox", env={"NB_PREVIEW": "true"}).err
        assert nb("generate", "a red fox", "--preview", "-q").err == ""


@pytest.fixture
def opener(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, use: Callable[..., None]
) -> Callable[..., Path]:
    """Installs an `xdg-open` that notes what it is given, then runs a line of shell."""
    log, programs = tmp_path / "opened", tmp_path / "programs"
    programs.mkdir()

    def install(script: str = "exit 0") -> Path:
        program = programs / "xdg-open"
        program.write_text(
            f'#!/bin/sh\nprintf "%s\\n" "$#" "$1" >> "{log}"\n'
            'streams="$(readlink /proc/$$/fd/0 /proc/$$/fd/1 /proc/$$/fd/2)"\n'
            f'echo "$streams" > "{log}.streams"\n'
            f'ps -o sid= -p $$ > "{log}.session"; echo noise; echo noise >&2\n{script}\n'
        )
        program.chmod(0o755)
        return log

    monkeypatch.setenv("PATH", f"{programs}:{os.environ['PATH']}")
    use(DISPLAY=":99")
    return install


def _opened(log: Path, count: int = 1) -> list[str]:
    """What the opener was given, one argument each; it may still be at work."""
    end = time.monotonic() + 10
    while time.monotonic() < end:
        lines = log.read_text().splitlines() if log.exists() else []
        if len(lines) >= 2 * count:
            break
        time.sleep(0.02)
    assert lines[::2] == ["1"] * count
    return lines[1::2]


class TestOpen:
    @pytest.mark.parametrize("name", ["fox.png", "-fox.png", "a %41 #1?.png", "file:fox.png"])
    def test_the_file_is_opened_by_its_whole_path(
        self, nb: Nb, opener: Callable[..., Path], name: str
    ) -> None:
        log = opener()
        run = nb("generate", "a red fox", "--open", f"--output={name}")
        assert (run.code, run.out) == (0, f"{name}\n")
        assert "noise" not in run.err
        assert "note" not in run.err
        assert _opened(log) == [str(Path(name).absolute())]

    def test_the_viewer_lives_apart_from_the_terminal(
        self, nb_process: NbProcess, opener: Callable[..., Path]
    ) -> None:
        log = opener()
        run = nb_process("generate", "a red fox", "--open")
        assert run.code == 0
        _opened(log)
        assert Path(f"{log}.streams").read_text().split() == ["/dev/null"] * 3
        assert int(Path(f"{log}.session").read_text()) != os.getsid(0)

    def test_one_that_does_not_end_holds_nothing_up(
        self, nb_process: NbProcess, opener: Callable[..., Path]
    ) -> None:
        log = opener("exec sleep 30")
        began = time.monotonic()
        with nb_process.start("generate", "a red fox", "--open") as process:
            out, err = process.communicate(timeout=20)
        assert (process.returncode, out) == (0, b"a-red-fox.png\n")
        assert time.monotonic() - began < 15
        assert b"note" not in err
        os.kill(int(Path(f"{log}.session").read_text()), 9)

    def test_ctrl_c_ends_the_wait_for_it_alone(self, opener: Callable[..., Path]) -> None:
        log = opener("sleep 0.8; kill -INT $PPID; exec sleep 30")
        status, screen = run_in_pty("generate", "a red fox", "--open")
        assert status == 0
        assert "SIGINT" not in screen
        os.kill(int(Path(f"{log}.session").read_text()), 9)

    def test_one_that_fails_is_told_and_changes_no_status(
        self, nb: Nb, opener: Callable[..., Path]
    ) -> None:
        opener("exit 3")
        run = nb("generate", "a red fox", "--open", "-o", "fox.png")
        assert (run.code, run.out) == (0, "fox.png\n")
        assert "\nnote: cannot open fox.png: xdg-open ended with status 3\n" in run.err

    @pytest.mark.parametrize(
        ("name", "value", "why"),
        [
            ("PATH", "/nowhere", "xdg-open is not installed"),
            ("DISPLAY", "", "there is no desktop here"),
        ],
    )
    def test_what_is_missing_is_told(
        self, nb: Nb, opener: Callable[..., Path], name: str, value: str, why: str
    ) -> None:
        log = opener()
        run = nb("generate", "a red fox", "--open", "-n", "2", env={name: value})
        assert (run.code, run.err.count("note:"), log.exists()) == (0, 1, False)
        assert re.search(rf"note: cannot open a-red-fox\S*: {why}\n", run.err)

    def test_ten_of_many(self, nb: Nb, opener: Callable[..., Path]) -> None:
        log = opener()
        run = nb("generate", "a red fox", "--open", "-n", "12", "-s", "0.5K")
        assert "note: opened the first 10 of 12 images\n" in run.err
        assert len(set(_opened(log, 10))) == 10

    def test_with_quiet_skipped_extracted_and_a_text(
        self, nb: Nb, opener: Callable[..., Path]
    ) -> None:
        log = opener()
        Path("fox.png").write_bytes(picture())
        Path("response.json").write_bytes(reply(image_part(picture())))
        assert nb("generate", "x", "-o", "fox.png", "--skip-existing", "--open", "-q").err == ""
        assert nb("extract", "response.json", "--open").code == 0
        assert nb("caption", "an owl", "-o", "owl.png", "--open", "--json").code == 0
        expected = [str(Path(each).absolute()) for each in ("fox.png", "response.png", "owl.png")]
        assert _opened(log, 3) == expected

    def test_nothing_is_opened_that_is_not_there(self, nb: Nb, opener: Callable[..., Path]) -> None:
        log = opener()
        assert nb("generate", "[[fault:safety]] fox", "--open").code == 9
        assert nb("generate", "a red fox", "--open", "--dry-run").code == 0
        run = nb("generate", "a red fox", "--open", "-o", "-")
        assert (run.code, run.raw) == (2, b"")
        assert run.err == (
            "nb: -o - leaves no file that --open could open\nhint: name a file: -o fox.png\n"
        )
        assert not log.exists()

    def test_what_is_configured_is_for_a_terminal(
        self, nb: Nb, opener: Callable[..., Path], use: Callable[..., None]
    ) -> None:
        log = opener()
        use(NB_OPEN="true")
        assert nb("generate", "a red fox", "-o", "a.png").code == 0
        assert run_in_pty("generate", "a red fox", "-o", "b.png", "--no-open")[0] == 0
        assert run_in_pty("generate", "a red fox", "-o", "c.png")[0] == 0
        use(CI="1")
        assert run_in_pty("generate", "a red fox", "-o", "d.png")[0] == 0
        assert run_in_pty("generate", "a red fox", "-o", "e.png", "--open")[0] == 0
        assert nb("generate", "a red fox", "-o", "-").code == 0
        assert [Path(each).name for each in _opened(log, 2)] == ["c.png", "e.png"]


@pytest.mark.parametrize("option", ["--open", "--preview"])
def test_existing_images_and_batches_take_neither(nb: Nb, option: str) -> None:
    Path("fox.png").write_bytes(picture())
    run = nb("caption", "fox.png", option)
    assert (run.code, run.err.splitlines()[0]) == (
        2,
        f"nb: {option} is for making an image, and fox.png exists already",
    )
    assert nb("batch", "images.toml", option).code == 2


@pytest.mark.parametrize("setting", ["open", "preview"])
def test_they_are_settings(nb: Nb, setting: str) -> None:
    assert nb("config", "get", setting).out == "false\n"
    assert nb("config", "set", setting, "true").code == 0
    assert nb("config", "get", setting).out == "true\n"
    assert nb("config", "set", setting, "maybe").code == 2
