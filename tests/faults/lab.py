"""The laboratory: `nb` runs as a process of its own against a fault, and one judge looks at it.

A scenario says what is wrong and what must come of it. `judge` checks that, and what every run
promises: no traceback; a charge line that fits; files whole or absent, nothing left over; the key
nowhere but in its header; what is paid for kept; memory and time within bounds.
"""

from __future__ import annotations

import base64
import json
import os
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
from support.wire_server import Answer, Send, Steps, WireServer

from nanobanana_cli.errors import Charged, ExitCode
from nanobanana_cli.images.formats import DamagedImage, verify

# The canary: searched for everywhere after each run.
KEY = "sk-canary-4f9Qx7Zm2vB8nL6cT1wR"
PROMPT = "a red fox"
IMAGE = picture(1024, 1024)
TEXT = "A red fox."
REPLY = reply({"text": TEXT}, image_part(IMAGE))
GOOD = Answer(body=REPLY)
# One of these is in each reply that is kept.
_OF_REPLIES = (b"inlineData", b"fileData", b"https:", TEXT.encode(), TEXT.encode()[:-3])
# Bytes; a run takes 40 to 60 MB.
MEMORY = 110 << 20
# Seconds that a run may take beside what its scenario makes it wait: machines are busy.
_SLACK = 20.0
_LONGEST = 40.0
_STOPPED = (ExitCode.HANGUP, ExitCode.INTERRUPT, ExitCode.TERMINATED)
_SENTENCES = {each.sentence for each in Charged}
# C0 and C1 controls, bidirectional marks, line separators.
_CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")
# What a batch writes beside its images.
_RECORDS = re.compile(r"m\.ledger\.jsonl(\.lock)?|\.m\.ledger.*|\.nb\.lock|g\.html")
_TEMPORARY = re.compile(r"\.nb-\w+\.tmp")
# The key as it is, in part, and in the encodings that services and libraries use.
_CANARIES = (
    KEY.encode(),
    KEY[10:22].encode(),
    KEY.encode("utf-16-le"),
    KEY.encode().hex().encode(),
    KEY.encode().hex().upper().encode(),
    # Without the characters that hold bytes beside it.
    *(base64.b64encode(bytes(at) + KEY.encode())[(0, 2, 3)[at] : -4] for at in range(3)),
)
# What tells paths on stdout, and nothing else.
_NAMING = ("file", "folder", "count", "webp", "all", "fit", "chat", "stdin", "verbose")
# What is saved of an image as it came.
_AS_RECEIVED = ("file", "folder", "json", "count", "alt", "all", "draw", "chat", "stdin", "batch")


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
# What is asked for a text tells it, wherever the text could not be put.
_TEXTS = (*CAPTION, "alt", "draw")


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
        return last[0] if last and last[0] in _SENTENCES else ""


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
            if not _RECORDS.fullmatch(path.name) and not _TEMPORARY.fullmatch(path.name)
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


def check(bench: Bench, scenario: Scenario, form: str) -> None:
    """Run a scenario in one form, and fail with the promises that it breaks."""
    scenario = scenario.of(form)
    bench.place = bench.work.joinpath(*FORMS[form].places[:1])
    outcome = _run(bench, scenario, form)
    found = _broken(bench, scenario, form, outcome)
    assert not found, f"{found}\n{outcome.err}\n{outcome.out[:500]!r}"


def _run(bench: Bench, scenario: Scenario, form: str) -> Outcome:
    world = scenario.world or _service(scenario.script)
    with world(bench) as env:
        scenario.prepare(bench)
        options = scenario.options(bench)
        env = {**env, **scenario.env, **options.pop("env", {})}
        command = scenario.command or FORMS[form].argv
        if scenario.exit == ExitCode.UNAVAILABLE and "--retries" not in scenario.argv:
            command = (*command, "--retries", "0", *_ONCE.get(form, ()))
        with tempfile.TemporaryFile() as typed:
            typed.write(FORMS[form].typed)
            typed.seek(0)
            options = {"stdin": typed, "during": scenario.during, **options}
            return bench.run(*command, *scenario.argv, env=env, **options)


def _service(script: tuple[Answer | Steps, ...]) -> World:
    @contextmanager
    def served(bench: Bench) -> Iterator[Mapping[str, str | None]]:
        with WireServer(*script) as bench.server:
            yield {"NB_BASE_URL": bench.server.url}

    return served


