"""What is typed wrongly: the line that says so, and the hint that says what was meant."""

from __future__ import annotations

import platform
import re
import shlex
from pathlib import Path

import pytest
from conftest import Nb
from support.replies import made, picture
from support.wire_server import WireServer
from typer import Context

from nanobanana_cli import __version__
from nanobanana_cli.cli import command_tree
from nanobanana_cli.commands.synonyms import COMMANDS, OPTIONS
from nanobanana_cli.completion.describe import describe
from nanobanana_cli.completion.values import PATH_METAVARS

_GENERATE = "see `nb generate --help`"
_NB = "see `nb --help`"
_NUMBERS = ("int", "integer", "float")


def _said(nb: Nb, line: str) -> tuple[str, str]:
    run = nb(*shlex.split(line))
    message, hint = run.err.splitlines()
    assert (run.code, run.out) == (2, "")
    assert message.startswith("nb: ")
    assert hint.startswith("hint: ")
    return message.removeprefix("nb: "), hint.removeprefix("hint: ")


@pytest.mark.parametrize(
    ("line", "message", "hint"),
    [
        ("gen", "no such command 'gen'", f"did you mean generate? {_NB}"),
        ("image", "no such command 'image'", f"did you mean generate? {_NB}"),
        ("create", "no such command 'create'", f"did you mean generate? {_NB}"),
        ("generte", "no such command 'generte'", f"did you mean generate? {_NB}"),
        ("c", "no such command 'c'", f"did you mean caption, config or completion? {_NB}"),
        ("mod", "no such command 'mod'", f"did you mean models? {_NB}"),
        ("login", "no such command 'login'", f"did you mean config? {_NB}"),
        ("set api-key sk-1", "no such command 'set'", f"did you mean config? {_NB}"),
        ("help gen", "no such command 'gen'", f"did you mean generate? {_NB}"),
        ("help fox", "no such command 'fox'", _NB),
        (
            "config show",
            "no such command 'show'",
            "did you mean list? see `nb config --help`",
        ),
        ("config foo", "no such command 'foo'", "see `nb config --help`"),
    ],
)
def test_a_command_by_prefix_synonym_or_resemblance(
    nb: Nb, line: str, message: str, hint: str
) -> None:
    assert _said(nb, line) == (message, hint)


@pytest.mark.parametrize(
    ("line", "word", "meant"),
    [
        ("'a red fox'", "a red fox", 'nb generate "a red fox"'),
        ("a red fox", "a", 'nb generate "a red fox"'),
        (
            "a red fox --size 2K -o 'my fox.png'",
            "a",
            'nb generate "a red fox" --size 2K -o "my fox.png"',
        ),
        ("gen 'a red fox' -o fox.png", "gen", 'nb generate "a red fox" -o fox.png'),
        ("image of a fox", "image", 'nb generate "of a fox"'),
        ("generte a red fox", "generte", 'nb generate "a red fox"'),
        ("bat on a moon", "bat", 'nb generate "bat on a moon"'),
        ("big cat", "big", 'nb generate "big cat"'),
        ("'price: $5'", "price: $5", "nb generate 'price: $5'"),
        (
            "a fox -i 'https://example.com/a.png?sig=1'",
            "a",
            'nb generate "a fox" -i "https://example.com/a.png?…"',
        ),
    ],
)
def test_a_prompt_without_a_command(nb: Nb, line: str, word: str, meant: str) -> None:
    assert _said(nb, line) == (f"no such command '{word}'", f"did you mean `{meant}`?")


def test_one_word_may_be_either(nb: Nb) -> None:
    expected = f"{_NB}, or to draw it: nb generate fox"
    assert _said(nb, "fox") == ("no such command 'fox'", expected)


@pytest.mark.parametrize("word", ["", " "])
def test_what_is_empty_is_no_prompt(nb: Nb, word: str) -> None:
    assert _said(nb, f"'{word}'") == (f"no such command '{word}'", _NB)


@pytest.mark.parametrize("line", ["a fox --api-key sk-1234", "a fox --secret=sk-1234"])
def test_what_follows_an_unknown_option_is_not_repeated(nb: Nb, line: str) -> None:
    assert _said(nb, line)[1] == 'did you mean `nb generate "a fox"`?'


