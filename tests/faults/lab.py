"""The laboratory: `nb` runs as a process of its own against a fault.

A scenario says what is wrong and what must come of it; `faults.judge` looks at what it left.
"""

from __future__ import annotations

import re
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from conftest import NbProcess
from support.connect_proxy import Proxy
from support.replies import image_part, picture, reply
from support.wire_server import Answer, Steps, WireServer

from nanobanana_cli.errors import Charged, ExitCode

# The canary: searched for everywhere after each run.
KEY = "sk-canary-4f9Qx7Zm2vB8nL6cT1wR"
PROMPT = "a red fox"
IMAGE = picture(1024, 1024)
TEXT = "A red fox."
REPLY = reply({"text": TEXT}, image_part(IMAGE))
GOOD = Answer(body=REPLY)
# Bytes; a run takes 40 to 60 MB.
MEMORY = 110 << 20
_LONGEST = 40.0
SENTENCES = {each.sentence for each in Charged}
# What a batch writes beside its images.
RECORDS = re.compile(r"m\.ledger\.jsonl(\.lock)?|\.m\.ledger.*|\.nb\.lock|g\.html")
TEMPORARY = re.compile(r"\.nb-\w+\.tmp")


@dataclass(frozen=True)
class Form:
    """A command in one of its output forms.

    Args:
        argv: the arguments.
        places: the files that it makes in the work folder.
        originals: names of which it makes one more, if it makes them.
        calls: the requests that it makes.
        typed: what is on stdin.
    """

    argv: tuple[str, ...]
    places: tuple[str, ...] = ()
    originals: tuple[str, ...] = ()
    calls: int = 1
    typed: bytes = b""


_GENERATE = ("generate", PROMPT)
FORMS = {
    "file": Form((*_GENERATE, "-o", "fox.png"), ("fox.png",)),
    "folder": Form(_GENERATE, ("a-red-fox.png",)),
    "stdout": Form((*_GENERATE, "-o", "-")),
    "json": Form((*_GENERATE, "-o", "fox.png", "--json"), ("fox.png",)),
    "stdout-json": Form((*_GENERATE, "-o", "-", "--json")),
    "count": Form((*_GENERATE, "-n", "2", "-o", "fox.png"), ("fox-1.png", "fox-2.png"), calls=2),
    "alt": Form((*_GENERATE, "--alt", "-o", "fox.png"), ("fox.png", "fox.alt.txt")),
    "webp": Form((*_GENERATE, "-o", "fox.webp"), ("fox.webp",)),
    "all": Form((*_GENERATE, "--all", "-o", "fox.png"), ("fox.png",)),
    "draw": Form(("caption", PROMPT, "-o", "fox.png"), ("fox.png",)),
    "fit": Form(
        (*_GENERATE, "--fit", "96x48", "--fit", "64x64", "-o", "fox.png"),
        ("fox-96x48.png", "fox-64x64.png"),
    ),
    "transparent": Form(
        (*_GENERATE, "--transparent", "-o", "fox.png"),
        ("fox.png",),
        tuple(f"fox.original.{kind}" for kind in ("png", "jpg", "webp")),
    ),
    "chat": Form((*_GENERATE, "--chat", "-o", "fox.png"), ("fox.png", "fox.chat.json")),
    "caption": Form(("caption", "in.png")),
    "captions": Form(("caption", "in.png", "second.png"), calls=2),
    "beside": Form(("caption", "in.png", "--write"), ("in.alt.txt",)),
    "embed": Form(("caption", "in.png", "--embed"), ("in.png",)),
    "batch": Form(("batch", "m.txt"), ("a-red-fox.png",)),
    "stdin": Form(("generate", "-", "-o", "fox.png"), ("fox.png",), typed=PROMPT.encode()),
    "verbose": Form((*_GENERATE, "-v", "-o", "fox.png"), ("fox.png",)),
    "count-json": Form(
        (*_GENERATE, "-n", "2", "-o", "fox.png", "--json"), ("fox-1.png", "fox-2.png"), calls=2
    ),
    "caption-json": Form(("caption", "in.png", "--json")),
    "batch-json": Form(("batch", "m.txt", "--json"), ("a-red-fox.png",)),
    "gallery": Form(("batch", "m.txt", "--gallery", "g.html"), ("a-red-fox.png",)),
}
CAPTION = ("caption", "captions", "beside", "embed", "caption-json")
BATCH = ("batch", "batch-json", "gallery")
GENERATE = tuple(name for name in FORMS if name not in (*CAPTION, *BATCH, "draw"))
DRAWING = tuple(name for name in FORMS if name not in CAPTION)
# Of an image without a flat background, the original alone is saved.
UNFLAT = {"transparent": {"exit": 10, "charged": "yes", "says": "it was saved as received"}}
# What is free is sent again, after pauses that the tests need not wait for.
_ONCE = dict.fromkeys(BATCH, ("--wait", "0"))
# In a batch, and of several texts, these are about one, and the run is not complete.
_OF_ONE = {7, 9, 10, 11}


