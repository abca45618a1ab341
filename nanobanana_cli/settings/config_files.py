"""Find, read and check the two configuration files.

Encoding, TOML, names and types are checked when a file is read; nothing in it is ignored. Errors
name the file, the line and the key.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import msgspec

from nanobanana_cli.catalog import DEFAULT_PROVIDER, PROVIDERS
from nanobanana_cli.errors import ConfigError, UsageError
from nanobanana_cli.settings.headers import HEADERS, check_header
from nanobanana_cli.settings.names import GUARDED, TYPES, USER_ONLY
from nanobanana_cli.settings.toml_lines import line_of, load
from nanobanana_cli.suggest import one_of
from nanobanana_cli.system import APP, HAS_XDG_FOLDERS
from nanobanana_cli.types import Redacted

PROJECT_FILE = "nb.toml"
_MAX_BYTES = 256 * 1024


class ConfigFile(Redacted, frozen=True):
    """The content of a configuration file.

    Args:
        path: the file's path.
        text: the whole file, comments included; "" if it does not exist yet.
        values: setting → text, as typed for an option.
        guarded: provider → `api-key`, `api-key-file`, `base-url` or `headers.NAME` → text.
    """

    _hidden = ("text", "guarded")

    path: Path
    text: str = ""
    values: Mapping[str, str] = msgspec.field(default_factory=dict)
    guarded: Mapping[str, Mapping[str, str]] = msgspec.field(default_factory=dict)

    def where(self, *keys: str) -> str:
        """Return the place of a key for messages: `/home/u/nb.toml, line 3`."""
        line = line_of(self.text, keys)
        return f"{self.path}, line {line}" if line else str(self.path)

    def where_guarded(self, provider: str, name: str) -> str:
        """Return the place of a provider's entry, in its table or at the top."""
        keys = tuple(name.split(".", 1))
        return self.where(*((provider,) if line_of(self.text, (provider, *keys)) else ()), *keys)

    def headers(self, provider: str) -> dict[str, str]:
        """Return the headers that calls to a provider get."""
        prefix = f"{HEADERS}."
        entries = self.guarded.get(provider, {}).items()
        return {name[len(prefix) :]: text for name, text in entries if name.startswith(prefix)}


def user_path(env: Mapping[str, str], cwd: Path) -> Path:
    """Return the path of the user's file: `NB_CONFIG`, or in the platform's config folder."""
    if named := env.get("NB_CONFIG"):
        return cwd / named
    if not HAS_XDG_FOLDERS:
        from platformdirs import user_config_path

        return user_config_path(APP, appauthor=False, roaming=True) / "config.toml"
    # The XDG rule is one line; importing platformdirs for it costs every command 10 ms.
    folder = Path(env.get("XDG_CONFIG_HOME", ""))
    try:
        folder = folder if folder.is_absolute() else Path.home() / ".config"
    except RuntimeError:
        raise ConfigError(
            "cannot find a home folder for the configuration file",
            hint="set HOME, or set NB_CONFIG to a file",
        ) from None
    return folder / APP / "config.toml"


def current_folder() -> Path:
    """Return the current folder, where the search for a project file starts.

    Raises:
        UsageError: it was removed, or cannot be read.
    """
    try:
        return Path.cwd()
    except OSError as error:
        raise UsageError(
            "the current folder no longer exists", hint="cd to another folder"
        ) from error


def user_file(env: Mapping[str, str], cwd: Path, *, create: bool = False) -> ConfigFile:
    """Read the user's file; return an empty one if it does not exist.

    Args:
        create: the file is about to be written, so the one in `NB_CONFIG` need not exist.

    Raises:
        ConfigError: the file is unreadable or invalid, or the one in `NB_CONFIG` is missing.
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
    """Return the nearest `nb.toml` in `cwd` or above, unless it is the user's file."""
    user = user_path(env, cwd)
    for folder in (cwd, *cwd.parents):
        path = folder / PROJECT_FILE
        if path != user and _is_file(path):
            return path
    return None


def project_file(env: Mapping[str, str], cwd: Path) -> ConfigFile | None:
    """Read the project's file, if any.

    Raises:
        ConfigError: it is unreadable or invalid, or sets one of `GUARDED` or `USER_ONLY`.
    """
    path = project_path(env, cwd)
    text = read(path) if path else None
    if path is None or text is None:
        return None
    found = parse(path, text)
    barred = [(found.where_guarded(p, n), n) for p, own in found.guarded.items() for n in own]
    barred += [(found.where(n), n) for n in USER_ONLY if n in found.values]
    for where, name in barred:
        raise ConfigError(
            f"{name} in {where}, is not allowed in a project file",
            hint="only your own file may choose keys and addresses or guard money: `nb config set`",
        )
    return found


