"""Write the script for Zsh, to be found in `fpath` or sourced."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from nanobanana_cli.completion.tree import Argument, Command, Option
from nanobanana_cli.completion.values import Values

FILE = "_nb"

# `#compdef` has to be the first line.
_SCRIPT = r"""#compdef nb nanobanana
# Zsh completion for nb. Generated from the command tree; do not edit.

@FUNCTIONS@

if [[ $funcstack[1] == _nb ]]; then
    _nb "$@"
else
    compdef _nb nb nanobanana
fi
"""

_GROUP = r"""@NAME@() {
    local curcontext=$curcontext state line
    typeset -A opt_args
    _arguments -C -s -S : \
@OPTIONS@
        '1: :->command' \
        '*:: :->arguments' && return
    case $state in
        command)
            local -a subcommands=(
@COMMANDS@
            )
            _describe -V -t commands command subcommands
            ;;
        arguments)
            case $line[1] in
@CASES@
            esac
            ;;
    esac
}"""

_LEAF = r"""@NAME@() {@LOCALS@
    _arguments -s -S : \
@OPTIONS@
}"""

# Values that depend on the argument before.
_DEPENDENT = r"""@NAME@() {
    case $line[@NUMBER@] in
@CASES@
        *) @OTHERWISE@ ;;
    esac
}"""

_CHOICES = r"""@NAME@() {
    local -a choices=(
@CHOICES@
    )
    _describe -V -t values value choices
}"""


def script(tree: Command) -> str:
    """Return the whole script."""
    commands = list(tree.walk())
    lists = _lists(commands)
    functions = [_function(command, lists) for command in commands]
    functions += [text for command in commands for text in _dependent(command, lists)]
    functions += [
        _fill(_CHOICES, {"NAME": name, "CHOICES": _described(dict(choices), 8)})
        for choices, name in lists.items()
    ]
    return _fill(_SCRIPT, {"FUNCTIONS": "\n\n".join(functions)})


# The action that says what is expected and offers nothing.
_NOTHING = " "

# A list of choices → the function that offers it.
Lists = dict[tuple[tuple[str, str], ...], str]


def _lists(commands: list[Command]) -> Lists:
    lists: Lists = {}
    for command in commands:
        taken = [(max(option.names, key=len), option.takes) for option in command.options]
        taken += [(argument.metavar.lower(), argument.takes) for argument in command.arguments]
        for name, values in taken:
            if values and values.choices:
                lists.setdefault(tuple(values.choices.items()), f"_nb_values_{name.strip('-')}")
            for names, each in values.by_values() if values else ():
                if each.choices:
                    lists.setdefault(tuple(each.choices.items()), f"_nb_values_{names[0]}")
    return lists


def _function(command: Command, lists: Lists) -> str:
    words = [_option(option, lists) for option in command.options]
    words += [
        _positional(command, number, argument, lists)
        for number, argument in enumerate(command.arguments, start=1)
    ]
    if not command.commands:
        options = " \\\n".join(f"        {word}" for word in words)
        is_dependent = any(argument.takes.after for argument in command.arguments)
        names = "\n    local line\n    typeset -A opt_args" if is_dependent else ""
        return _fill(_LEAF, {"NAME": _name(command), "LOCALS": names, "OPTIONS": options})
    parts = {
        "NAME": _name(command),
        "OPTIONS": "\n".join(f"        {word} \\" for word in words),
        "COMMANDS": _described({child.path[-1]: child.about for child in command.commands}, 16),
        "CASES": "\n".join(_cases(command)),
    }
    return _fill(_GROUP, parts)


def _cases(command: Command) -> Iterator[str]:
    for child in command.commands:
        yield f"                {child.path[-1]}) {_name(child)} ;;"


def _name(command: Command) -> str:
    return "_".join(("_nb", *command.path))


def _option(option: Option, lists: Lists) -> str:
    names = option.names
    text = f"[{_escaped(option.about, '[]')}]"
    if option.takes:
        # Its value may be the next word, or stand after `=` or right after the letter.
        names = tuple(name + ("=" if name.startswith("--") else "+") for name in names)
        text += f":{_escaped(option.metavar, ':')}:{_action(option.takes, lists)}"
    exclusive = "*" if option.repeatable else f"({' '.join(option.names)})"
    spelt = names[0] if len(names) == 1 else f"{{{','.join(names)}}}"
    return f"{_quoted(exclusive)}{spelt}{_quoted(text)}"


def _positional(command: Command, number: int, argument: Argument, lists: Lists) -> str:
    place = "*" if argument.repeatable else number
    action = _action(argument.takes, lists)
    if argument.takes.after:
        action = _dependent_name(command, argument)
    elif action == _NOTHING:
        action = _only_said(argument)
    return _quoted(f"{place}:{_escaped(argument.metavar, ':')}:{action}")


def _only_said(argument: Argument) -> str:
    """Return the action that names an argument, except where an option is begun."""
    # It would keep options from being offered.
    return f'_guard "^-*" {argument.metavar}'


def _dependent(command: Command, lists: Lists) -> Iterator[str]:
    """Yield the functions for arguments whose values depend on the one before."""
    for number, argument in enumerate(command.arguments):
        if argument.takes.after:
            cases = (
                f"        {'|'.join(names)}) {_action(values, lists)} ;;"
                for names, values in argument.takes.by_values()
            )
            parts = {
                "NAME": _dependent_name(command, argument),
                "NUMBER": str(number),
                "CASES": "\n".join(cases),
                "OTHERWISE": _only_said(argument),
            }
            yield _fill(_DEPENDENT, parts)


def _dependent_name(command: Command, argument: Argument) -> str:
    return f"{_name(command)}_{argument.metavar.lower()}"


def _action(values: Values, lists: Lists) -> str:
    if values.files:
        if values.suffixes is None:
            return "_files"
        endings = "|".join(suffix.removeprefix(".") for suffix in values.suffixes)
        return f'_files -g "(#i)*.({endings})"' if endings else "_files -/"
    return lists[tuple(values.choices.items())] if values.choices else _NOTHING


def _described(choices: Mapping[str, str], indent: int) -> str:
    words = (
        _escaped(value, ":") + (f":{about}" if about else "") for value, about in choices.items()
    )
    return "\n".join(" " * indent + _quoted(word) for word in words)


def _escaped(text: str, special: str) -> str:
    for char in "\\" + special:
        text = text.replace(char, "\\" + char)
    return text


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "'\\''") + "'"


def _fill(template: str, parts: Mapping[str, str]) -> str:
    for mark, part in parts.items():
        template = template.replace(f"@{mark}@", part)
    return template
