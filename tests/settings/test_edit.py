"""Changing the user's file: one entry, and nothing else."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nanobanana_cli.errors import ConfigError, KeyRejected, NbError, UsageError
from nanobanana_cli.settings import config_files, edit
from nanobanana_cli.settings.config_files import ConfigFile
from nanobanana_cli.settings.edit import SettingName, parse_name

PATH = Path("f.toml")
KEY = SettingName("api-key", "wisgate")

COMMENTED = """\
# mine
aspect = "16:9"   # wide

[google] # work
api-key = "g" # theirs
"""


def _file(text: str) -> ConfigFile:
    return config_files.parse(PATH, text)


def test_comments_and_order_stay() -> None:
    changed = edit.with_entry(_file(COMMENTED), SettingName("size"), "2K")
    changed = edit.with_entry(changed, SettingName("aspect"), "4:3")
    changed = edit.with_entry(changed, SettingName("base-url", "google"), "https://g.example")
    assert changed.text == (
        '# mine\naspect = "4:3"   # wide\nsize = "2K"\n\n[google] # work\n'
        'api-key = "g" # theirs\nbase-url = "https://g.example"\n'
    )
    for name in (SettingName("size"), SettingName("base-url", "google")):
        changed = edit.without_entry(changed, name)
    assert changed.text == COMMENTED.replace("16:9", "4:3")


def test_numbers_are_written_as_numbers() -> None:
    file = _file("")
    for name, text in (("timeout", "60"), ("retries", "0"), ("max-cost", "0.50")):
        file = edit.with_entry(file, SettingName(name), text)
    assert tomllib.loads(file.text) == {"timeout": 60, "retries": 0, "max-cost": 0.5}


def test_a_key_goes_into_the_table_of_its_provider() -> None:
    assert edit.with_entry(_file(""), KEY, 'a"\\b').text == '[wisgate]\napi-key = "a\\"\\\\b"\n'


def test_a_key_at_the_top_moves_into_the_table() -> None:
    changed = edit.with_entry(_file('api-key = "old"\naspect = "4:3"\n'), KEY, "new")
    assert tomllib.loads(changed.text) == {"aspect": "4:3", "wisgate": {"api-key": "new"}}
    assert edit.without_entry(_file('api-key = "old"\n'), KEY).text == ""


def test_what_is_not_there_needs_no_removal() -> None:
    file = _file(COMMENTED)
    assert edit.without_entry(file, SettingName("size")) is file
    assert edit.without_entry(file, KEY) is file


def test_entries_at_the_top_do_not_change_sides_with_the_provider() -> None:
    file = _file('api-key = "w"\n')
    with pytest.raises(UsageError, match="would then belong to google, not wisgate") as caught:
        edit.with_entry(file, SettingName("provider"), "google")
    assert caught.value.hint == "move it under [wisgate] first"
    assert edit.with_entry(file, SettingName("provider"), "wisgate").values == {
        "provider": "wisgate"
    }
    with pytest.raises(UsageError, match="would then belong to wisgate, not google"):
        edit.without_entry(_file('provider = "google"\napi-key = "g"\n'), SettingName("provider"))


def test_a_value_is_checked_with_the_rest_of_the_file() -> None:
    file = _file('model = "gemini-2.5-flash-image"\n')
    assert edit.checked_value(_file(""), SettingName("size"), "512", Path()) == "0.5K"
    with pytest.raises(UsageError, match=r"^size 512 is not an image size of gemini-2.5-flash"):
        edit.checked_value(file, SettingName("size"), "512", Path())
    with pytest.raises(ConfigError, match=r'^aspect = "1:8" in f.toml, line 1, is not an aspect'):
        edit.checked_value(
            _file('aspect = "1:8"'), SettingName("model"), "gemini-2.5-flash-image", Path()
        )


def test_an_address_is_checked_against_its_provider() -> None:
    name = SettingName("base-url", "google")
    assert (
        edit.checked_value(_file(""), name, "https://g.example/v1beta", Path())
        == "https://g.example"
    )
    with pytest.raises(UsageError, match="belongs to wisgate"):
        edit.checked_value(_file(""), name, "https://wisgate.ai", Path())


def test_a_key_file_is_read_before_it_is_named(tmp_path: Path) -> None:
    name = SettingName("api-key-file", "wisgate")
    with pytest.raises(ConfigError, match="cannot read the key file"):
        edit.checked_value(_file(""), name, "key.txt", tmp_path)
    (tmp_path / "key.txt").write_text("two words")
    with pytest.raises(KeyRejected):
        edit.checked_value(_file(""), name, "key.txt", tmp_path)
    (tmp_path / "key.txt").write_text("key\n")
    # A relative path would begin at the configuration file once it stands there.
    assert edit.checked_value(_file(""), name, "key.txt", tmp_path) == str(tmp_path / "key.txt")
    Path("~/key.txt").expanduser().write_text("key")
    assert edit.checked_value(_file(""), name, "~/key.txt", tmp_path) == "~/key.txt"


@pytest.mark.parametrize(
    ("typed", "name"),
    [
        ("aspect", SettingName("aspect")),
        ("api-key", SettingName("api-key", "google")),
        ("wisgate.api-key", SettingName("api-key", "wisgate")),
        ("sandbox.base-url", SettingName("base-url", "sandbox")),
    ],
)
def test_names(typed: str, name: SettingName) -> None:
    assert parse_name(typed, "google") == name


@pytest.mark.parametrize(
    ("typed", "message", "hint"),
    [
        ("asepct", "asepct is not a setting", "did you mean aspect? one of provider,"),
        ("gogle.api-key", "gogle.api-key is not a setting", "did you mean google.api-key?"),
        ("google.aspect", "aspect does not belong to a provider", "just aspect"),
        ("sandbox.api-key", "the sandbox takes no key", "choose another with --provider"),
        ("", " is not a setting", "one of provider, "),
        ("max-cost=3", "max-cost=… is not a setting", "nb config set max-cost VALUE"),
        ("api-key=sk-1234", "google.api-key=… is not a setting", "nb config set google.api-key"),
        ("asepct=1", "asepct is not a setting", "did you mean aspect? one of provider,"),
    ],
)
def test_names_that_mean_nothing(typed: str, message: str, hint: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_name(typed, "google")
    assert caught.value.message == message
    assert (caught.value.hint or "").startswith(hint)


PIECES = [
    "",
    "# a comment",
    'aspect = "16:9" # wide',
    "retries = 0x3",
    "'timeout' = 1_0.5",
    'provider = "google"',
    'api-key = """k"""',
    "google.api-key = 'g'",
    "wisgate = { api-key = 'a', base-url = 'https://a' }",
    "[google]",
    "  [wisgate]",
    "[sandbox]",
    'api-key = "t"',
    "base-url = 'https://b'",
]
NAMES = [
    SettingName("aspect"),
    SettingName("retries"),
    KEY,
    SettingName("api-key", "google"),
    SettingName("base-url", "sandbox"),
]


@given(
    lines=st.lists(st.sampled_from(PIECES), max_size=8),
    name=st.sampled_from(NAMES),
    end=st.booleans(),
)
def test_any_layout_is_edited_exactly_or_refused(
    lines: list[str], name: SettingName, end: bool
) -> None:
    try:
        file = _file("\n".join(lines) + "\n" * end)
        changed = edit.with_entry(file, name, "7")
        removed = edit.without_entry(changed, name)
    except NbError:
        return
    assert edit.value_of(changed, name) == "7"
    assert edit.value_of(removed, name) is None
    # The comment behind an entry goes with it.
    kept = [line for line in lines if name.setting not in line]
    assert all(line.partition("#")[2] in removed.text for line in kept)