@dataclass(frozen=True)
class Outcome:
    """What a run left behind.

    Args:
        code: the exit status; below 0 the signal that killed it.
        out, err: the streams.
        seconds: how long it took.
        memory: the most bytes that it held at once; 0 where the system does not say.
        files: the files in its folders that were not there before, by their path.
        calls: how many requests arrived whole at the configured host.
        lost: what was there before it, or came meanwhile by other hands, and is gone or changed.
    """

    code: int
    out: bytes
    err: str
    seconds: float
    memory: int
    files: Mapping[Path, bytes]
    calls: int
    lost: frozenset[Path]

    @property
    def charge(self) -> str:
        """The last line of stderr if it is a charge line, else ""."""
        last = self.err.splitlines()[-1:]
        return last[0] if last and last[0] in SENTENCES else ""


class Bench:
    """The folders of a run, and the servers around it.

    Attributes:
        server: the configured host, if there is one.
        others: hosts that must never see a request.
        proxy: what is asked to lead to the configured host, if anything.
        noticed: when what a test waits for was there.
        place: the first file that the form makes; the work folder if there is none.
        owned: what is the user's in the work folder; None is a folder, a text what a link says.
        work, home, tmp: the folders.
    """

    def __init__(self, folder: Path, nb: NbProcess) -> None:
        self.folder = folder
        self.work, self.home, self.tmp = (folder / name for name in ("work", "home", "tmp"))
        self.server: WireServer | None = None
        self.others: list[WireServer] = []
        self.proxy: Proxy | None = None
        self.noticed = 0.0
        self.place = self.work
        self.owned: dict[Path, bytes | str | None] = {}
        self._nb = nb
        self.tmp.mkdir()
        (self.work / "in.png").write_bytes(picture(32, 32, color="red"))
        (self.work / "second.png").write_bytes(picture(32, 32, color="blue"))
        (self.work / "m.txt").write_text(f"{PROMPT}\n")

    @property
    def state(self) -> Path:
        return self.home / ".local" / "state" / "nanobanana-wisgate"

    def found(self) -> dict[Path, bytes]:
        """All files in the folders."""
        found: dict[Path, bytes] = {}
        for top in (self.work, self.home, self.tmp):
            for path in top.rglob("*"):
                if path.is_file():
                    found[path] = path.read_bytes()
        return found

    def own(self) -> None:
        """Note what is in the work folder, but for what `nb` writes while it runs."""
        self.owned = {
            path: _content_of(path)
            for path in self.work.rglob("*")
            if not RECORDS.fullmatch(path.name) and not TEMPORARY.fullmatch(path.name)
        }

    def run(
        self,
        *argv: str | Path,
        env: Mapping[str, str | None],
        during: Callable[[Bench, subprocess.Popen[bytes]], bool] = lambda *_: True,
        **options: Any,
    ) -> Outcome:
        """Run `nb`.

        Args:
            argv: the arguments.
            env: variables that lead it here; None unsets one.
            during: called now and then, until it returns True.
            options: for the process.
        """
        before = self.found()
        self.own()
        env = {
            "TMPDIR": str(self.tmp),
            "WISDOM_GATE_KEY": KEY,
            "PYTHONDONTWRITEBYTECODE": "1",
            **env,
        }
        with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
            options = {"stdout": out, "stderr": err, "cwd": self.work, **options}
            began, memory, is_done = time.monotonic(), 0, False
            with self._nb.start(*argv, env=env, **options) as process:
                while process.poll() is None:
                    memory = max(memory, _peak(process.pid))
                    is_done = is_done or during(self, process)
                    if time.monotonic() - began > _LONGEST:
                        process.kill()
                    time.sleep(0.005)
            seconds = time.monotonic() - began
            for stream in (out, err):
                stream.seek(0)
            told = out.read(), err.read().decode("utf-8", "surrogateescape")
        after = {path: data for path, data in self.found().items() if before.get(path) != data}
        calls = len(self.server.requests) if self.server else 0
        lost = frozenset(path for path, what in self.owned.items() if _content_of(path) != what)
        return Outcome(process.returncode, *told, seconds, memory, after, calls, lost)


