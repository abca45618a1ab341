"""Finding and reading the two configuration files.

A file is checked whole when it is read: its encoding, its TOML, each name and each type. What it
says is either understood or an error that names file, line and key, so it is never lost.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import msgspec

from nanobanana_cli.catalog import DEFAULT_PROVIDER, PROVIDERS
from nanobanana_cli.errors import ConfigError, UsageError
from nanobanana_cli.suggest import one_of
from nanobanana_cli.system import HAS_XDG_FOLDERS
from nanobanana_cli.types import Redacted

APP = "nanobanana-wisgate"
PROJECT_FILE = "nb.toml"
# Where a key comes from and where it goes: each belongs to one provider.
GUARDED = ("api-key", "api-key-file", "base-url")
_MAX_BYTES = 256 * 1024

_TEXT: tuple[type, ...] = (str,)
_NUMBER: tuple[type, ...] = (int, float)
TYPES: Mapping[str, tuple[type, ...]] = {
    "provider": _TEXT,
    "base-url": _TEXT,
    "model": _TEXT,
    "aspect": _TEXT,
    "size": (str, int),
    "timeout": _NUMBER,
    "retries": (int,),
    "max-cost": _NUMBER,
    "api-key": _TEXT,
    "api-key-file": _TEXT,
}


class ConfigFile(Redacted, frozen=True):
    """What one file says.

    Args:
        path: where it is.
        text: all of it, comments included; "" when it does not exist yet.
        values: setting → text, as an option would be typed.
        guarded: provider → `api-key`, `api-key-file`, `base-url` → text.
    """

    _hidden = ("text", "guarded")

    path: Path
    text: str = ""
    values: Mapping[str, str] = msgspec.field(default_factory=dict)
    guarded: Mapping[str, Mapping[str, str]] = msgspec.field(default_factory=dict)

    def where(self, *keys: str) -> str:
        """For messages: `/home/u/nb.toml, line 3`."""
        line = line_of(self.text, keys)
        return f"{self.path}, line {line}" if line else str(self.path)

    def where_guarded(self, provider: str, name: str) -> str:
        """The same for an entry of a provider, in its table or at the top."""
        line = line_of(self.text, (provider, name)) or line_of(self.text, (name,))
        return f"{self.path}, line {line}" if line else str(self.path)


def user_path(env: Mapping[str, str], cwd: Path) -> Path:
    """Where the user's file is or would be: `NB_CONFIG`, or the platform's folder for it."""
    if named := env.get("NB_CONFIG"):
        return cwd / named
    if not HAS_XDG_FOLDERS:
        from platformdirs import user_config_path

        return user_config_path(APP, appauthor=False, roaming=True) / "config.toml"
    # The XDG rule is one line, and importing platformdirs for it costs every command 10 ms.
    base = Path(env.get("XDG_CONFIG_HOME", ""))
    return (base if base.is_absolute() else _home() / ".config") / APP / "config.toml"


def current_folder() -> Path:
    """Where the search for a project file begins.

    Raises:
        UsageError: it has been removed, or cannot be read.
    """
    try:
        return Path.cwd()
    except OSError as error:
        raise UsageError(
            "the current folder is not there any more", hint="cd to one that is"
        ) from error


def _home() -> Path:
    try:
        return Path.home()
    except RuntimeError:
        raise ConfigError(
            "there is no home folder to look for a configuration file in",
            hint="set HOME, or NB_CONFIG to a file",
        ) from None


def user_file(env: Mapping[str, str], cwd: Path, *, create: bool = False) -> ConfigFile:
    """The user's file; an empty one when there is none.

    Args:
        create: it is about to be written, so a file that `NB_CONFIG` names need not exist.

    Raises:
        ConfigError: it cannot be read or understood, or `NB_CONFIG` names a file that is missing.
    """
    path = user_path(env, cwd)
    text = read(path)
    if text is None:
        if env.get("NB_CONFIG") and not create:
            raise ConfigError(
                f"NB_CONFIG names a file that does not exist: {path}",
                hint="`nb config set` creates it",
            )
        return ConfigFile(path)
    return parse(path, text)


def project_path(env: Mapping[str, str], cwd: Path) -> Path | None:
    """The nearest `nb.toml` in the current folder or above, unless it is the user's file."""
    user = user_path(env, cwd)
    for folder in (cwd, *cwd.parents):
        path = folder / PROJECT_FILE
        if path != user and _is_file(path):
            return path
    return None


def project_file(env: Mapping[str, str], cwd: Path) -> ConfigFile | None:
    """The project's file, if there is one.

    Raises:
        ConfigError: it cannot be read or understood, or says where a key comes from or goes.
    """
    path = project_path(env, cwd)
    text = read(path) if path else None
    if path is None or text is None:
        return None
    found = parse(path, text)
    _refuse_guarded(found)
    return found


def allowed_entries(provider: str) -> tuple[str, ...]:
    """What a provider's table may hold."""
    return GUARDED if PROVIDERS[provider].needs_key else ("base-url",)


