"""Write the script for Bash, 3.2 (macOS) included."""

from __future__ import annotations

from collections.abc import Iterator

from nanobanana_cli.completion.tree import Command
from nanobanana_cli.completion.values import Values

FILE = "nb.bash"

_SCRIPT = r"""# Bash completion for nb. Generated from the command tree; do not edit.
# shellcheck shell=bash

# What the command $1 has: subcommands, options, and a pattern for those whose value comes next.
_nb_command() {
    commands='' options='' valued=''
    case $1 in
@COMMANDS@
    esac
}

# What goes into $2 of command $1, an option or the number of an argument after `last`.
_nb_values() {
    values=''
    case "$1 $2" in
@VALUES@
    esac
}

# The words before the cursor as the shell will see them: readline breaks them at : and = too.
_nb_words() {
    local line=${COMP_LINE:0:COMP_POINT} gap word i
    words=()
    for ((i = 0; i <= COMP_CWORD; i++)); do
        gap=${line%%[![:space:]]*}
        line=${line#"$gap"}
        word=${COMP_WORDS[i]:0:${#line}}
        line=${line:${#word}}
        if [[ -z $gap && i -gt 0 ]]; then
            words[${#words[@]} - 1]+=$word
        else
            words[${#words[@]}]=$word
        fi
    done
}

# Offers those of the words $2 that begin with $1, leaving off what readline will not replace.
_nb_offer() {
    local typed=$1 kept='' choice breaks=''
    [[ $COMP_WORDBREAKS == *:* ]] && breaks=:
    [[ $COMP_WORDBREAKS == *=* ]] && breaks+='='
    case $typed in
        [\"\']*) typed=${typed:1} ;;
        *) [[ -n $breaks ]] && kept=${typed%"${typed##*["$breaks"]}"} ;;
    esac
    for choice in $2; do
        [[ $choice == "$typed"* ]] && COMPREPLY[${#COMPREPLY[@]}]=${choice#"$kept"}
    done
}

# Offers the folders, and the files with one of the suffixes $2, that begin with $1; without any,
# or with quotes and the like in $1, which readline knows how to replace, all files.
_nb_offer_files() {
    local name suffix
    if [[ $1 != *[\"\'\\~:=]* ]] && compopt -o filenames +o nosort 2>/dev/null; then
        while IFS= read -r name; do
            suffix=.${name##*.}
            if [[ -d $name || " $2 " == *" ${suffix,,} "* ]]; then
                COMPREPLY[${#COMPREPLY[@]}]=$name
            fi
        done < <(compgen -f -- "$1")
    fi
    [[ ${#COMPREPLY[@]} == 0 ]] && compopt -o default +o nosort 2>/dev/null
}

# Offers what $2 of command $1 takes; $3 is typed of it, after the $4 that belongs to its word.
_nb_offer_values() {
    local values choice whole=''
    _nb_values "$1" "$2"
    if [[ $values == files ]]; then
        compopt -o default +o nosort 2>/dev/null
    elif [[ $values == files\ * || $values == folders ]]; then
        _nb_offer_files "$3" "${values#* }"
    elif [[ $3 == [\"\']* ]]; then
        _nb_offer "$3" "$values"
    else
        for choice in $values; do
            whole+=" $4$choice"
        done
        _nb_offer "$4$3" "$whole"
    fi
}

_nb() {
    local IFS=$' \t\n' words commands options valued
    local path='' pending='' rest=0 position=0 last='' word i redirection='^[0-9&]*[<>]+'
    COMPREPLY=()
    _nb_words
    local current=${words[${#words[@]} - 1]} previous=${words[${#words[@]} - 2]}
    # After > or <, the shell's own completion of file names is right.
    [[ $current =~ $redirection || $previous =~ $redirection$ ]] && return
    compopt +o default 2>/dev/null
    _nb_command ''
    for ((i = 1; i < ${#words[@]} - 1; i++)); do
        word=${words[i]}
        if [[ -n $pending ]]; then
            pending=''
        elif [[ $rest == 0 && $word == -- ]]; then
            rest=1
        elif [[ $rest == 0 && $word == -?* ]]; then
            [[ -n $valued && $word =~ $valued ]] && pending=$word
        elif [[ " $commands " == *" $word "* ]]; then
            path=${path:+$path }$word
            _nb_command "$path"
        else
            position=$((position + 1))
            last=$word
        fi
    done
    if [[ $pending == -[!-]* ]]; then
        pending=-${pending: -1}
    fi
    if [[ -n $pending ]]; then
        _nb_offer_values "$path" "$pending" "$current" ''
    elif [[ $rest == 0 && $current == --*=* ]]; then
        _nb_offer_values "$path" "${current%%=*}" "${current#*=}" "${current%%=*}="
    elif [[ $rest == 0 && $current == -* ]]; then
        _nb_offer "$current" "$options"
    elif [[ -n $commands ]]; then
        _nb_offer "$current" "$commands"
    else
        _nb_offer_values "$path" "$position" "$current" ''
    fi
}

complete -o default -o nosort -F _nb nb nanobanana 2>/dev/null ||
    complete -o default -F _nb nb nanobanana
"""


def script(tree: Command) -> str:
    """Return the whole script."""
    commands = "\n".join(line for command in tree.walk() for line in _command(command))
    return _SCRIPT.replace("@COMMANDS@", commands).replace("@VALUES@", "\n".join(_values(tree)))


def _command(command: Command) -> Iterator[str]:
    names = [name for option in command.options for name in option.names]
    yield f"        '{command.name}')"
    if command.commands:
        yield f"            commands='{' '.join(child.path[-1] for child in command.commands)}'"
    yield f"            options='{' '.join(names)}'"
    if valued := command.value_follows():
        yield f"            valued='{valued}'"
    yield "            ;;"


def _values(tree: Command) -> Iterator[str]:
    for taken, places in _places(tree).items():
        yield f"        {' | '.join(places)})\n            values='{taken}'\n            ;;"
    for command in tree.walk():
        for number, argument in enumerate(command.arguments):
            if argument.takes.after:
                yield f"        '{command.name} {number}')\n            case $last in"
                for names, values in argument.takes.by_values():
                    yield f"                {' | '.join(names)}) values='{_taken(values)}' ;;"
                yield "            esac\n            ;;"


def _places(tree: Command) -> dict[str, list[str]]:
    """Map the values of each option and argument to the patterns of its places."""
    places: dict[str, list[str]] = {}
    for command in tree.walk():
        for option in command.options:
            for name in option.names if option.takes else ():
                places.setdefault(_taken(option.takes), []).append(f"'{command.name} {name}'")
        for number, argument in enumerate(command.arguments):
            # Only positions begin with a digit, so the pattern leaves the options alone.
            place = f"'{command.name} '[0-9]*"
            place = place if argument.repeatable else f"'{command.name} {number}'"
            places.setdefault(_taken(argument.takes), []).append(place)
    places.pop("", None)
    return places


def _taken(values: Values | None) -> str:
    if not values:
        return ""
    if values.files:
        return "folders" if values.suffixes == () else " ".join(("files", *(values.suffixes or ())))
    return " ".join(values.choices)