def _content_of(path: Path) -> bytes | str | None:
    """Return the bytes of a file, what a link says, None for a folder, "" for nothing."""
    if path.is_symlink():
        return str(path.readlink())
    if path.is_dir():
        return None
    return path.read_bytes() if path.exists() else ""


def _peak(pid: int) -> int:
    """Return the most bytes that a process has held so far.

    What `wait4` says in the end includes what the tests' own process held when it forked.
    """
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0
    found = re.search(r"VmHWM:\s+(\d+) kB", status)
    return int(found[1]) << 10 if found else 0


World = Callable[[Bench], AbstractContextManager[Mapping[str, str | None]]]
During = Callable[[Bench, "subprocess.Popen[bytes]"], bool]


@dataclass(frozen=True)
class Scenario:
    """A fault, and what must come of it.

    Args:
        name: a few words.
        exit: the status; of a batch, 3 stands for what is about one row.
        charged: no, maybe or yes: what the charge line says; "" for none.
        script: what the configured host answers.
        image: the picture that it sends, where it sends one; None where a run may save others.
        world: in place of that host; gives the variables that lead there.
        calls: how many requests arrive whole, for each image; None where that is chance.
        says: what stderr must hold.
        argv: options added to the command's.
        env: variables added; None unsets one.
        prepare: called before the run.
        during: called while it runs, until it returns True.
        options: for the process, such as `preexec_fn`, made for the run's bench.
        command: the arguments, in place of the form's.
        kept: what was paid for is kept outside the work folder, and its path told; None if it may.
        has_state: that is in the state folder; else among the temporary files.
        places: the files that the form makes, where they are others.
        made: the form's files are there in spite of the error.
        leaves: further files that may be in the work folder.
        forms: the forms for which it makes sense.
        always: those that are run without --long, beside one of the others by turns; by default
            `file`, or the first.
        differs: the fields that are others in some forms, by the form.
        memory: the most bytes of memory.
        seconds: how long the fault makes it wait.
    """

    name: str
    exit: int
    charged: str = ""
    script: tuple[Answer | Steps, ...] = (GOOD,)
    image: bytes | None = IMAGE
    world: World | None = None
    calls: int | None = 1
    says: str = ""
    argv: tuple[str, ...] = ()
    env: Mapping[str, str | None] = field(default_factory=dict)
    prepare: Callable[[Bench], object] = lambda _: None
    during: During = lambda *_: True
    options: Callable[[Bench], dict[str, Any]] = lambda _: {}
    command: tuple[str, ...] = ()
    kept: bool | None = False
    has_state: bool = True
    places: tuple[str, ...] | None = None
    made: bool = False
    leaves: tuple[str, ...] = ()
    forms: tuple[str, ...] = tuple(FORMS)
    always: tuple[str, ...] = ()
    differs: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    memory: int = MEMORY
    seconds: float = 0.0

    def of(self, form: str) -> Scenario:
        """Return the scenario as it is in a form."""
        usual = {"exit": 3} if form in (*BATCH, "captions") and self.exit in _OF_ONE else {}
        return replace(self, **{**usual, **self.differs.get(form, {})})


@dataclass(frozen=True)
class Row:
    """A kind of fault: a row of the table in `docs/reliability.md`.

    Args:
        key: one word for the tests.
        fault, promise: as the table has them.
        scenarios: what is run.
        elsewhere: tests that hold it too, as pytest names them.
    """

    key: str
    fault: str
    promise: str
    scenarios: tuple[Scenario, ...] = ()
    elsewhere: tuple[str, ...] = ()


def arguments(scenario: Scenario, form: str) -> tuple[str, ...]:
    """Return the command line of a scenario in one form."""
    command = scenario.command or FORMS[form].argv
    if scenario.exit == ExitCode.UNAVAILABLE and "--retries" not in scenario.argv:
        command = (*command, "--retries", "0", *_ONCE.get(form, ()))
    return (*command, *scenario.argv)


def run(bench: Bench, scenario: Scenario, form: str) -> Outcome:
    """Run a scenario in one form."""
    world = scenario.world or _service(scenario.script)
    with world(bench) as env:
        scenario.prepare(bench)
        options = scenario.options(bench)
        env = {**env, **scenario.env, **options.pop("env", {})}
        with tempfile.TemporaryFile() as typed:
            typed.write(FORMS[form].typed)
            typed.seek(0)
            options = {"stdin": typed, "during": scenario.during, **options}
            return bench.run(*arguments(scenario, form), env=env, **options)


def _service(script: tuple[Answer | Steps, ...]) -> World:
    @contextmanager
    def served(bench: Bench) -> Iterator[Mapping[str, str | None]]:
        with WireServer(*script) as bench.server:
            yield {"NB_BASE_URL": bench.server.url}

    return served