def _broken(bench: Bench, scenario: Scenario, form: str, outcome: Outcome) -> list[str]:
    """Return the promises that a run has broken, in words."""
    found = [
        *_status(scenario, form, outcome),
        *_calls(scenario, form, outcome),
        *_streams(bench, form, outcome),
        *_files(bench, scenario, form, outcome),
        *_secrecy(bench, outcome),
    ]
    if form in _TEXTS and scenario.charged == "yes" and scenario.kept is not None:
        told = [outcome.out, outcome.err.encode(), *outcome.files.values()]
        if not any(TEXT.encode() in each for each in told):
            found.append("the text is lost")
    if outcome.memory > scenario.memory:
        found.append(f"it took {outcome.memory >> 20} MB of memory")
    if outcome.seconds > scenario.seconds + _SLACK:
        found.append(f"it took {outcome.seconds:.1f} s")
    return found


def _status(scenario: Scenario, form: str, outcome: Outcome) -> Iterator[str]:
    if outcome.code != scenario.exit:
        yield f"exit {outcome.code}, not {scenario.exit}"
    expected = Charged(scenario.charged).sentence if scenario.charged else ""
    if outcome.charge != expected:
        yield f"charge line {outcome.charge!r}, not {expected!r}"
    if sum(line in _SENTENCES for line in outcome.err.splitlines()) > max(
        bool(expected), len(FORMS[form].places) if form == "fit" else FORMS[form].calls
    ):
        yield "several charge lines"
    is_told = re.search(r"^nb: \S", outcome.err, re.MULTILINE) is not None
    if outcome.code not in (0, ExitCode.OUTPUT_CLOSED) and not is_told:
        yield "no line tells the error"
    if "Traceback" in outcome.err or "a defect in nb" in outcome.err:
        yield "a traceback or a defect"
    if "Warning:" in outcome.err:
        yield "a library's warning"
    if scenario.says not in outcome.err:
        yield f"it does not say {scenario.says!r}"


def _calls(scenario: Scenario, form: str, outcome: Outcome) -> Iterator[str]:
    if scenario.calls is None:
        return
    # What ends a run ends it before the second call, or after.
    fewest = scenario.calls * (FORMS[form].calls if not outcome.code else 1)
    if not fewest <= outcome.calls <= scenario.calls * FORMS[form].calls:
        yield f"{outcome.calls} requests arrived"


def _streams(bench: Bench, form: str, outcome: Outcome) -> Iterator[str]:
    if _CONTROLS.search(outcome.err):
        yield "control characters on stderr"
    if form.startswith("stdout"):
        if outcome.out and not _is_whole(outcome.out):
            yield "stdout has an image that is not whole"
        if bool(outcome.out) is not (outcome.code == 0):
            yield "stdout and the exit status disagree"
    elif _CONTROLS.search(outcome.out.decode("utf-8", "surrogateescape")):
        yield "control characters on stdout"
    if form in _NAMING and outcome.code == 0:
        yield from _named(bench, outcome)
    # A signal ends the run, not one of its results.
    is_told = outcome.code not in (ExitCode.USAGE, ExitCode.OUTPUT_CLOSED, *_STOPPED)
    if form.endswith("json") and is_told and "cannot write to stdout" not in outcome.err:
        told = outcome.err.encode() if form.startswith("stdout") else outcome.out
        yield from _json_lines(form, outcome, told)


def _named(bench: Bench, outcome: Outcome) -> Iterator[str]:
    """Judge the paths on stdout: those of the images, each on a line."""
    lines = outcome.out.decode("utf-8", "surrogateescape").splitlines()
    told = [bench.work / line for line in lines]
    made = [path for path in outcome.files if path.parent.is_relative_to(bench.work)]
    images = [path for path in made if path.suffix in (".png", ".webp")]
    if {*map(Path.resolve, told)} != {*map(Path.resolve, images)}:
        yield f"stdout names {told}, but there are {images}"


def _json_lines(form: str, outcome: Outcome, told: bytes) -> Iterator[str]:
    """Judge the JSON lines: one for each result, and together they say what the status says."""
    lines = [json.loads(line) for line in told.splitlines() if line.startswith(b"{")]
    # What ends a batch is about none of its rows.
    fewest = int(form not in BATCH or outcome.code in (0, 3))
    if not fewest <= len(lines) <= FORMS[form].calls:
        yield f"{len(lines)} JSON lines"
        return
    errors = [line["error"] for line in lines if line.get("error")]
    code = max((error["code"] for error in errors), default=0)
    if lines and outcome.code not in ((3, code) if form in BATCH and errors else (code,)):
        yield f"exit {outcome.code}, but JSON says {errors}"
    charges = {Charged(error["charged"]).sentence for error in errors}
    if charges and outcome.charge not in charges:
        yield f"{outcome.charge!r}, but JSON says {charges}"


