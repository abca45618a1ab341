"""Settings of any text: files, variables, values, addresses, headers, keys, and edits of a file."""

from __future__ import annotations

import string
import tomllib
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

import hypothesis.strategies as st
from hypothesis import given
from hypothesis.errors import UnsatisfiedAssumption
from support import fuzzing

from nanobanana_cli.errors import ConfigError, KeyRejected, NbError, UsageError
from nanobanana_cli.settings import (
    config_files,
    credentials,
    edit,
    headers,
    output,
    resolve,
    validators,
)
from nanobanana_cli.settings.config_files import ConfigFile
from nanobanana_cli.settings.names import DEFAULTS, TYPES, variable_of
from nanobanana_cli.settings.validators import InvalidValue

_PATH = Path("nb.toml")
_VALUES = (
    *(
        "1",
        "-1",
        "0x" + "f" * 5000,
        "9" * 5000,
        "1e999",
        "inf",
        "nan",
        "0.5",
        "true",
        "2026-01-01",
        "07:30",
    ),
    *(
        "[" * 2000,
        "]" * 2000,
        '"google"',
        "'sandbox'",
        '"\\ud800"',
        "[]",
        "{}",
        "{a = 1}",
        '""',
        "12_3",
    ),
    *(
        f'"{fuzzing.CANARY}"',
        f"'{fuzzing.CANARY}'",
        '"https://a.example/v1beta"',
        '"16:9"',
        '"""a\n\nb"""',
    ),
)
_TOKENS = (
    *TYPES,
    *_VALUES,
    *(
        "=",
        " = ",
        ".",
        "\n",
        "\r\n",
        " ",
        "# a comment\n",
        "[",
        "]",
        '"',
        "'",
        "\\",
        "\0",
        "\x1b[31m",
    ),
    *(
        "[wisgate]\n",
        "[google]\n",
        "[wisgate.headers]\n",
        "headers",
        "[[image]]",
        "api-key = ",
        "model = ",
    ),
    *("\ufeff", f'api-key = "{fuzzing.CANARY}"\n', "wisgate.api-key = ", '"""', "'''"),
)


def _told(error: NbError) -> None:
    fuzzing.check_message(error.message)
    for line in (error.hint or "hint").splitlines():
        fuzzing.check_message(line)


@given(fuzzing.mixed(_TOKENS))
def test_any_file_is_settings_or_an_error(text: str) -> None:
    try:
        found = config_files.parse(_PATH, text)
        resolve.resolve({}, {}, found, None)
    except ConfigError as error:
        # A value that is no key's is shown.
        if fuzzing.CANARY not in error.message:
            _told(error)
        return
    assert found.values.keys() <= TYPES.keys()
    assert fuzzing.CANARY not in repr(found)


@given(st.binary(max_size=60))
def test_any_bytes_are_settings_or_an_error(data: bytes) -> None:
    _PATH.write_bytes(data)
    try:
        config_files.user_file({"NB_CONFIG": "nb.toml"}, Path())
    except ConfigError as error:
        _told(error)


@fuzzing.inputs(0.3)
@given(fuzzing.repeated(_TOKENS), st.sampled_from(("", "\nfoo = 1\n", "\nretries = 'a'\n")))
def test_no_file_takes_long(given: fuzzing.Long, end: str) -> None:
    text = given.text(50_000)
    with fuzzing.soon():
        try:
            config_files.parse(_PATH, text + end)
        except ConfigError as error:
            fuzzing.check_message(error.message)


_comments = st.sampled_from(("", "  # why", "\t# füchse = 1", " #"))
_entries: dict[str, tuple[str, ...]] = {
    "provider": ('"wisgate"', "'google'"),
    "model": ('"pro"', "'some-model'"),
    "aspect": ('"16:9"', "'square'", '"""auto"""'),
    "size": ('"2K"', "1024"),
    "timeout": ("120", "0.5", "1e2"),
    "retries": ("0x3", "5"),
    "max-cost": ("0.50", "1"),
    "alt": ("true", "false"),
}
_new = {
    "provider": "google",
    "model": "pro",
    "aspect": "4:3",
    "size": "1K",
    "timeout": "90",
    "retries": "2",
    "max-cost": "0.25",
    "wait": "30m",
    "api-key": fuzzing.CANARY,
    "google.api-key": "k1234567890",
    "base-url": "https://a.example",
    "headers.cf-token": "abc",
    "google.headers.X-A": "b c",
}


