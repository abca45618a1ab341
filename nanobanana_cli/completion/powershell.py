"""Write the script for PowerShell, 5.1 and 7."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from nanobanana_cli.completion.tree import Command
from nanobanana_cli.completion.values import Values

FILE = "nb.ps1"

_SCRIPT = r"""# PowerShell completion for nb. Generated from the command tree; do not edit.

Register-ArgumentCompleter -Native -CommandName nb, nanobanana -ScriptBlock {
    param($wordToComplete, $commandAst, $cursorPosition)

    $commands = @{
@COMMANDS@
    }
    $options = @{
@OPTIONS@
    }
    # The words whose value comes next.
    $valued = @{
@VALUED@
    }
    # What goes into an option, or into the argument of a number; '*' stands for any argument.
    $values = @{
@VALUES@
    }

    $path = ''
    $pending = ''
    $rest = $false
    $position = 0
    $last = ''
    foreach ($element in ($commandAst.CommandElements | Select-Object -Skip 1)) {
        if ($element.Extent.EndOffset -ge $cursorPosition) { break }
        $word = $element.Extent.Text
        $below = "$path $word".Trim()
        if ($pending) { $pending = '' }
        elseif (-not $rest -and $word -ceq '--') { $rest = $true }
        elseif (-not $rest -and $word -match '^-.') {
            if ($valued.ContainsKey($path) -and $word -cmatch $valued[$path]) {
                $pending = $word -creplace '^-[^-]*(.)$', '-$1'
            }
        }
        elseif ($options.ContainsKey($below)) { $path = $below }
        else {
            $position++
            $last = $word
        }
    }

    $before = ''
    $typed = $wordToComplete
    $place = "$path $position"
    if ($pending) { $place = "$path $pending" }
    elseif (-not $rest -and $typed -match '^(--[^=]+)=(.*)$') {
        $before = $Matches[1] + '='
        $typed = $Matches[2]
        $place = "$path $($Matches[1])"
    }

    $offered = $values[$place.Trim()]
    if (-not $offered) { $offered = $values["$place $last"] }
    if (-not $pending -and -not $before) {
        if (-not $rest -and $typed -like '-*') { $offered = $options[$path] }
        elseif ($commands.ContainsKey($path)) { $offered = $commands[$path] }
        elseif (-not $offered) { $offered = $values["$path *".Trim()] }
    }

    # Nothing returned leaves file names to PowerShell itself.
    foreach ($pair in $offered) {
        $text, $about = $pair
        if ($text.StartsWith($typed, [System.StringComparison]::Ordinal)) {
            [System.Management.Automation.CompletionResult]::new(
                "$before$text", $text, 'ParameterValue', $about)
        }
    }
}
"""


def script(tree: Command) -> str:
    """Return the whole script."""
    commands = list(tree.walk())
    groups = [command for command in commands if command.commands]
    parts = {
        "@COMMANDS@": [_table(group.name, _children(group)) for group in groups],
        "@OPTIONS@": [_table(command.name, _options(command)) for command in commands],
        "@VALUED@": [
            f"        {_quoted(command.name)} = {_quoted(command.value_follows())}"
            for command in commands
            if command.value_follows()
        ],
        "@VALUES@": [line for command in commands for line in _values(command)],
    }
    text = _SCRIPT
    for mark, lines in parts.items():
        text = text.replace(mark, "\n".join(lines))
    return text


def _children(command: Command) -> Mapping[str, str]:
    return {child.path[-1]: child.about for child in command.commands}


def _options(command: Command) -> Mapping[str, str]:
    return {name: option.about for option in command.options for name in option.names}


def _values(command: Command) -> Iterator[str]:
    taken: list[tuple[str, Values | None]] = [
        (name, option.takes) for option in command.options for name in option.names
    ]
    for number, argument in enumerate(command.arguments):
        taken.append(("*" if argument.repeatable else str(number), argument.takes))
        taken += [(f"{number} {name}", each) for name, each in argument.takes.after.items()]
    for place, values in taken:
        if values and values.choices:
            yield _table(f"{command.name} {place}", values.choices)


def _table(name: str, choices: Mapping[str, str]) -> str:
    """Return one entry: a list of pairs, text and description, the second never empty."""
    pairs = ",\n".join(
        f"            ({_quoted(text)}, {_quoted(about or text)})"
        for text, about in choices.items()
    )
    if len(choices) == 1:
        # The comma keeps a list of one pair from being taken for a list of two texts.
        pairs = pairs.replace("(", ",(", 1)
    return f"        {_quoted(name)} = @(\n{pairs}\n        )"


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