def _files(bench: Bench, scenario: Scenario, form: str, outcome: Outcome) -> Iterator[str]:
    here = {path for path in outcome.files if path.is_relative_to(bench.work)}
    names = FORMS[form].places if scenario.places is None else scenario.places
    places = {bench.work / name for name in names}
    originals = {bench.work / name for name in FORMS[form].originals}
    allowed = places | originals | {bench.work / name for name in scenario.leaves}
    for path, data in outcome.files.items():
        yield from _content(path, data)
        is_own = path.suffix == ".png" and form in _AS_RECEIVED and path not in bench.owned
        if is_own and data != IMAGE and _is_known(scenario):
            yield f"{path} is another image"
    for path in here - allowed:
        if not (form in BATCH and _RECORDS.fullmatch(path.name)):
            yield f"{path} is unexpected"
    is_made = scenario.made or outcome.code == 0
    if is_made and not places <= here:
        yield f"missing: {sorted(places - here)}"
    if is_made and len(originals & here) != bool(originals):
        yield f"originals: {sorted(originals & here)}"
    if not is_made and places & here - {bench.work / name for name in scenario.leaves}:
        yield f"there in spite of the error: {sorted(places & here)}"
    yield from _lost(bench, scenario, form, outcome)
    yield from _elsewhere(bench, scenario, outcome)


def _lost(bench: Bench, scenario: Scenario, form: str, outcome: Outcome) -> Iterator[str]:
    """Judge what was not nb's: it is as it was, unless that was asked for."""
    replaced: set[str] = {*scenario.leaves} if "--force" in scenario.argv else set()
    if form == "embed" and outcome.code == 0:
        replaced = {*FORMS[form].places}
    for path in outcome.lost - {bench.work / name for name in replaced}:
        yield f"{path} is gone, or another"


def _content(path: Path, data: bytes) -> Iterator[str]:
    if path.suffix in (".png", ".webp", ".jpg") and not _is_whole(data):
        yield f"{path} is not whole"
    if path.suffix == ".txt" and _CONTROLS.search(data.decode()):
        yield f"control characters in {path}"
    if _CONTROLS.search(path.name):
        yield f"control characters in the name {path}"
    if _TEMPORARY.fullmatch(path.name):
        yield f"{path} is left over"


def _elsewhere(bench: Bench, scenario: Scenario, outcome: Outcome) -> Iterator[str]:
    """Judge what is outside the work folder: what was paid for, and the log of calls."""
    files = {path for path in outcome.files if not path.is_relative_to(bench.work)}
    for path in files:
        if path.stat().st_mode & 0o77 or path.parent.stat().st_mode & 0o77:
            yield f"others may read {path}"
    kept = {path for path in files if not path.name.startswith("log.sqlite")}
    told = outcome.err + outcome.out.decode("utf-8", "replace")
    for path in kept:
        if str(path) not in told:
            yield f"it does not tell {path}"
    yield from _kept(bench, scenario, {path: outcome.files[path] for path in kept})
    if scenario.kept not in (None, bool(kept)):
        yield f"kept elsewhere: {kept}"
    for path in bench.tmp.rglob("*"):
        if path.is_dir() and not any(path.iterdir()):
            yield f"{path} is an empty folder"


def _kept(bench: Bench, scenario: Scenario, kept: Mapping[Path, bytes]) -> Iterator[str]:
    """Judge what was paid for and kept: it is there, and where it should be."""
    for path, data in kept.items():
        if not path.is_relative_to(bench.state if scenario.has_state else bench.tmp):
            yield f"{path} is not where it should be"
        if path.suffix not in (".png", ".webp", ".jpg", ".json"):
            yield f"{path} is neither an image nor a reply"
        if path.suffix == ".json" and not any(each in data for each in _OF_REPLIES):
            yield f"{path} holds nothing of the reply"


def _secrecy(bench: Bench, outcome: Outcome) -> Iterator[str]:
    seen = {"stdout": outcome.out, "stderr": os.fsencode(outcome.err)}
    seen |= {str(path): os.fsencode(path) + data for path, data in outcome.files.items()}
    for number, request in enumerate(bench.server.requests if bench.server else ()):
        headers = {**request.headers, "x-goog-api-key": ""}
        seen[f"request {number}"] = f"{request.path} {headers}".encode() + request.body
    if any(other.connections for other in bench.others):
        yield "another host was called"
    if bench.proxy:
        seen["a proxy"] = b"".join(bench.proxy.heads)
    for where, data in seen.items():
        if any(canary in data for canary in _CANARIES):
            yield f"the key is in {where}"


def _is_known(scenario: Scenario) -> bool:
    """Return whether the one image that the service sends is `IMAGE`."""
    sent = b"".join(
        step.data for each in scenario.script for step in each.steps if isinstance(step, Send)
    )
    return scenario.world is None and REPLY in sent


def _is_whole(data: bytes) -> bool:
    try:
        verify(data)
    except DamagedImage:
        return False
    return True