@st.composite
def _files(draw: st.DrawFn) -> str:
    """A valid file, with comments, tables in any order, dotted and quoted keys."""
    lines: list[str] = []
    for name in draw(st.lists(st.sampled_from(sorted(_entries)), unique=True)):
        key = draw(st.sampled_from((name, f'"{name}"', f"'{name}'")))
        between = draw(st.sampled_from((" = ", "=", "  =\t")))
        value = draw(st.sampled_from(_entries[name]))
        lines += [*draw(_space), f"{key}{between}{value}{draw(_comments)}"]
    dotted = draw(st.booleans())
    for provider in draw(st.lists(st.sampled_from(("wisgate", "google")), unique=True)):
        entries = ('api-key = "k0123456789"', 'base-url = "https://b.example"')
        own = draw(st.lists(st.sampled_from(entries), unique=True))
        if dotted:
            lines += [f"{provider}.{entry}{draw(_comments)}" for entry in own]
        else:
            lines += [*draw(_space), f"[ {provider} ]{draw(_comments)}", *own, *draw(_space)]
        if not dotted and draw(st.booleans()):
            lines += [f"[{provider}.headers]", 'X-B = "y"  # kept']
    end = draw(st.sampled_from(("\n", "\r\n")))
    return end.join(lines) + draw(st.sampled_from(("", end)))


_space = st.lists(st.sampled_from(("", "# a comment", "  # another")), max_size=2)


def _comments_of(text: str) -> list[str]:
    return [line.partition("#")[2].strip() for line in text.splitlines() if "#" in line]


@given(_files(), st.sampled_from(sorted(_new)), st.booleans())
def test_an_edit_keeps_the_comments_and_all_else(text: str, name: str, is_twice: bool) -> None:
    before = _parsed(text)
    owner = before.values.get("provider", "wisgate")
    setting = edit.parse_name(name, owner)
    try:
        after = edit.with_entry(before, setting, _new[name])
        again = edit.with_entry(after, setting, _new[name]) if is_twice else after
        gone = edit.without_entry(again, setting)
    except UsageError as error:
        _told(error)
        return
    assert again.text == after.text
    assert edit.value_of(after, setting) == _new[name]
    assert edit.value_of(gone, setting) is None
    kept = _comments_of(after.text)
    # Only the comment of the line that was changed may go.
    assert len([each for each in _comments_of(text) if each not in kept]) == 0
    others = _flat(tomllib.loads(text))
    for key, value in _flat(tomllib.loads(after.text)).items():
        assert key.endswith(setting.setting) or others[key] == value


def _flat(table: dict[str, object], prefix: str = "") -> dict[str, object]:
    found: dict[str, object] = {}
    for key, value in table.items():
        if isinstance(value, dict):
            found |= _flat(value, f"{prefix}{key}.")
        else:
            found[prefix + key] = value
    return found


def _parsed(text: str) -> ConfigFile:
    try:
        return config_files.parse(_PATH, text)
    except ConfigError as error:
        _told(error)
        raise UnsatisfiedAssumption from None


_typed = st.text(max_size=12) | st.text(string.digits + ".:x-+eEhmsKk×٣ \n", max_size=12)
_PARSERS: tuple[tuple[Callable[[str], object], Callable[[object], bool]], ...] = (
    (validators.timeout, lambda v: isinstance(v, float) and 0 < v <= validators.MAX_TIMEOUT),
    (validators.retries, lambda v: isinstance(v, int) and 0 <= v <= validators.MAX_RETRIES),
    (validators.wait, lambda v: isinstance(v, int | float) and 0 <= v <= validators.MAX_WAIT),
    (validators.max_cost, lambda v: isinstance(v, int) and 0 <= v <= 10**12),
    (validators.memory_limit, lambda v: isinstance(v, int) and v >= 200 << 20),
    (validators.switch, lambda v: isinstance(v, bool)),
    (validators.model, lambda v: isinstance(v, str) and v.isascii() and v.isprintable()),
    (lambda t: validators.aspect(t, "x"), lambda v: isinstance(v, str) and len(v) < 12),
    (
        lambda t: validators.aspect(t, "gemini-3.1-flash-image-preview"),
        lambda v: ":" in str(v) or v == "auto",
    ),
    (lambda t: validators.size(t, "x"), lambda v: isinstance(v, str) and v.endswith("K")),
    (
        lambda t: validators.size(t, "gemini-3.1-flash-image-preview"),
        lambda v: str(v).endswith("K"),
    ),
    (validators.provider, lambda v: v in ("wisgate", "google", "sandbox")),
    (output.image_format, lambda v: v in output.FORMAT_CHOICES),
    (output.concurrency, lambda v: isinstance(v, int) and 1 <= v <= 256),
    (output.folder, lambda v: isinstance(v, str) and "\0" not in v),
)