@pytest.mark.parametrize(
    ("line", "message", "hint"),
    [
        (
            "--provider sandbox generate x",
            "--provider goes after the command",
            "nb generate x --provider sandbox",
        ),
        (
            "--size=2K generate 'a red fox' -o fox.png",
            "--size goes after the command",
            'nb generate "a red fox" --size=2K -o fox.png',
        ),
        ("--json config list", "--json goes after the command", "nb config list --json"),
        (
            "-o fox.png a red fox",
            "-o goes after the command",
            'nb generate "a red fox" -o fox.png',
        ),
        ("--size 2K", "--size goes after the command", _NB),
        ("--shiny generate x", "no such option: --shiny", _NB),
        ("-q config list", "no such option: -q", "see `nb config list --help`"),
    ],
)
def test_an_option_before_the_command(nb: Nb, line: str, message: str, hint: str) -> None:
    assert _said(nb, line) == (message, hint)


@pytest.mark.parametrize(
    ("option", "hint"),
    [
        ("--ratio", f"did you mean --aspect? {_GENERATE}"),
        ("--aspect-ratio", f"did you mean --aspect? {_GENERATE}"),
        ("--aspect_ratio", f"did you mean --aspect? {_GENERATE}"),
        ("--resolution", f"did you mean --size? {_GENERATE}"),
        ("--quality", f"did you mean --size? {_GENERATE}"),
        ("--width", f"did you mean --fit? {_GENERATE}"),
        ("--number", f"did you mean --count? {_GENERATE}"),
        ("--input", f"did you mean --image? {_GENERATE}"),
        ("--reference", f"did you mean --image? {_GENERATE}"),
        ("--out", f"did you mean --output? {_GENERATE}"),
        ("--overwrite", f"did you mean --force? {_GENERATE}"),
        ("--show", f"did you mean --preview? {_GENERATE}"),
        ("--view", f"did you mean --open? {_GENERATE}"),
        ("--thinkin", f"did you mean --thinking? {_GENERATE}"),
        ("--retry-unknown", _GENERATE),
        ("--banana", _GENERATE),
        (
            "--api-key",
            "no option takes a key: set WISDOM_GATE_KEY, or run `nb config set api-key`",
        ),
        ("--prompt", 'the prompt goes without an option: nb generate "a red fox"'),
        ("-p", 'the prompt goes without an option: nb generate "a red fox"'),
        ("--negative-prompt", "say in the prompt what to leave out"),
        ("--version", "`nb --version`"),
    ],
)
def test_an_option_by_meaning(nb: Nb, option: str, hint: str) -> None:
    assert _said(nb, f"generate x {option} y") == (f"no such option: {option}", hint)


def test_an_option_is_only_proposed_where_it_is(nb: Nb) -> None:
    assert _said(nb, "models --ratio 1:1")[1] == "see `nb models --help`"
    expected = "did you mean --retry unknown? see `nb batch --help`"
    assert _said(nb, "batch m.toml --retry-unknown")[1] == expected


def test_every_synonym_means_something_that_is_there_and_not_itself() -> None:
    tree = command_tree()
    for group, meanings in COMMANDS.items():
        node = tree.commands[group] if group else tree
        names = set(node.commands)  # type: ignore[attr-defined]
        typed = [word for words in meanings.values() for word in words]
        assert meanings.keys() <= names
        assert not names & set(typed)
        assert len(typed) == len(set(typed))
    known = {
        name
        for name in ("generate", "batch", "caption")
        for param in tree.commands[name].params
        for name in param.opts
    }
    assert {name for names in OPTIONS for name in names} <= known


