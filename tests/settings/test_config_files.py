"""The two TOML files: found, read, and never misunderstood."""

from __future__ import annotations

import os
from pathlib import Path

import platformdirs
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.tools import on_linux

from nanobanana_cli.errors import ConfigError
from nanobanana_cli.settings import config_files
from nanobanana_cli.settings.toml_lines import line_of
from nanobanana_cli.system import APP


def _error(path: Path, text: str) -> ConfigError:
    with pytest.raises(ConfigError) as caught:
        config_files.parse(path, text)
    return caught.value


def test_the_users_file_is_where_the_platform_keeps_such_files() -> None:
    expected = platformdirs.user_config_path(APP, appauthor=False, roaming=True)
    assert config_files.user_path(os.environ, Path.cwd()) == expected / "config.toml"


@on_linux
def test_xdg_moves_the_users_file(tmp_path: Path) -> None:
    env = {"XDG_CONFIG_HOME": str(tmp_path)}
    assert config_files.user_path(env, Path.cwd()) == tmp_path / APP / "config.toml"
    # The specification wants what is relative to be ignored.
    home = config_files.user_path({}, Path.cwd())
    assert config_files.user_path({"XDG_CONFIG_HOME": "relative"}, Path.cwd()) == home


def test_nb_config_names_another_file(tmp_path: Path) -> None:
    assert config_files.user_path({"NB_CONFIG": "mine.toml"}, tmp_path) == tmp_path / "mine.toml"
    with pytest.raises(ConfigError, match="NB_CONFIG names a file that does not exist") as caught:
        config_files.user_file({"NB_CONFIG": "mine.toml"}, tmp_path)
    assert caught.value.hint == "`nb config set` creates it"
    assert config_files.user_file({"NB_CONFIG": "mine.toml"}, tmp_path, create=True).values == {}
    assert config_files.user_file({"NB_CONFIG": os.devnull}, tmp_path).values == {}


def test_the_nearest_project_file_counts(tmp_path: Path) -> None:
    inner = tmp_path / "a" / "b"
    inner.mkdir(parents=True)
    (tmp_path / "nb.toml").write_text('aspect = "4:3"')
    assert config_files.project_path({}, inner) == tmp_path / "nb.toml"
    (tmp_path / "a" / "nb.toml").write_text('size = "2K"')
    project = config_files.project_file({}, inner)
    assert project is not None
    assert project.values == {"size": "2K"}


def test_a_folder_of_that_name_is_no_project_file(tmp_path: Path) -> None:
    (tmp_path / "nb.toml").mkdir()
    assert config_files.project_path({}, tmp_path) is None


def test_a_file_that_the_user_names_is_no_project_file(tmp_path: Path) -> None:
    (tmp_path / "nb.toml").write_text('api-key = "abc"')
    env = {"NB_CONFIG": "nb.toml"}
    assert config_files.project_file(env, tmp_path) is None
    assert config_files.user_file(env, tmp_path).guarded == {"wisgate": {"api-key": "abc"}}


@pytest.mark.parametrize(
    ("line", "name"),
    [
        ('api-key = "abc"', "api-key"),
        ('api-key-file = "key.txt"', "api-key-file"),
        ('base-url = "https://evil.example"', "base-url"),
        ('[google]\nbase-url = "https://evil.example"', "base-url"),
        ('[wisgate]\napi-key-file = "key.txt"', "api-key-file"),
        ('sandbox = { base-url = "https://evil.example" }', "base-url"),
        ('google.api-key = "abc"', "api-key"),
    ],
)
def test_a_project_file_may_not_say_where_a_key_comes_from_or_goes(
    tmp_path: Path, line: str, name: str
) -> None:
    path = tmp_path / "nb.toml"
    path.write_text(f"# a project\n{line}\n")
    with pytest.raises(ConfigError) as caught:
        config_files.project_file({}, tmp_path)
    number = 2 + line.count("\n")
    assert (
        caught.value.message == f"{name} in {path}, line {number}, is not allowed in a project file"
    )


