"""TAB, pressed in real shells."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from support import shells
from support.shells import Shell
from support.tools import require

_SCRIPTS = Path(__file__).parents[2] / "completions"

# Typed → what stands there after TAB, in every shell.
_SAME = {
    "nb gen": "nb generate ",
    "nanobanana gen": "nanobanana generate ",
    "A=1 nb gen": "A=1 nb generate ",
    "nb config uns": "nb config unset ",
    "nb config set asp": "nb config set aspect ",
    "nb config set --provider google asp": "nb config set --provider google aspect ",
    "nb completion pow": "nb completion powershell ",
    # Ratios have a colon, where Bash breaks words.
    "nb generate -a 21": "nb generate -a 21:9 ",
    "nb generate --aspect 16": "nb generate --aspect 16:9 ",
    "nb generate --aspect 16:": "nb generate --aspect 16:9 ",
    "nb generate --aspect=16": "nb generate --aspect=16:9 ",
    "nb generate --aspect=16:": "nb generate --aspect=16:9 ",
    'nb generate -a "16:': 'nb generate -a "16:9" ',
    "nb generate --model gemini-2": "nb generate --model gemini-2.5-flash-image ",
    "nb generate --format=j": "nb generate --format=jpeg ",
    "nb caption fox.png --style l": "nb caption fox.png --style long ",
    "nb caption --as=m": "nb caption --as=markdown ",
    "nb generate --provider s": "nb generate --provider sandbox ",
    "nb generate --thinking mi": "nb generate --thinking minimal ",
    "nb sandbox --fault saf": "nb sandbox --fault safety ",
    # What came before may hold anything.
    "nb generate \"a: 'red' fox = good\" --size 0": (
        "nb generate \"a: 'red' fox = good\" --size 0.5K "
    ),
    "nb generate a\\ fox -s2K -qa 21": "nb generate a\\ fox -s2K -qa 21:9 ",
    'nb generate "config" --forc': 'nb generate "config" --force ',
    "nb generate --force --json --skip": "nb generate --force --json --skip-existing ",
    # Files, where a file is meant.
    "nb generate -o fo": "nb generate -o fox.png ",
    "nb generate --image=fo": "nb generate --image=fox.png ",
    "nb generate -i my": "nb generate -i my\\ fox.png ",
    "nb generate -qo fo": "nb generate -qo fox.png ",
    "nb caption night fo": "nb caption night fox.png ",
    "nb generate -o ni": "nb generate -o night/",
    "nb generate fox > fo": "nb generate fox > fox.png ",
    # Of these, the kind that is meant, and folders; others if there are none.
    "nb generate -i no": "nb generate -i nocturne.JPG ",
    "nb caption fox.png no": "nb caption fox.png nocturne.JPG ",
    "nb generate --prompt-file not": "nb generate --prompt-file notes.md ",
    "nb batch po": "nb batch posts.jsonl ",
    "nb batch --alt po": "nb batch --alt posts.jsonl ",
    "nb batch fo": "nb batch fox.png ",
    "nb batch ni": "nb batch night/",
    "nb batch -o n": "nb batch -o night/",
    "nb caption --relative-to n": "nb caption --relative-to night/",
    # Values of a setting.
    "nb config set aspect 16:": "nb config set aspect 16:9 ",
    "nb config set --provider google format j": "nb config set --provider google format jpeg ",
    "nb config set alt f": "nb config set alt false ",
    "nb config set provider -q s": "nb config set provider -q sandbox ",
    "nb config set google.api-key-file fo": "nb config set google.api-key-file fox.png ",
    "nb config set output-folder n": "nb config set output-folder night/",
    "nb config set timeout fo": "nb config set timeout fo",
    "nb config get aspect 16": "nb config get aspect 16",
    # Nothing, where nothing can be known.
    "nb generate fo": "nb generate fo",
    "nb generate --seed fo": "nb generate --seed fo",
    "nb generate -- --forc": "nb generate -- --forc",
    "nb generate --prompt-file -- fo": "nb generate --prompt-file -- fo",
    "nb generate 'open --forc": "nb generate 'open --forc",
    "nb nonsense": "nb nonsense",
}

_RATIOS = "1:1 2:3 3:2 3:4 4:3 4:5 5:4 9:16 16:9 21:9 1:4 4:1 1:8 8:1"


def _folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("shell")
    (folder / "fox.png").touch()
    (folder / "my fox.png").touch()
    for name in ("nocturne.JPG", "notes.md", "posts.md", "posts.jsonl", "zebra", "yak", "ant"):
        (folder / name).touch()
    (folder / "night").mkdir()
    return folder


@pytest.fixture(scope="module")
def bash(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shell]:
    script = _SCRIPTS / "nb.bash"
    with shells.bash(require("bash"), script, _folder(tmp_path_factory)) as shell:
        yield shell


@pytest.fixture(scope="module")
def plain_bash(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shell]:
    """Without `:` and `=` among the characters that break words, as some have it."""
    script, before = _SCRIPTS / "nb.bash", "COMP_WORDBREAKS=${COMP_WORDBREAKS//[:=]}; set -u"
    folder = _folder(tmp_path_factory)
    with shells.bash(require("bash"), script, folder, before=before) as shell:
        yield shell


@pytest.fixture(scope="module", params=["autoloaded", "sourced"])
def zsh(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Shell]:
    autoload = request.param == "autoloaded"
    folder = _folder(tmp_path_factory)
    with shells.zsh(require("zsh"), _SCRIPTS / "_nb", folder, autoload=autoload) as shell:
        yield shell


@pytest.fixture(scope="module")
def fish(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shell]:
    script = _SCRIPTS / "nb.fish"
    with shells.fish(require("fish"), script, _folder(tmp_path_factory)) as shell:
        yield shell


@pytest.mark.parametrize("typed", _SAME)
def test_tab_in_bash(bash: Shell, typed: str) -> None:
    assert bash.tab(typed) == _SAME[typed]


@pytest.mark.parametrize("typed", [typed for typed in _SAME if "=" not in typed])
def test_tab_in_bash_with_other_word_breaks(plain_bash: Shell, typed: str) -> None:
    assert plain_bash.tab(typed) == _SAME[typed]


@pytest.mark.parametrize("typed", _SAME)
def test_tab_in_zsh(zsh: Shell, typed: str) -> None:
    assert zsh.tab(typed) == _SAME[typed]


@pytest.mark.parametrize("typed", _SAME)
def test_tab_in_fish(fish: Shell, typed: str) -> None:
    assert fish.tab(typed) == _SAME[typed]


_FILES = "ant fox.png my\\ fox.png night nocturne.JPG notes.md posts.jsonl posts.md yak zebra"


def _offered_files(shell: Shell, line: str) -> list[str]:
    """The files, without those that the test itself keeps there."""
    return [name.rstrip("/") for name in shell.all(line) if not name.startswith(".")]


def test_bash_offers_files_in_order(bash: Shell) -> None:
    assert _offered_files(bash, "nb generate -o ") == _FILES.split()
    assert _offered_files(bash, "nb generate -i ") == [
        "fox.png",
        "my\\",
        "fox.png",
        "night",
        "nocturne.JPG",
    ]


def test_zsh_offers_files_in_order(zsh: Shell) -> None:
    assert _offered_files(zsh, "nb generate -o ") == _FILES.split()
    images = _offered_files(zsh, "nb generate -i ")
    assert sorted(images) == sorted(["fox.png", "my\\", "fox.png", "night", "nocturne.JPG"])


def test_bash_offers_all_in_order(bash: Shell) -> None:
    assert bash.all("nb generate -a ") == _RATIOS.split()
    assert bash.all("nb generate --aspect 1") == ["1:1", "16:9", "1:4", "1:8"]
    assert bash.all("nb generate --size=") == ["--size=0.5K", "1K", "2K", "4K"]
    assert {"generate", "config", "models", "completion"} <= set(bash.all("nb "))
    assert {"--aspect", "-a", "--no-color", "-h"} <= set(bash.all("nb generate -"))
    assert {"api-key", "google.api-key"} <= set(bash.all("nb config set "))


def test_zsh_offers_all_in_order(zsh: Shell) -> None:
    assert zsh.all("nb generate -a ") == _RATIOS.split()
    assert zsh.all("nb generate --size=") == [
        "--size=0.5K",
        "--size=1K",
        "--size=2K",
        "--size=4K",
    ]
    assert {"generate", "config", "models", "completion"} <= set(zsh.all("nb "))
    assert "--seed" in zsh.all("nb generate fox --s")
    # Given once is enough, except for images.
    assert "--seed" not in zsh.all("nb generate fox --seed 1 --s")
    assert zsh.tab("nb generate -i a.png --imag") == "nb generate -i a.png --image="


def test_fish_offers_all_in_order_with_descriptions(tmp_path: Path) -> None:
    def offered(line: str) -> list[list[str]]:
        program = 'source $argv[1]; complete -C "$argv[2]"'
        done = subprocess.run(
            [require("fish"), "--no-config", "-c", program, _SCRIPTS / "nb.fish", line],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=True,
        )
        assert done.stderr == ""
        return [entry.split("\t") for entry in done.stdout.splitlines()]

    ratios = offered("nb generate -a ")
    assert [ratio for ratio, _ in ratios] == _RATIOS.split()
    assert ratios[8] == ["16:9", "1376x768 pixels at 1K"]
    assert ["auto", "as received, or by the file's name"] in offered("nb generate --format ")
    assert ["--format", "-f"] not in offered("nb models --")
    assert ["generate", "Make an image from a prompt"] in offered("nb ")
