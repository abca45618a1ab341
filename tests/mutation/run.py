"""Measure how many small defects in the code that guards money and files the tests notice.

    python tests/mutation/run.py --sample 400 --seed 1 [--workers 2] [--again RESULTS]

Needs cosmic-ray and pytest-cov in the environment. Cosmic Ray finds every place where an operator,
a comparison, a number, a loop or an `except` could be another one; a seeded sample of the places is
taken, one defect a place. For each defect, the tests that reach its line are run, those that
reach the least first, until one fails. A test that also fails without the defect kills nothing.

Results go to `--results` as JSON lines (default: mutation.jsonl); a run that was stopped goes on
from there. `--again` reads them to try only what survived. The checkout itself is never changed:
each worker has a clone.
"""

from __future__ import annotations

import argparse
import ast
import difflib
import json
import os
import random
import subprocess
import sys
import tempfile
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path
from queue import SimpleQueue
from typing import Any, NamedTuple

ROOT = Path(__file__).parents[2]
PACKAGE = "nanobanana_cli"
# What guards money, files and the key; paths in the package.
SCOPE = (
    "api",
    "generation",
    "files",
    "images",
    "batch/ledger.py",
    "batch/history.py",
    "batch/dispatcher.py",
)
# Tests that judge the code's text, or take minutes, say nothing about a defect.
_LEFT_OUT = tuple(
    f"--ignore=tests/{path}" for path in ("test_house.py", "test_docs.py", "benchmarks", "mutation")
)
# How many times the seconds of the tests, and a minute, before a defect counts as an endless loop.
_PATIENCE = 5
_SKIPPED_OPERATORS = ("core/Variable",)


# Its seconds, and its name.
Test = tuple[float, str]


class Reach(NamedTuple):
    """What the tests reach.

    Args:
        of_line: the tests that reach each line of a module, those that reach the fewest lines of
            the package first: they are the ones about it.
        tests: all of them.
    """

    of_line: Mapping[tuple[str, int], Sequence[Test]]
    tests: Sequence[Test]


class Mutant(NamedTuple):
    """A defect to make.

    Args:
        module: path of the file, from the checkout's root.
        operator: Cosmic Ray's name for the kind.
        occurrence: which of the places in the file that the operator could change.
        row: its line, from 1.
        column: from 0.
    """

    module: str
    operator: str
    occurrence: int
    row: int
    column: int


def main() -> None:
    """Run a sample and print the score."""
    options = _options()
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        workers = [
            Worker(work / f"clone-{number}", options.seconds) for number in range(options.workers)
        ]
        clone = workers[0].clone
        mutants = _again(options.again, clone) if options.again else _sample(options, clone)
        lines = options.results.read_text().splitlines() if options.results.exists() else []
        judged = [json.loads(line) for line in lines]
        known = {tuple(line[name] for name in Mutant._fields) for line in judged}
        print(f"{len(mutants)} mutants, {len(judged)} of them judged before", flush=True)
        reach = _read_reach(clone, work, options.coverage)
        left = [(each, _reaching(each, reach, clone)) for each in mutants if each not in known]
        free: SimpleQueue[Worker] = SimpleQueue()
        for worker in workers:
            free.put(worker)

        def judge(mutant: Mutant, tests: Sequence[Test]) -> dict[str, Any]:
            worker = free.get()
            try:
                return mutant._asdict() | worker.judge(mutant, tests)
            finally:
                free.put(worker)

        counts = Counter(line["outcome"] for line in judged)
        with options.results.open("a") as file, ThreadPoolExecutor(options.workers) as pool:
            try:
                for done in as_completed([pool.submit(judge, *each) for each in left]):
                    counts[done.result()["outcome"]] += 1
                    print(json.dumps(done.result()), file=file, flush=True)
                    print(dict(counts), flush=True)
            except BaseException:
                pool.shutdown(wait=False, cancel_futures=True)
                raise
    total, alive = counts.total(), counts["survived"] + counts["not reached"]
    print(f"{total - alive} of {total} killed: {100 * (total - alive) / max(total, 1):.1f} %")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sample", type=int, default=400, help="mutants to try")
    parser.add_argument("--seed", type=int, default=1, help="of the sample")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--seconds", type=float, default=60, help="of tests to try for a mutant")
    parser.add_argument("--results", type=Path, default=Path("mutation.jsonl"))
    parser.add_argument("--again", type=Path, help="results whose survivors to try again")
    parser.add_argument("--coverage", type=Path, help="keep and reuse what reaches what here")
    return parser.parse_args()


