"""What a TAB costs, told by the clocks of real interactive shells, with the scripts as shipped.

    PYTHONPATH=tests python tests/benchmarks/completion.py [--shells 7] [--later 5]

`own` is the script's function, `all` the shell's whole search for completions around it. The first
TAB of a shell reads the script, and what it uses of the shell, from disk (Bash has it read before:
`own` of its first TAB has that time added). Fish tells no shares. Medians over fresh shells, in ms.
"""

from __future__ import annotations

import argparse
import re
import statistics
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from support import shells
from support.tools import require

GOAL = 10.0
LINES = (
    "nb ",
    "nb generate --",
    "nb generate --aspect ",
    "nb generate a\\ fox -s 2K -a 1:1 --fo",
)
_SCRIPTS = Path(__file__).parents[2] / "completions"

_ZSH = """
zmodload zsh/datetime
timed() {
    local began=$EPOCHREALTIME file=$1 code; shift; "$@"; code=$?
    print $(( (EPOCHREALTIME - began) * 1000 )) >> $file
    return code
}
timed-own() { timed own _nb "$@" }
timed-all() { timed all _main_complete "$@" }
compdef timed-own nb
zle -C timed-all complete-word timed-all
bindkey '^I' timed-all
"""

_BASH_BEFORE = "began=${EPOCHREALTIME/./}"
_BASH = """
read_in=$(( ${EPOCHREALTIME/./} - began ))
timed() {
    local began=${EPOCHREALTIME/./}; _nb "$@"
    echo $(( ${EPOCHREALTIME/./} - began + read_in ))e-3 >> own
    read_in=0
}
complete -F timed nb
"""

# Its builtin `time` writes to stderr.
_FISH = """
source $argv[1]
for number in (seq $argv[3])
    # Another line first, as a user comes from one.
    test $number -gt 1; and complete -C 'nb config ' >/dev/null
    time complete -C $argv[2] >/dev/null
end
"""

# Of each TAB, the first one first.
Times = dict[str, list[float]]


def zsh(line: str, tabs: int, folder: Path) -> Times:
    """Zsh with compinit done, the script in its `fpath`."""
    script = _SCRIPTS / "_nb"
    with shells.zsh(require("zsh"), script, folder, autoload=True, after=_ZSH) as shell:
        for _ in range(tabs):
            shell.tab(line)
    return {name: _read(folder / name) for name in ("own", "all")}


def bash(line: str, tabs: int, folder: Path) -> Times:
    """Bash that has sourced the script."""
    program, script = require("bash"), _SCRIPTS / "nb.bash"
    with shells.bash(program, script, folder, before=_BASH_BEFORE, after=_BASH) as shell:
        for _ in range(tabs):
            shell.tab(line)
    return {"own": _read(folder / "own")}


def fish(line: str, tabs: int, folder: Path) -> Times:
    """Fish, asked as TAB asks it."""
    script = str(_SCRIPTS / "nb.fish")
    argv = [require("fish"), "--no-config", "-c", _FISH, script, line, str(tabs)]
    done = subprocess.run(argv, check=True, capture_output=True, text=True, cwd=folder)
    units = {"millis": 1.0, "micros": 1e-3}
    found = re.findall(r"Executed in +([\d.]+) (\w+)", done.stderr)
    return {"all": [float(number) * units[unit] for number, unit in found]}


def _read(file: Path) -> list[float]:
    return [float(word) for word in file.read_text().split()]


def measure(run: Callable[[str, int, Path], Times], line: str, count: int, later: int) -> list[str]:
    """Lines of the report for one shell and one command line."""
    taken: list[Times] = []
    for _ in range(count):
        with tempfile.TemporaryDirectory() as folder:
            taken.append(run(line, later + 1, Path(folder)))
    report = []
    for name in taken[0]:
        first = statistics.median(times[name][0] for times in taken)
        rest = statistics.median(time for times in taken for time in times[name][1:])
        verdict = "ok" if max(first, rest) <= GOAL else "OVER"
        report.append(
            f"{run.__name__:4} {name} {line:34} first {first:4.1f}  later {rest:4.1f}  {verdict}"
        )
    return report


def main(argv: Sequence[str] | None = None) -> None:
    """Print all of it."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else None)
    parser.add_argument("--shells", type=int, default=7, help="fresh ones for each line")
    parser.add_argument("--later", type=int, default=5, help="TABs in each after the first")
    options = parser.parse_args(argv)
    for run in (zsh, bash, fish):
        for line in LINES:
            print(*measure(run, line, options.shells, options.later), sep="\n", flush=True)


if __name__ == "__main__":
    main()