@pytest.mark.parametrize(
    ("line", "message", "hint"),
    [
        (
            "generate x -n two",
            "-n two is not a whole number",
            "a whole number from 1 to 100",
        ),
        ("generate x --count=0", "--count 0 is out of range", "a whole number from 1 to 100"),
        ("generate x -n101", "-n 101 is out of range", "a whole number from 1 to 100"),
        ("batch --limit 0", "--limit 0 is out of range", "a whole number, 1 or more"),
        ("batch --rpm 0", "--rpm 0 is out of range", "a number, 0.01 or more"),
        (
            "generate x --seed y",
            "--seed y is not a whole number",
            "a whole number from -2147483648 to 2147483647",
        ),
        (
            "generate x --temperature hot",
            "--temperature hot is not a number",
            "a number from 0 to 2",
        ),
        ("sandbox --latency soon", "--latency soon is not a number", "a number from 0 to 86400"),
        ("sandbox --latency=-1", "--latency -1 is out of range", "a number from 0 to 86400"),
        ("batch m.toml --rpm nan", "--rpm nan is not a number", "a number, 0.01 or more"),
        ("batch m.toml --rpm inf", "--rpm inf is not a number", "a number, 0.01 or more"),
        ("batch m.toml --rpm=-1e999", "--rpm -1e999 is out of range", "a number, 0.01 or more"),
        (
            "generate x --temperature 1e400",
            "--temperature 1e400 is out of range",
            "a number from 0 to 2",
        ),
        ("generate x -n 1 -n007e", "-n 007e is not a whole number", "a whole number from 1 to 100"),
        ("generate x -qn 0", "--count 0 is out of range", "a whole number from 1 to 100"),
        (
            "models --provider ''",
            '--provider "" is not a provider',
            "one of wisgate, google, sandbox",
        ),
        (
            "extract r.json --format ''",
            '--format "" is not a format that nb writes',
            "one of auto, png, jpeg, webp",
        ),
        ("log --sum ''", '--sum "" is unknown', "one of day, model, provider"),
        (
            "generate x --thinking ''",
            '--thinking "" is not a thinking level',
            "one of minimal, medium, high",
        ),
        ("generate x --force=1", "--force takes no value", _GENERATE),
        ("extract --format", "--format needs a value", "see `nb extract --help`"),
        ("config get", "missing argument 'NAME'", "see `nb config get --help`"),
        ("config set max-cost -1", "max-cost -1 is not an amount in dollars", "such as 0.50"),
        (
            "config set wait -5m",
            "wait -5m is not a duration",
            "such as 90s, 30m or 2h, up to 7 days; 0 is none",
        ),
        ("config set aspect --wide", "no such option: --wide", "see `nb config set --help`"),
    ],
)
def test_a_wrong_value(nb: Nb, line: str, message: str, hint: str) -> None:
    assert _said(nb, line) == (message, hint)


@pytest.mark.parametrize("value", ["soon", "nan", ""])
def test_every_number_says_what_would_be_right(nb: Nb, value: str) -> None:
    seen = 0
    for command in (tree := command_tree()).list_commands(None):  # type: ignore[arg-type]
        for param in tree.commands[command].params:
            if param.param_type_name != "option" or param.type.name.split()[0] not in _NUMBERS:
                continue
            shown = value or '""'
            name = max(param.opts, key=len)
            message, hint = _said(nb, shlex.join([command, f"{name}={value}"]))
            assert re.fullmatch(rf"{name} {shown} is not a (whole )?number", message)
            assert re.match(r"a (whole )?number( from \S+ to \S+|, \S+ or more)$", hint)
            seen += 1
    assert seen >= 15


def test_every_option_that_names_a_file_refuses_an_empty_name(nb: Nb) -> None:
    others = {"generate": ["fox"], "caption": ["a fox"], "batch": ["m.txt"], "extract": ["r.json"]}
    Path("m.txt").write_text("a fox")
    seen = 0
    with WireServer() as server:
        env = {"NB_BASE_URL": server.url, "WISDOM_GATE_KEY": "sk-1"}
        for command in describe(tree := command_tree(), Context(tree)).walk():
            for option in command.options:
                if option.metavar in PATH_METAVARS:
                    name, argument = option.names[0], others.get(command.name, [])
                    if name in {"--prompt-file", "--text-file"}:
                        argument = []
                    elif name == "--root":
                        argument = ["--pages", "."]
                    run = nb(*command.path, *argument, f"{name}=", env=env)
                    message, hint, *rest = run.err.splitlines()
                    assert (run.code, run.out, rest) == (2, "", [])
                    shown = "an image" if name == "--image" else option.names[-1]
                    kinds = "a path|an image|a file|a folder"
                    assert re.match(rf"nb: {shown} needs ({kinds})\b", message)
                    assert hint.startswith("hint: ")
                    seen += 1
    assert (seen >= 15, server.requests) == (True, [])


@pytest.mark.parametrize(
    ("line", "noun"),
    [
        ("batch ''", "manifest"),
        ("batch --init ''", "manifest"),
        ("extract a.json ''", "file"),
        ("log ''", "file"),
        ("caption a.png ''", "file"),
        ("caption --check ''", "file"),
        ("caption -r ''", "file"),
        ("caption --pages ''", "file"),
    ],
)
def test_an_empty_argument_is_not_the_current_folder(nb: Nb, line: str, noun: str) -> None:
    Path("a.png").write_bytes(picture())
    message, hint = _said(nb, line)
    assert message == f"an empty name is not a {noun}"
    assert hint.startswith(f"name {'the' if noun == 'manifest' else ''}")
    assert [each.name for each in Path().iterdir()] == ["a.png"]