def _again(results: Path, clone: Path) -> list[Mutant]:
    """Return the survivors of an earlier run, wherever their lines are now."""
    lines = [json.loads(line) for line in results.read_text().splitlines()]
    survivors = [line for line in lines if line["outcome"] in ("survived", "not reached")]
    by_kind: dict[tuple[str, str], list[Mutant]] = defaultdict(list)
    for mutant in _every_mutant(clone, sorted({line["module"] for line in survivors})):
        by_kind[mutant.module, mutant.operator].append(mutant)
    found = []
    for line in survivors:
        old, new = line["change"][0], line["change"][-1]
        for mutant in sorted(
            by_kind[line["module"], line["operator"]], key=lambda each: abs(each.row - line["row"])
        ):
            text = (clone / mutant.module).read_text()
            if text.splitlines()[mutant.row - 1].strip() in old and (
                _diff(text, _mutated(text, mutant))[-1] == new
            ):
                found.append(mutant)
                break
        else:
            print(f"gone from {line['module']}: {old[1:].strip()}")
    return found


def _sample(options: argparse.Namespace, clone: Path) -> list[Mutant]:
    """Return a seeded sample, one mutant a place."""
    places: dict[tuple[str, int, int], list[Mutant]] = defaultdict(list)
    for mutant in _every_mutant(clone, [f"{PACKAGE}/{path}" for path in SCOPE]):
        if not mutant.operator.startswith(_SKIPPED_OPERATORS):
            places[mutant.module, mutant.row, mutant.column].append(mutant)
    inert = {module: set(_inert_lines(clone / module)) for module in {place[0] for place in places}}
    rng = random.Random(options.seed)
    live = sorted(place for place in places if place[1] not in inert[place[0]])
    chosen = rng.sample(live, min(options.sample, len(live)))
    print(f"{len(live)} places in {len(inert)} files")
    return [rng.choice(sorted(places[place])) for place in sorted(chosen)]


def _every_mutant(clone: Path, paths: Sequence[str]) -> Iterator[Mutant]:
    config = clone / "cosmic-ray.toml"
    session = clone / "cosmic-ray.sqlite"
    config.write_text(
        f"[cosmic-ray]\nmodule-path = {json.dumps(paths)}\ntimeout = 60.0\nexcluded-modules = []\n"
        'test-command = "true"\n[cosmic-ray.distributor]\nname = "local"\n'
    )
    program = Path(sys.executable).with_name("cosmic-ray")
    subprocess.run([program, "init", str(config), str(session)], cwd=clone, check=True)
    dump = subprocess.run([program, "dump", str(session)], check=True, stdout=subprocess.PIPE)
    for line in dump.stdout.splitlines():
        for spec in json.loads(line)[0]["mutations"]:
            place = spec["start_pos"]
            yield Mutant(spec["module_path"], spec["operator_name"], spec["occurrence"], *place)


def _mutated(text: str, mutant: Mutant) -> str:
    """Return a module's text with a defect."""
    from cosmic_ray.mutating import mutate_code  # type: ignore[import-not-found, unused-ignore]
    from cosmic_ray.plugins import get_operator  # type: ignore[import-not-found, unused-ignore]

    return str(mutate_code(text, get_operator(mutant.operator)(), mutant.occurrence))


def _diff(old: str, new: str) -> list[str]:
    lines = difflib.unified_diff(old.splitlines(), new.splitlines(), n=0, lineterm="")
    return [*lines][3:]