@given(_typed, st.sampled_from(_PARSERS))
def test_a_value_is_valid_or_told(
    text: str, parser: tuple[Callable[[str], object], Callable[[object], bool]]
) -> None:
    parse, is_valid = parser
    try:
        found = parse(text)
    except InvalidValue as error:
        fuzzing.check_message(error.reason)
        fuzzing.check_message(error.hint or "none")
        return
    assert is_valid(found)


_ADDRESS_TOKENS = (
    *(
        "http",
        "https",
        "HTTPS",
        "ftp",
        "://",
        ":",
        "/",
        "//",
        "..",
        ".",
        "@",
        "?",
        "#",
        "%2f",
        "%",
        "\\",
    ),
    *(
        "localhost",
        "127.0.0.1",
        "[::1]",
        "[",
        "]",
        "wisgate.ai",
        "a.example",
        "0x7f.1",
        "127.1",
        "0",
    ),
    *(
        "v1beta",
        "/v1beta",
        "/models",
        "/models/x:generateContent",
        "/publishers/google",
        ":8080",
        ":99999",
    ),
    *(
        "xn--",
        "-",
        "_",
        " ",
        "\t",
        "\n",
        "é",
        "\0",
        "%00",
        "wisgate.ai.",
        "aiplatform.googleapis.com",
    ),
)


@given(
    st.sampled_from(("", "https://", "http://localhost", "https://a.example/")),
    fuzzing.mixed(_ADDRESS_TOKENS, 8),
)
def test_an_address_is_safe_or_told(start: str, rest: str) -> None:
    try:
        base, model = validators.split_address(start + rest)
    except InvalidValue as error:
        fuzzing.check_message(error.reason)
        return
    parts = urlsplit(base)
    assert parts.scheme in ("http", "https")
    assert parts.hostname == validators.host(base) != ""
    assert parts.username is parts.password is None
    assert not parts.query + parts.fragment
    assert parts.scheme == "https" or validators.is_loopback(validators.host(base))
    assert base.isascii()
    assert base.isprintable()
    assert not base.endswith("/")
    assert validators.split_address(base)[0] == base
    validators.provider_at(base)
    for name in (model,) if model else ():
        try:
            assert validators.model(name).isprintable()
        except InvalidValue as error:
            fuzzing.check_message(error.reason)


@given(_typed | st.sampled_from(("X-A", "host", "x-goog-api-key", "Cookie")), st.text(max_size=20))
def test_a_header_is_one_line_or_told(name: str, value: str) -> None:
    try:
        headers.check_header(name, value)
    except UsageError as error:
        fuzzing.check_message(error.message)
        return
    line = f"{name}: {value}"
    assert line.isascii()
    assert not set("\r\n") & set(line)
    assert ":" not in name


@given(
    st.sampled_from(("", '"', "export KEY=", "Bearer ", " ", "\u201c", "${", "é", "\n", "\0")),
    st.sampled_from(("", '"', " ", "}", "\n", "\x7f", "é", "\ud800")),
)
def test_a_key_is_taken_or_refused_without_being_shown(before: str, after: str) -> None:
    try:
        found = credentials.check(before + fuzzing.CANARY + after, "a file")
    except KeyRejected as error:
        _told(error)
        return
    assert found == before + fuzzing.CANARY + after
    assert found.isascii()
    assert found.isprintable()
    assert " " not in found


@given(st.dictionaries(st.sampled_from(sorted(DEFAULTS)), _typed, max_size=4), st.booleans())
def test_any_variable_is_a_setting_or_told(values: dict[str, str], is_option: bool) -> None:
    env = {variable_of(name): text for name, text in values.items() if variable_of(name)}
    blank = ConfigFile(_PATH)
    try:
        resolve.resolve(values if is_option else {}, {} if is_option else env, blank, None)
    except UsageError as error:
        _told(error)
