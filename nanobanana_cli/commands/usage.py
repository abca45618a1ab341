"""Word Typer's errors about the command line as ours, with what was probably meant."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise, takewhile
from pathlib import Path
from typing import Any

import msgspec
import typer

from nanobanana_cli.catalog import DEFAULT_PROVIDER, PROVIDERS
from nanobanana_cli.commands import synonyms
from nanobanana_cli.commands.signature import without_query
from nanobanana_cli.errors import UsageError
from nanobanana_cli.generation.inputs import RANGES
from nanobanana_cli.suggest import nearest, shown

_DRAW = "generate"
_RATIO = re.compile(r"[1-9]\d?[:x×][1-9]\d?")
_SIZE = re.compile(r"0\.5K|[124]K|512", re.IGNORECASE)
_SUFFIX = re.compile(r".+\.(?:png|jpe?g|webp)", re.IGNORECASE)
# Inside double quotes a shell reads more than the text.
_SPECIAL = re.compile(r'["$`\\!\x00-\x1f\x7f]')


class _Line(msgspec.Struct, frozen=True):
    """The words that were typed after `nb`.

    Args:
        command: the innermost command that is named, or a group.
        path: the words that lead to it.
        early: the options in front of it, and all options if it is a group; with their values.
        options: the options behind it, with their values.
        words: the arguments that are not options.
    """

    command: Any
    path: tuple[str, ...]
    early: tuple[str, ...]
    options: tuple[str, ...]
    words: tuple[str, ...]

    @property
    def is_group(self) -> bool:
        return bool(_children(self.command))

    @property
    def name(self) -> str:
        return " ".join(("nb", *self.path))

    @property
    def see(self) -> str:
        return f"see `{self.name} --help`"


def usage_error(error: typer.TyperException, arguments: Sequence[str], tree: Any) -> UsageError:
    """Return Typer's error about the command line in the form of ours.

    Args:
        error: Typer's.
        arguments: as typed after `nb`.
        tree: the whole command tree.
    """
    said = (error.format_message() if hasattr(error, "format_message") else str(error)).rstrip(".")
    # Its words are those of another command; its options are its own.
    is_help = arguments[:1] == ["help"] and said.startswith("No such command")
    line = _read(arguments[1:] if is_help else arguments, tree)
    option = getattr(error, "option_name", None)
    if isinstance(error, typer.BadParameter) and getattr(error.param, "type", None) is not None:
        message, hint = _bad_value(error, said, line)
    elif said.startswith("No such command"):
        message, hint = _no_command(line, is_help=is_help)
    elif said.startswith("No such option"):
        message, hint = _no_option(str(option), line, arguments)
    elif said.startswith("Got unexpected"):
        message, hint = _unexpected(line)
    elif said.endswith("requires an argument"):
        message, hint = f"{option} needs a value", line.see
    elif said.endswith("does not take a value"):
        message, hint = f"{option} takes no value", line.see
    else:
        message, hint = f"{said[:1].lower()}{said[1:]}".replace("\n", " "), line.see
    return UsageError(message, hint=hint)


def _bad_value(error: typer.BadParameter, said: str, line: _Line) -> tuple[str, str]:
    kind, names = error.param.type, error.param.opts  # type: ignore[union-attr]
    found = re.match(r"'?(.*?)'? is not (a valid|in the range)", error.message, re.DOTALL)
    if found is None:
        # Such as an argument that is missing.
        return f"{said[:1].lower()}{said[1:]}", line.see
    name, typed = _typed(names, line.options, found[1])
    number = "a whole number" if kind.name.startswith("int") else "a number"
    low, high = RANGES.get(name[2:]) or (getattr(kind, "min", None), getattr(kind, "max", None))
    span = "" if low is None else f", {low:g} or more" if high is None else f" from {low} to {high}"
    is_number = found[2] != "a valid" or ("inf" in found[1] and typed[-1:].isdigit())
    wrong = "is out of range" if is_number else f"is not {number}"
    return f"{name} {shown(typed)} {wrong}", line.see if low is None else f"{number}{span}"


def _typed(names: Sequence[str], options: Sequence[str], value: str) -> tuple[str, str]:
    """Return an option and its value as typed, if they are found: 1e400 is read as inf."""
    found = names[0], value
    for word, following in pairwise((*options, "")):
        if (name := next(_typed_names([word]), "")) in names:
            found = name, following if word == name else word.removeprefix(name).removeprefix("=")
    return found


def _no_command(line: _Line, *, is_help: bool) -> tuple[str, str]:
    word, *others = line.words
    message = f"no such command '{word}'"
    meant = _commands_meant(line, word, others)
    if not line.path and word.lower() in synonyms.GUIDE:
        return message, "did you mean `nb help agents`?"
    is_prompt = not (line.path or is_help)
    if len(meant) > 1:
        return message, f"did you mean {_either(meant)}? {line.see}"
    if meant and not (is_prompt and meant == [_DRAW] and others):
        return message, f"did you mean {meant[0]}? {line.see}"
    if not (is_prompt and word.strip()):
        return message, line.see
    if meant or others or " " in word:
        prompt = " ".join(others if meant else line.words)
        return message, f"did you mean `{_drawing(prompt, line)}`?"
    return message, f"{line.see}, or to draw it: {_drawing(word, line)}"


def _commands_meant(line: _Line, word: str, others: Sequence[str]) -> list[str]:
    known = list(_children(line.command))
    for name, others_names in synonyms.COMMANDS.get(" ".join(line.path), {}).items():
        if word.lower() in others_names and name in known:
            return [name]
    if " " in word:
        return []
    # The first of many words rather begins a prompt.
    return (
        nearest(word, known, cutoff=0.8, prefix=False) if len(others) > 1 else nearest(word, known)
    )


def _drawing(prompt: str, line: _Line) -> str:
    """Return the command that draws a prompt, with the options that were typed."""
    options = [*line.early, *line.options]
    known = _names(_children(line.command).get(_DRAW, line.command))
    is_known = all(each in known for each in _typed_names(options))
    # What is not known may be followed by a key.
    return _command([_DRAW], [prompt], options if is_known else [])


def _no_option(option: str, line: _Line, arguments: Sequence[str]) -> tuple[str, str]:
    if line.early and option in _typed_names(line.early) and (moved := _moved(option, line)):
        return moved
    message = f"no such option: {option}"
    if line.path == (_DRAW,) and (prompt := _begun_with_dash(option, arguments)):
        drawing = _command(line.path, [prompt], [])
        return message, f"put -- before a prompt that begins with -: {drawing}"
    return message, _options_meant(option, line) or line.see


def _begun_with_dash(option: str, arguments: Sequence[str]) -> str | None:
    """Return the prompt that was taken for an option: `- a fox`, or `-5 foxes` without quotes."""
    place = next((n for n, word in enumerate(arguments) if word.startswith(option)), None)
    if place is None:
        return None
    first = arguments[place]
    if re.fullmatch(r"-\d+", first):
        return " ".join([first, *takewhile(lambda word: word[:1] != "-", arguments[place + 1 :])])
    return first if " " in first.split("=")[0] else None


def _moved(option: str, line: _Line) -> tuple[str, str] | None:
    """Return message and hint for an option in front of its command, None if none takes it."""
    message = f"{option} goes after the command"
    if not line.is_group:
        known = _names(line.command)
        if not all(each in known for each in _typed_names((*line.early, *line.options))):
            return None
        return message, _command(line.path, line.words, [*line.early, *line.options])
    if line.path or not any(option in _names(each) for each in _children(line.command).values()):
        return None
    return message, _drawing(" ".join(line.words), line) if line.words else line.see


def _options_meant(option: str, line: _Line) -> str | None:
    known, bare = _names(line.command), option.lstrip("-")
    bare = bare if len(bare) == 1 else bare.lower().replace("_", "-")
    for names, typed in synonyms.OPTIONS.items():
        if bare in typed and all(name in known for name in names):
            return f"did you mean {' and '.join(names)}? {line.see}"
    # The kind may come as a part of the name.
    if bare == "retry-unknown" and "--retry" in known:
        return f"did you mean --retry unknown? {line.see}"
    for instead, typed in synonyms.INSTEAD.items():
        if bare in typed:
            return instead.format(key_variable=PROVIDERS[DEFAULT_PROVIDER].key_variables[0])
    found = nearest(bare, [name[2:] for name in known if name.startswith("--")])
    if found and len(bare) > 1:
        return f"did you mean {_either([f'--{name}' for name in found])}? {line.see}"
    return None


def _unexpected(line: _Line) -> tuple[str, str]:
    taken = [param for param in line.command.params if param.param_type_name == "argument"]
    extra = line.words[len(taken) :]
    message = f"unexpected argument{'s' * (len(extra) > 1)}: {' '.join(extra)}"
    options = [_option_for(word, line) for word in extra]
    if all(options):
        return message, f"did you mean {' '.join(filter(None, options))}? {line.see}"
    if line.path == (_DRAW,) and line.words[0] != "-":
        drawing = _command(line.path, [" ".join(line.words)], line.options)
        return message, f"put quotes around a prompt of several words: {drawing}"
    return message, line.see


def _option_for(word: str, line: _Line) -> str | None:
    """Return the option that takes a word: `--aspect 16:9`."""
    guesses = (
        ("--provider", word in PROVIDERS),
        ("--aspect", _RATIO.fullmatch(word)),
        ("--size", _SIZE.fullmatch(word)),
        ("--image", _SUFFIX.fullmatch(word) and Path(word).exists()),
        ("--output", _SUFFIX.fullmatch(word)),
    )
    known = _names(line.command)
    found = next((name for name, fits in guesses if fits and name in known), None)
    return f"{found} {_quoted(word)}" if found else None


def _read(arguments: Sequence[str], tree: Any) -> _Line:
    command, path = tree, list[str]()
    early, options, words = list[str](), list[str](), list[str]()
    rest = iter(arguments)
    for word in rest:
        if word == "--":
            words += rest
        elif word.startswith("-") and len(word) > 1:
            taken = early if _children(command) else options
            taken.append(word)
            # What is unknown may take a value too: a key, which is not to be shown.
            is_known = next(_typed_names([word])) in _names(command)
            if word in _names(command, valued=True) or not is_known:
                taken += [value for value in [next(rest, None)] if value is not None]
        elif not words and word in _children(command):
            path.append(word)
            command = _children(command)[word]
        else:
            words.append(word)
    return _Line(command, tuple(path), tuple(early), tuple(options), tuple(words))


def _children(command: Any) -> dict[str, Any]:
    return dict(getattr(command, "commands", {}))


def _names(command: Any, *, valued: bool = False) -> list[str]:
    """Return the names of all options of a command, or of a group's commands.

    Args:
        valued: only of those that take a value.
    """
    own = [
        name
        for param in command.params
        if param.param_type_name == "option" and not (valued and param.is_flag)
        for name in (*param.opts, *param.secondary_opts)
    ]
    return [*own, *(n for c in _children(command).values() for n in _names(c, valued=valued))]


def _typed_names(options: Iterable[str]) -> Iterator[str]:
    for each in options:
        if each.startswith("--"):
            yield each.split("=")[0]
        elif each.startswith("-"):
            yield each[:2]


def _command(path: Iterable[str], words: Sequence[str], options: Iterable[str]) -> str:
    """Return a command to copy; the query of an address, often a secret, is left out."""
    last = ["--", *words] if any(each.startswith("-") and each != "-" for each in words) else []
    first = [] if last else words
    quoted = [_quoted(without_query(each)) for each in (*first, *options, *last)]
    return " ".join(["nb", *path, *quoted])


def _quoted(word: str) -> str:
    from shlex import quote

    if quote(word) == word or _SPECIAL.search(word):
        return quote(word)
    return f'"{word}"'


def _either(names: Sequence[str]) -> str:
    *first, last = names
    return f"{', '.join(first)} or {last}" if first else last