def _inert_lines(path: Path) -> Iterator[int]:
    """Yield the lines of annotations and of imports for the type checker, which never run."""
    for node in ast.walk(ast.parse(path.read_text())):
        annotations: list[ast.expr | None] = []
        if isinstance(node, ast.AnnAssign | ast.arg):
            annotations = [node.annotation]
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            annotations = [node.returns]
        elif isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            yield from range(node.lineno, (node.end_lineno or node.lineno) + 1)
        for annotation in filter(None, annotations):
            yield from range(annotation.lineno, (annotation.end_lineno or 0) + 1)


def _read_reach(clone: Path, work: Path, kept: Path | None) -> Reach:
    """Measure what reaches what, or read it; see `Reach`."""
    report = kept or work / "reach.json"
    if not report.exists():
        _measure(clone, report)
    data = json.loads(report.read_text())
    seconds = data["seconds"]
    breadth = Counter(
        name for rows in data["lines"].values() for names in rows.values() for name in names
    )
    of_line = {
        (module, int(row)): [
            (seconds[name], name)
            for name in sorted(names, key=lambda name: (breadth[name], name))
            if name in seconds
        ]
        for module, rows in data["lines"].items()
        for row, names in rows.items()
    }
    return Reach(of_line, sorted((time, name) for name, time in seconds.items()))


def _reaching(mutant: Mutant, reach: Reach, clone: Path) -> Sequence[Test]:
    """Return the tests that reach a mutant: its line, its statement, or else its file.

    Then those of the module's own test file, which may reach it in processes of their own.
    """
    tree = ast.parse((clone / mutant.module).read_text())
    starts = [
        node.lineno
        for node in ast.walk(tree)
        if isinstance(node, ast.stmt) and node.lineno <= mutant.row <= (node.end_lineno or 0)
    ]
    of_lines = (
        reach.of_line.get((mutant.module, row), ()) for row in (mutant.row, max(starts, default=0))
    )
    direct = next(filter(None, of_lines), ())
    own = [test for test in reach.tests if f"/test_{Path(mutant.module).stem}.py::" in test[1]]
    if not direct:
        found = {key: tests for key, tests in reach.of_line.items() if key[0] == mutant.module}
        own += sorted({test for tests in found.values() for test in tests})
    return [*dict.fromkeys([*direct, *own])]


def _measure(clone: Path, report: Path) -> None:
    """Run the tests once, and write which reach which line and how long each takes."""
    xml, raw = clone / "junit.xml", clone / "coverage.json"
    command = [
        *(sys.executable, "-m", "pytest", "-q", "-n", "auto", "-p", "no:cacheprovider"),
        *(f"--cov={PACKAGE}", "--cov-context=test", "--cov-report=", "-vv", "--durations=0"),
        *("--durations-min=0", f"--junitxml={xml}", *_LEFT_OUT),
    ]
    done = subprocess.run(
        command, cwd=clone, env=_environment(), stdout=subprocess.PIPE, text=True, check=False
    )
    seconds: dict[str, float] = defaultdict(float)
    for line in done.stdout.splitlines():
        time, _, rest = line.partition("s ")
        phase, _, name = rest.strip().partition(" ")
        if phase in ("call", "setup") and "::" in name:
            seconds[name.strip()] += float(time)
    subprocess.run(
        [sys.executable, "-m", "coverage", "json", "-q", "--show-contexts", "-o", str(raw)],
        cwd=clone, check=True,
    )  # fmt: skip
    lines = {
        module: {
            row: sorted({context.partition("|")[0] for context in contexts} - {""})
            for row, contexts in file["contexts"].items()
        }
        for module, file in json.loads(raw.read_text())["files"].items()
    }
    report.write_text(json.dumps({"seconds": seconds, "lines": lines}))


