"""Write the script for fish."""

from __future__ import annotations

from collections.abc import Iterator

from nanobanana_cli.completion.tree import Argument, Command, Option
from nanobanana_cli.completion.values import Values

FILE = "nb.fish"

_SCRIPT = r"""# fish completion for nb. Generated from the command tree; do not edit.

# Sets the command that has been typed, as `config set`, how many of its arguments there are, and
# the last one of them.
function __nb_find_place
    set -l words (commandline -opc)
    # fish asks dozens of conditions at each TAB, all about the same words.
    set -l line (string join \x1f -- $words)
    test "$line" = "$__nb_line"; and return
    set -g __nb_line $line
    set -e words[1]
    set -l known @PATHS@
    set -l path ''
    set -l arguments 0
    set -l last ''
    set -l rest 0
    set -l pending 0
    for word in $words
        if test $pending = 1
            set pending 0
        else if test $rest = 0; and test "$word" = --
            set rest 1
        else if test $rest = 0; and string match -qr -- '^-.' $word
            __nb_value_follows "$path" $word
            and set pending 1
        else if contains -- (string trim "$path $word") $known
            set path (string trim "$path $word")
        else
            set arguments (math $arguments + 1)
            set last $word
        end
    end
    set -g __nb_path $path
    set -g __nb_arguments $arguments
    set -g __nb_last $last
end

# Whether the word after option $2 of command $1 is its value.
function __nb_value_follows
    switch $argv[1]
@VALUED@
        case '*'
            return 1
    end
end

function __nb_in
    __nb_find_place
    test "$__nb_path" = "$argv[1]"
end

function __nb_at
    __nb_in $argv[1]; and test "$__nb_arguments" = "$argv[2]"
end

function __nb_after
    __nb_at $argv[1..2]; and contains -- $__nb_last $argv[3..-1]
end

# Prints the folders, and the files with one of these suffixes, that begin with what is typed; all
# files if none has one.
function __nb_files
    set -l typed (commandline -ct | string replace -r '^(--[^=]*=|-\w)' '')
    set -l files (complete -C "__nb_no_command $typed")
    set -l endings (string join '|' -- $argv)
    set -l wanted (string match -rei -- "(?:/|\\.(?:$endings))\$" $files)
    string match -qr -- '[^/]$' $wanted; or test (count $argv) = 0; or set wanted $files
    printf '%s\n' $wanted
end

complete -c nb -f
@RULES@
complete -c nanobanana -w nb
"""


def script(tree: Command) -> str:
    """Return the whole script."""
    commands = list(tree.walk())
    parts = {
        "@PATHS@": " ".join(_quoted(command.name) for command in commands[1:]),
        "@VALUED@": "\n".join(line for command in commands for line in _valued(command)),
        "@RULES@": "\n".join(line for command in commands for line in _rules(command)),
    }
    text = _SCRIPT
    for mark, part in parts.items():
        text = text.replace(mark, part)
    return text


def _valued(command: Command) -> Iterator[str]:
    if pattern := command.value_follows():
        yield f"        case {_quoted(command.name)}"
        yield f"            string match -qr -- {_quoted(pattern)} $argv[2]"


def _rules(command: Command) -> Iterator[str]:
    for child in command.commands:
        where = f"__nb_at {_quoted(command.name)} 0"
        yield _rule(where, ["-a", _quoted(child.path[-1])], child.about)
    for number, argument in enumerate(command.arguments):
        for names, values in argument.takes.by_values():
            where = f"__nb_after {_quoted(command.name)} {number} {' '.join(names)}"
            yield _rule(where, _argument(values), "")
        if takes := _argument(argument.takes):
            yield _rule(_where(command, number, argument), takes, "")
    for option in command.options:
        yield _rule(f"__nb_in {_quoted(command.name)}", _option(option), option.about)


def _where(command: Command, number: int, argument: Argument) -> str:
    if argument.repeatable:
        return f"__nb_in {_quoted(command.name)}"
    return f"__nb_at {_quoted(command.name)} {number}"


def _option(option: Option) -> list[str]:
    words = []
    for name in option.names:
        words += ["-l", name[2:]] if name.startswith("--") else ["-s", name[1:]]
    if option.takes:
        words += _argument(option.takes) or ["-x"]
    return words


def _argument(values: Values) -> list[str]:
    if values.suffixes is not None:
        endings = (suffix.removeprefix(".") for suffix in values.suffixes)
        return ["-x", "-a", _quoted(f"({' '.join(('__nb_files', *endings))})")]
    if values.files:
        return ["-r", "-F"]
    if not values.choices:
        return []
    # fish reads this list as words once more; a description stands after a TAB. -k keeps order.
    words = (
        f"{value}\\t{_quoted(about)}" if about else value for value, about in values.choices.items()
    )
    return ["-x", "-k", "-a", _quoted("\n".join(words))]


def _rule(where: str, words: list[str], about: str) -> str:
    described = ["-d", _quoted(about)] if about else []
    return " ".join(["complete -c nb", "-n", _quoted(where), *words, *described])


def _quoted(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"