@pytest.mark.parametrize(
    ("line", "extra", "hint"),
    [
        ("models google", "google", "did you mean --provider google? see `nb models --help`"),
        ("models fox", "fox", "see `nb models --help`"),
        (
            "generate a red fox --size 2K",
            "s: red fox",
            'put quotes around a prompt of several words: nb generate "a red fox" --size 2K',
        ),
        ("generate - fox", "fox", _GENERATE),
        (
            "generate fox 16:9 2K",
            "s: 16:9 2K",
            f"did you mean --aspect 16:9 --size 2K? {_GENERATE}",
        ),
        ("generate fox new.png", "new.png", f"did you mean --output new.png? {_GENERATE}"),
        ("generate fox old.png", "old.png", f"did you mean --image old.png? {_GENERATE}"),
        ("sandbox fox", "fox", "see `nb sandbox --help`"),
    ],
)
def test_an_argument_too_many(nb: Nb, line: str, extra: str, hint: str) -> None:
    Path("old.png").write_bytes(picture())
    said = extra if extra.startswith("s: ") else f": {extra}"
    assert _said(nb, line) == (f"unexpected argument{said}", hint)


@pytest.mark.parametrize(
    ("line", "option", "prompt"),
    [("'- a red fox'", "- ", '"- a red fox"'), ("-5 foxes -o fox.png", "-5", '"-5 foxes"')],
)
def test_a_prompt_that_begins_with_a_dash(nb: Nb, line: str, option: str, prompt: str) -> None:
    assert _said(nb, f"generate {line}") == (
        f"no such option: {option}",
        f"put -- before a prompt that begins with -: nb generate -- {prompt}",
    )


def test_what_is_proposed_works(nb: Nb) -> None:
    hint = _said(nb, "-o fox.png --size 2K --provider sandbox a red fox")[1]
    run = nb(*shlex.split(hint)[1:])
    assert (run.code, run.out) == (0, "fox.png\n")


@pytest.mark.parametrize("line", ["", "generate", "config", "config set", "help"])
def test_help_is_what_the_option_shows(nb: Nb, line: str) -> None:
    words = line.split()
    shown = nb("help", *words)
    assert (shown.code, shown.err) == (0, "")
    assert shown.out == nb(*words, "--help").out


def test_versions(nb: Nb) -> None:
    assert nb("-V").out == nb("--version").out == f"nb {__version__}\n"
    run = nb("version")
    assert run.out.splitlines() == [
        f"nb {__version__}",
        f"Python {platform.python_version()}",
        platform.platform(),
    ]


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("generate x -o taken.png", 12),
        ("caption 'a fox' -o taken.png", 12),
        ("generate x -o missing/fox.png", 6),
        ("batch m.txt --max-cost 0.01", 8),
    ],
)
def test_the_charge_is_told_where_a_call_was_possible(nb: Nb, line: str, code: int) -> None:
    Path("taken.png").write_bytes(picture())
    Path("m.txt").write_text("a fox\n")
    with WireServer(made()) as server:
        env = {"NB_BASE_URL": server.url, "WISDOM_GATE_KEY": "sk-of-a-test-0123456789"}
        run = nb(*shlex.split(line), env=env)
    assert (run.code, server.requests) == (code, [])
    assert run.err.endswith("\nNot charged.\n")


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("generate x -o taken.png --dry-run", 12),
        ("generate x -o taken.png --curl", 12),
        ("generate x --size 9K", 2),
        ("batch m.txt --check", 3),
        ("batch taken.png", 2),
        ("batch --init", 12),
        ("caption --check taken.png", 3),
        ("caption --read taken.png", 3),
        ("extract m.txt", 10),
        ("config check", 4),
        ("completion tcsh", 2),
        ("nonsense", 2),
    ],
)
def test_no_charge_is_told_where_none_was(nb: Nb, line: str, code: int) -> None:
    Path("taken.png").write_bytes(picture())
    Path("images.toml").touch()
    Path("m.txt").write_text("a fox\n")
    run = nb(*line.split())
    assert run.code == code
    assert "harged" not in run.err


@pytest.mark.parametrize(
    ("line", "end"),
    [
        ("--help", "nb help COMMAND, man nb, nb help agents"),
        ("help config", "nb help config COMMAND, man nb-config"),
        ("generate --help", "man nb-generate"),
        ("help config set", "man nb-config"),
    ],
)
def test_help_ends_with_where_to_read_on(nb: Nb, line: str, end: str) -> None:
    assert nb(*line.split()).out.endswith(f"╯\n\n Read on: {end}\n")