def test_all_that_a_file_can_say() -> None:
    text = """
provider = "google"
base-url = "https://gate.example"
model = "gemini-2.5-flash-image"
size = 512
timeout = 1.5
retries = 0
max-cost = 0.174
[wisgate]
api-key = "w"
"""
    file = config_files.parse(Path("f.toml"), text)
    assert file.values == {
        "provider": "google",
        "model": "gemini-2.5-flash-image",
        "size": "512",
        "timeout": "1.5",
        "retries": "0",
        "max-cost": "0.174",
    }
    # What stands at the top belongs to the provider that the same file names.
    assert file.guarded == {
        "google": {"base-url": "https://gate.example"},
        "wisgate": {"api-key": "w"},
    }


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        ("\nasepct = 1", "asepct in f.toml, line 2, is not a setting", "did you mean aspect?"),
        ("[gogle]", "gogle in f.toml, line 1, is not a setting", "did you mean google?"),
        (
            '[google]\napi_key = "x"',
            "google.api_key in f.toml, line 2, is not a setting",
            "did you mean api-key?",
        ),
        (
            '[sandbox]\napi-key = "x"',
            "sandbox.api-key in f.toml, line 2, is not a setting",
            "one of base-url",
        ),
        ("\n\naspect = 16", "aspect in f.toml, line 3, must be text in quotes", None),
        ('timeout = "30"', "timeout in f.toml, line 1, must be a number, without quotes", None),
        ("retries = true", "retries in f.toml, line 1, must be a number, without quotes", None),
        ("model = [\n'a',\n]", "model in f.toml, line 1, must be text in quotes", None),
        ("google = 1", "google in f.toml, line 1, must be a table", "[google]"),
        (
            'api-key = "x"\n[wisgate]\napi-key = "y"',
            "api-key of wisgate is set twice in f.toml: at the top and under [wisgate]",
            "remove one of them",
        ),
    ],
)
def test_what_cannot_be_understood_is_named_with_its_line(
    text: str, message: str, hint: str | None
) -> None:
    error = _error(Path("f.toml"), text)
    assert (error.message, error.hint) == (message, hint)


def test_broken_toml_names_the_line() -> None:
    error = _error(Path("f.toml"), 'aspect = "16:9"\napi-key = secret-123\n')
    assert error.message.startswith("f.toml is not valid TOML: ")
    assert "line 2" in error.message
    assert "secret-123" not in error.message


def test_a_file_that_is_not_utf8_names_the_line(tmp_path: Path) -> None:
    path = tmp_path / "f.toml"
    path.write_bytes(b'# ok\nmodel = "\xff"\n')
    with pytest.raises(ConfigError, match=r"line 2, is not UTF-8$"):
        config_files.read(path)


def test_windows_editors_are_understood(tmp_path: Path) -> None:
    path = tmp_path / "f.toml"
    path.write_bytes(b'\xef\xbb\xbfaspect = "4:3"\r\n')
    assert config_files.parse(path, config_files.read(path) or "").values == {"aspect": "4:3"}


def test_what_cannot_be_read_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "dangling").symlink_to("nowhere")
    (tmp_path / "long").write_bytes(b"#" * 300_000)
    for name in (".", "dangling", "long", "nul\0"):
        with pytest.raises(ConfigError):
            config_files.read(tmp_path / name)
    assert config_files.read(tmp_path / "missing") is None


LINES = [
    "",
    "# a comment",
    'aspect = "16:9"',
    'note = """',
    '"""',
    "x = [",
    "]",
    "[google]",
    "[[wisgate]]",
    'api-key = "k"',
    'google.base-url = "https://a"',
    "google = { api-key = 'a' }",
    "timeout = 1e999",
    f"retries = {'9' * 5000}",
    f"model = {'[' * 3000}",
    "provider = 'google'",
    "provider = 'nobody'",
]


@given(
    st.lists(st.sampled_from(LINES)).map("\n".join).map(str.encode)
    | st.binary()
    | st.text().map(str.encode)
)
def test_any_bytes_are_a_configuration_or_an_error(
    tmp_path_factory: pytest.TempPathFactory, data: bytes
) -> None:
    path = tmp_path_factory.getbasetemp() / "any.toml"
    path.write_bytes(data)
    try:
        file = config_files.parse(path, config_files.read(path) or "")
    except ConfigError:
        return
    for name in file.values:
        assert line_of(file.text, (name,))


def test_without_a_home_there_is_an_error(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    # As in a container whose user has no entry in /etc/passwd.
    monkeypatch.delenv("HOME")
    monkeypatch.setattr("pwd.getpwuid", {}.__getitem__)
    with pytest.raises(
        ConfigError, match="cannot find a home folder for the configuration file"
    ) as caught:
        config_files.user_path({}, tmp_path)
    assert "NB_CONFIG" in str(caught.value.hint)
    assert config_files.user_path({"NB_CONFIG": "nb.toml"}, tmp_path) == tmp_path / "nb.toml"


@pytest.mark.parametrize("text", ["retries = 0x" + "f" * 5000, "retries = " + "9" * 5000])
def test_a_number_without_end_is_told(text: str) -> None:
    assert "not valid TOML" in _error(Path("nb.toml"), text).message


def test_the_line_of_a_key_is_not_sought_for_long() -> None:
    text = 'model = """' + "\n" * 30_000 + '"""\nfoo = 1'
    assert "foo in nb.toml, is not a setting" in _error(Path("nb.toml"), text).message
