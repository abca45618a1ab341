"""A reader of the documentation, who runs what it shows: with `nb` and the sandbox at hand."""

from __future__ import annotations

import contextlib
import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
from pathlib import Path

from support.pty_run import run_program
from support.texts import save
from support.tools import require

_ROOT = Path(__file__).parents[2]
# The port in the pages' examples; a free one stands in for it.
_PORT = "8080"
_SECONDS = 60


class Reader:
    """Runs the blocks of one page in a folder with a few images.

    Args:
        folder: an empty folder.
    """

    def __init__(self, folder: Path) -> None:
        self._work = folder / "work"
        programs = folder / "bin"
        for each in (self._work, programs, folder / "home"):
            each.mkdir()
        _install(programs)
        self.env = {
            "PATH": f"{programs}:{os.environ['PATH']}",
            "HOME": str(folder / "home"),
            "NB_PROVIDER": "sandbox",
            "LC_ALL": "C.UTF-8",
            # No colour, and nothing that moves.
            "TERM": "dumb",
        }
        with contextlib.chdir(self._work):
            save("fox.png", "forest.jpg", "static/img/fox.png", "static/img/owl.jpg")
            Path("content").mkdir()
            Path("content/index.md").write_text("# Animals\n")
            Path("prompt.txt").write_text("a red fox in the rain\n")
        with socket.create_server(("127.0.0.1", 0)) as server:
            self._port = str(server.getsockname()[1])

    def script(self, text: str) -> tuple[int, str]:
        """Run an `sh` block; return its exit status, and all that it printed."""
        text = text.replace(_PORT, self._port)
        with (
            (self._work.parent / "output").open("w+") as output,
            subprocess.Popen(
                [require("bash"), "-euo", "pipefail", "-c", text],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=self.env,
                cwd=self._work,
                start_new_session=True,
            ) as process,
        ):
            try:
                status = process.wait(_SECONDS)
            finally:
                # What it started with `&` runs on.
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
            output.seek(0)
            return status, output.read()

    def session(self, text: str) -> str:
        """Run the commands of a `console` block on a terminal; return the block as it then is."""
        commands = re.findall(r"^\$ (.*)$", text, re.MULTILINE)
        cut = "\x1e"
        # Not in the foreground, `nb` shows nothing while it waits, however long that is. Bash says
        # what came of a job if job control is on when it ends.
        after = f"__status=$?; printf '{cut}'; set -m; (exit $__status)"
        jobs = (f"{{ {command}\n}} & set +m; wait $!\n{after}\n" for command in commands)
        script = "set -m\n" + "".join(jobs)
        command = [require("bash"), "-c", script.replace(_PORT, self._port)]
        _, screen = run_program(
            command, columns=100, seconds=_SECONDS, env=self.env, cwd=self._work
        )
        # jq colours what it prints, whatever the terminal.
        plain = re.sub(r"\x1b\[[\d;]*m", "", screen)
        outputs = re.sub(r" *\r\n", "\n", plain).replace(self._port, _PORT).split(cut)
        shown = zip(commands, outputs, strict=False)
        return "".join(f"$ {command}\n{output}" for command, output in shown)


def _install(programs: Path) -> None:
    """Put `nb`, and ImageMagick under its present name, into a folder."""
    nb = programs / "nb"
    path = shlex.quote(str(_ROOT))
    nb.write_text(f'#!/bin/sh\nPYTHONPATH={path} exec {sys.executable} -m nanobanana_cli "$@"\n')
    nb.chmod(0o755)
    if shutil.which("magick") is None and (convert := shutil.which("convert")):
        (programs / "magick").symlink_to(convert)