def read(path: Path) -> str | None:
    """A file's text, or None when it does not exist.

    Raises:
        ConfigError: it is there but cannot be read, is too long, or is not UTF-8.
    """
    try:
        with path.open("rb") as file:
            data = file.read(_MAX_BYTES + 1)
    except FileNotFoundError:
        if path.is_symlink():
            raise ConfigError(f"{path} is a link to a file that does not exist") from None
        return None
    except NotADirectoryError:
        return None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "not a path"
        raise ConfigError(f"cannot read {path}: {reason}") from None
    if len(data) > _MAX_BYTES:
        raise ConfigError(f"{path} is too long for a configuration file")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise ConfigError(f"{path}, line {line}, is not UTF-8", hint="save it as UTF-8") from None


def parse(path: Path, text: str) -> ConfigFile:
    """Text → what it says.

    Raises:
        ConfigError: invalid TOML, an unknown name, or a wrong type.
    """
    document = _document(path, text)
    values: dict[str, str] = {}
    guarded: dict[str, dict[str, str]] = {}
    top: dict[str, str] = {}
    for name, value in document.items():
        if name in PROVIDERS:
            guarded[name] = _provider_table(path, text, name, value)
        else:
            _check(path, text, (name,), value, tuple(TYPES), tables=tuple(PROVIDERS))
            (top if name in GUARDED else values)[name] = str(value)
    owner = values.get("provider", DEFAULT_PROVIDER)
    own = guarded.setdefault(owner, {})
    for name, entry in top.items():
        if name in own:
            raise ConfigError(
                f"{name} of {owner} stands twice in {path}: at the top and under [{owner}]",
                hint="remove one of them",
            )
        own[name] = entry
    return ConfigFile(path, text, values, guarded)


def line_of(text: str, keys: tuple[str, ...]) -> int | None:
    """The line, from 1, where a statement sets that key; None when there is none.

    tomllib tells no lines, so the text is cut into statements: the fewest lines that parse alone.
    """
    import tomllib

    table: tuple[str, ...] = ()
    pending: list[str] = []
    for number, line in enumerate(text.split("\n"), start=1):
        pending.append(line)
        try:
            statement = tomllib.loads("\n".join(pending))
        except (ValueError, RecursionError):
            continue
        start = number - len(pending) + 1
        header = pending[0].lstrip().startswith("[")
        pending = []
        if header:
            table = _path(statement)
        found = _path(statement) if header else table + _path(statement, keys[len(table) :])
        if statement and found[: len(keys)] == keys:
            return start
    return None


def _path(statement: Mapping[str, object], wanted: tuple[str, ...] = ()) -> tuple[str, ...]:
    """The keys that lead into a statement, along `wanted` where an inline table branches."""
    path: list[str] = []
    node: object = statement
    while isinstance(node, dict) and node:
        step = wanted[len(path)] if len(path) < len(wanted) else ""
        key = step if step in node else next(iter(node))
        path.append(key)
        node = node[key]
    return tuple(path)


def _document(path: Path, text: str) -> dict[str, object]:
    import tomllib

    try:
        return tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        # tomllib's reasons tell a position and a rule, never a value.
        reason = str(error) if isinstance(error, tomllib.TOMLDecodeError) else "unusable value"
        raise ConfigError(
            f"{path} is not valid TOML: {reason}", hint="correct it by hand"
        ) from None


def _provider_table(path: Path, text: str, provider: str, table: object) -> dict[str, str]:
    if not isinstance(table, dict):
        where = _where(path, text, (provider,))
        raise ConfigError(f"{provider} in {where}, must be a table", hint=f"[{provider}]")
    for name, value in table.items():
        _check(path, text, (provider, name), value, allowed_entries(provider))
    return {name: str(value) for name, value in table.items()}


def _check(
    path: Path,
    text: str,
    keys: tuple[str, ...],
    value: object,
    allowed: tuple[str, ...],
    tables: tuple[str, ...] = (),
) -> None:
    name = keys[-1]
    shown = ".".join(keys)
    if name not in allowed:
        raise ConfigError(
            f"{shown} in {_where(path, text, keys)}, is not a setting",
            hint=one_of(name, (*allowed, *tables), "") or f"one of {', '.join(allowed)}",
        )
    # type(), since a bool is an int to isinstance.
    if type(value) not in TYPES[name]:
        kind = "text in quotes" if str in TYPES[name] else "a number, without quotes"
        raise ConfigError(f"{shown} in {_where(path, text, keys)}, must be {kind}")


def _where(path: Path, text: str, keys: tuple[str, ...]) -> str:
    return ConfigFile(path, text).where(*keys)


def _refuse_guarded(project: ConfigFile) -> None:
    for provider, entries in project.guarded.items():
        for name in entries:
            where = project.where_guarded(provider, name)
            raise ConfigError(
                f"{name} in {where}, is not allowed in a project file",
                hint="a project may not say where a key comes from or goes; use `nb config set`",
            )


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:
        return False