class Worker:
    """A clone, and the process that judges defects in it.

    Args:
        folder: where the clone is made.
        seconds: how much of the tests to try for one defect.
    """

    def __init__(self, folder: Path, seconds: float) -> None:
        self._seconds = seconds
        self._limit = 60 + int(_PATIENCE * seconds)
        subprocess.run(["git", "clone", "-q", "--local", str(ROOT), str(folder)], check=True)
        self.clone = folder
        self._temporary = folder / "tmp"
        self._temporary.mkdir()
        self._process: subprocess.Popen[bytes] | None = None

    def judge(self, mutant: Mutant, reaching: Sequence[Test]) -> dict[str, Any]:
        """Make a defect, run the tests that reach it, and undo it."""
        names = list(_within(reaching, self._seconds))
        if not names:
            return {"outcome": "not reached"}
        file = self.clone / mutant.module
        original = file.read_text()
        changed = _mutated(original, mutant)
        report: dict[str, Any] = {"change": _diff(original, changed)}
        while True:
            try:
                verdict = self._ask(str(file), changed, names)
                if verdict["outcome"] == "not in a function":
                    file.write_text(changed)
                    verdict = self._run_anew(names)
            finally:
                file.write_text(original)
            failed = verdict.get("by")
            if failed is None or self._ask(str(file), "", [failed])["outcome"] == "survived":
                return report | verdict
            # It fails without the defect, too.
            names.remove(failed)

    def _ask(self, path: str, change: str, names: Sequence[str]) -> dict[str, Any]:
        """Return the verdict of the process, which is started at the first question."""
        if self._process is None:
            self._start()
        order = {"path": path, "change": change, "tests": names, "limit": self._limit}
        print(json.dumps(order), file=self._orders, flush=True)
        answer: dict[str, Any] = json.loads(self._answers.readline())
        return answer

    def _start(self) -> None:
        (orders, to_orders), (from_answers, answers) = os.pipe(), os.pipe()
        command = [*_pytest(), "-p", "mutation.worker", *_LEFT_OUT, "tests"]
        pipes = {"NB_MUTATION_ORDERS": str(orders), "NB_MUTATION_ANSWERS": str(answers)}
        self._process = subprocess.Popen(
            command, cwd=self.clone, env=self._environment() | pipes, pass_fds=(orders, answers),
            stdout=subprocess.DEVNULL,
        )  # fmt: skip
        os.close(orders)
        os.close(answers)
        self._orders, self._answers = os.fdopen(to_orders, "w"), os.fdopen(from_answers)
        print(self._answers.readline().strip(), flush=True)

    def _run_anew(self, names: Sequence[str]) -> dict[str, Any]:
        """Run the tests in a new process, which imports the changed file."""
        listed = self.clone / "tests-to-run.txt"
        listed.write_text("\n".join(names) + "\n")
        try:
            done = subprocess.run(
                [*_pytest(), "-x", "-rfE", f"@{listed.name}"], cwd=self.clone,
                env=self._environment(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                timeout=self._limit, check=False, text=True, errors="replace",
            )  # fmt: skip
        except subprocess.TimeoutExpired:
            return {"outcome": "hangs"}
        if done.returncode == 0:
            return {"outcome": "survived", "tests": len(names)}
        for line in done.stdout.splitlines():
            if line.startswith(("FAILED ", "ERROR ")):
                name = line.split(" ", 1)[1].split(" - ")[0]
                return {"outcome": "killed", "by": name if name in names else None}
        return {"outcome": "killed", "by": None}

    def _environment(self) -> dict[str, str]:
        return _environment() | {"PYTEST_DEBUG_TEMPROOT": str(self._temporary)}


def _within(reaching: Iterable[Test], most: float) -> Iterator[str]:
    """Yield names of tests as long as they take no more than so many seconds."""
    for seconds, name in reaching:
        most -= seconds
        if most >= 0:
            yield name


def _environment() -> dict[str, str]:
    return os.environ | {"CI": "true", "PYTHONDONTWRITEBYTECODE": "1"}


def _pytest() -> list[str]:
    words = ["-q", "-p", "no:cacheprovider", "-p", "no:xdist", "-p", "no:pytest_cov"]
    return [sys.executable, "-m", "pytest", *words]


if __name__ == "__main__":
    main()
