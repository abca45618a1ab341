"""The judge of the laboratory: what is looked at after each run.

`check` runs a scenario and checks what it says, and what every run promises: no traceback; a charge
line that fits; files whole or absent, nothing left over; the key nowhere but in its header; what is
paid for kept; memory and time within bounds.
"""

from __future__ import annotations

import base64
import io
import json
import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from faults.lab import (
    BATCH,
    CAPTION,
    DRAWING,
    FORMS,
    KEY,
    RECORDS,
    SENTENCES,
    TEMPORARY,
    TEXT,
    Bench,
    Outcome,
    Scenario,
    arguments,
    run,
)
from PIL import Image
from support import schemas

from nanobanana_cli.errors import Charged, ExitCode
from nanobanana_cli.images.formats import DamagedImage, verify

# One of these is in each reply that is kept.
_OF_REPLIES = (b"inlineData", b"fileData", b"https:", TEXT.encode(), TEXT.encode()[:-3])
# Seconds that a run may take beside what its scenario makes it wait: machines are busy.
_SLACK = 20.0
_STOPPED = (ExitCode.HANGUP, ExitCode.INTERRUPT, ExitCode.TERMINATED)
# C0 and C1 controls, bidirectional marks, line separators.
_CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")
# What a page must not take from others; it isolates each text, whose marks may stay.
_IN_PAGE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]|<evil>")
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
# What saves images neither cropped, nor without their background, nor with a loss.
_UNCHANGED = tuple(form for form in DRAWING if form not in ("webp", "fit", "transparent"))
# What is asked for a text tells it, wherever the text could not be put.
_TEXTS = (*CAPTION, "alt", "draw")


def check(bench: Bench, scenario: Scenario, form: str) -> None:
    """Run a scenario in one form, and fail with the promises that it breaks."""
    scenario = scenario.of(form)
    bench.place = bench.work.joinpath(*FORMS[form].places[:1])
    outcome = run(bench, scenario, form)
    found = _broken(bench, scenario, form, outcome)
    assert not found, f"{found}\n{outcome.err}\n{outcome.out[:500]!r}"


def _broken(bench: Bench, scenario: Scenario, form: str, outcome: Outcome) -> list[str]:
    """Return the promises that a run has broken, in words."""
    found = [
        *_status(scenario, form, outcome),
        *_calls(scenario, form, outcome),
        *_streams(bench, scenario, form, outcome),
        *_records(arguments(scenario, form), outcome),
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
    if sum(line in SENTENCES for line in outcome.err.splitlines()) > max(
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


def _streams(bench: Bench, scenario: Scenario, form: str, outcome: Outcome) -> Iterator[str]:
    if _CONTROLS.search(outcome.err):
        yield "control characters on stderr"
    if form.startswith("stdout"):
        if outcome.out and not _is_whole(outcome.out):
            yield "stdout has an image that is not whole"
        elif outcome.out and scenario.image and not _is_sent(outcome.out, scenario.image):
            yield "stdout has another image"
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


def _records(argv: tuple[str, ...], outcome: Outcome) -> Iterator[str]:
    """Judge the JSON lines of a run that nothing killed by the published schemas."""
    if outcome.code >= 0:
        try:
            schemas.check_lines(argv, outcome.out, outcome.err)
        except (AssertionError, ValueError) as error:
            yield f"a line of JSON is not as its schema says: {error}"


def _files(bench: Bench, scenario: Scenario, form: str, outcome: Outcome) -> Iterator[str]:
    here = {path for path in outcome.files if path.is_relative_to(bench.work)}
    names = FORMS[form].places if scenario.places is None else scenario.places
    places = {bench.work / name for name in names}
    originals = {bench.work / name for name in FORMS[form].originals}
    allowed = places | originals | {bench.work / name for name in scenario.leaves}
    for path, data in outcome.files.items():
        yield from _content(path, data)
        is_own = path.suffix == ".png" and path not in bench.owned
        is_judged = form in _UNCHANGED or path.name in FORMS[form].originals
        if is_own and is_judged and scenario.image and not _is_sent(data, scenario.image):
            yield f"{path} is another image"
    for path in here - allowed:
        if not (form in BATCH and RECORDS.fullmatch(path.name)):
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
    if path.suffix == ".html" and _IN_PAGE.search(data.decode()):
        yield f"controls or markup of others in {path}"
    if path.suffix == ".txt" and _CONTROLS.search(data.decode()):
        yield f"control characters in {path}"
    if _CONTROLS.search(path.name):
        yield f"control characters in the name {path}"
    if TEMPORARY.fullmatch(path.name):
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


def _is_sent(data: bytes, image: bytes) -> bool:
    """Return whether an image is the one that was sent: its bytes, or, converted, its pixels."""
    if data == image:
        return True
    with Image.open(io.BytesIO(data)) as saved, Image.open(io.BytesIO(image)) as sent:
        is_converted = saved.format != sent.format
        return is_converted and saved.convert("RGBA").tobytes() == sent.convert("RGBA").tobytes()


def _is_whole(data: bytes) -> bool:
    try:
        verify(data)
    except DamagedImage:
        return False
    return True