def allowed_entries(provider: str) -> tuple[str, ...]:
    """Return the names that a provider's table may hold."""
    return GUARDED if PROVIDERS[provider].needs_key else ("base-url",)


def read(path: Path) -> str | None:
    """Read a file's text; return None if it does not exist.

    Raises:
        ConfigError: it is unreadable, too large, or not UTF-8.
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
        reason = getattr(error, "strerror", None) or "not a valid path"
        raise ConfigError(f"cannot read {path}: {reason}") from None
    if len(data) > _MAX_BYTES:
        raise ConfigError(f"{path} is too large for a configuration file")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise ConfigError(f"{path}, line {line}, is not UTF-8", hint="save it as UTF-8") from None


def parse(path: Path, text: str) -> ConfigFile:
    """Parse a file's text.

    Raises:
        ConfigError: invalid TOML, an unknown name, or a wrong type.
    """
    document = _document(path, text)
    blank = ConfigFile(path, text)
    values: dict[str, str] = {}
    guarded: dict[str, dict[str, str]] = {}
    top: dict[str, str] = {}
    for name, value in document.items():
        if name in PROVIDERS:
            guarded[name] = _provider_table(blank, name, value)
        elif name == HEADERS:
            raise _error(blank, (name,), "belong to a provider", f"[{DEFAULT_PROVIDER}.{HEADERS}]")
        else:
            _check(blank, (name,), value, (*TYPES, *PROVIDERS))
            (top if name in GUARDED else values)[name] = str(value)
    owner = values.get("provider", DEFAULT_PROVIDER)
    own = guarded.setdefault(owner, {})
    for name, entry in top.items():
        if name in own:
            raise ConfigError(
                f"{name} of {owner} is set twice in {path}: at the top and under [{owner}]",
                hint="remove one of them",
            )
        own[name] = entry
    return ConfigFile(path, text, values, guarded)


def _document(path: Path, text: str) -> dict[str, object]:
    import tomllib

    try:
        return load(text)
    except (ValueError, RecursionError) as error:
        # tomllib's reasons give a position and a rule, never a value.
        reason = str(error) if isinstance(error, tomllib.TOMLDecodeError) else "unusable value"
        raise ConfigError(f"{path} is not valid TOML: {reason}", hint="edit the file") from None


def _provider_table(file: ConfigFile, provider: str, table: object) -> dict[str, str]:
    if not isinstance(table, dict):
        raise _error(file, (provider,), "must be a table", f"[{provider}]")
    allowed = allowed_entries(provider)
    if PROVIDERS[provider].needs_key:
        allowed = (*allowed, HEADERS)
    entries: dict[str, str] = {}
    for name, value in table.items():
        if name == HEADERS:
            entries |= _headers(file, provider, value)
        else:
            _check(file, (provider, name), value, allowed)
            entries[name] = str(value)
    return entries


def _headers(file: ConfigFile, provider: str, table: object) -> dict[str, str]:
    if not isinstance(table, dict):
        raise _error(file, (provider, HEADERS), "must be a table", f"[{provider}.{HEADERS}]")
    for name, value in table.items():
        if not isinstance(value, str):
            raise _error(file, (provider, HEADERS, name), "must be text in quotes")
        try:
            check_header(name, value)
        except UsageError as error:
            where = file.where(provider, HEADERS, name)
            raise ConfigError(f"{error.message} in {where}", hint=error.hint) from None
    return {f"{HEADERS}.{name}": value for name, value in table.items()}


def _check(
    file: ConfigFile, keys: tuple[str, ...], value: object, allowed: tuple[str, ...]
) -> None:
    name = keys[-1]
    if name not in allowed:
        hint = one_of(name, allowed, "") or one_of("", allowed)
        raise _error(file, keys, "is not a setting", hint)
    # type(), since a bool is an int to isinstance.
    if type(value) not in TYPES[name]:
        kinds = {str: "text in quotes", bool: "true or false", int: "a number, without quotes"}
        raise _error(file, keys, f"must be {next(kinds[t] for t in kinds if t in TYPES[name])}")


def _error(
    file: ConfigFile, keys: tuple[str, ...], reason: str, hint: str | None = None
) -> ConfigError:
    return ConfigError(f"{'.'.join(keys)} in {file.where(*keys)}, {reason}", hint=hint)


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:
        return False
