"""Each provider gets its own key, and nobody else's."""

from __future__ import annotations

from pathlib import Path

import pytest

from nanobanana_cli.errors import ConfigError, KeyRejected
from nanobanana_cli.settings import endpoint, load
from nanobanana_cli.types import Endpoint

SECRET = "secret-key-123"


class Keys:
    """A user's file to write, and the endpoint that comes of it."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def file(self, text: str) -> None:
        self.path.write_text(text)

    def endpoint(
        self, env: dict[str, str] | None = None, *, need_key: bool = True, **options: str
    ) -> Endpoint:
        env = {"NB_CONFIG": str(self.path), **(env or {})}
        typed = {name.replace("_", "-"): value for name, value in options.items()}
        return endpoint(load(env, Path.cwd(), typed), env, need_key=need_key)


@pytest.fixture
def keys(tmp_path: Path) -> Keys:
    keys = Keys(tmp_path / "user.toml")
    keys.file("")
    return keys


@pytest.mark.parametrize(
    ("provider", "variable"),
    [("wisgate", "WISDOM_GATE_KEY"), ("google", "GEMINI_API_KEY"), ("google", "GOOGLE_API_KEY")],
)
def test_a_key_comes_from_its_providers_variable(keys: Keys, provider: str, variable: str) -> None:
    found = keys.endpoint({variable: f" {SECRET}\n"}, provider=provider)
    assert (found.provider, found.key, found.key_origin) == (provider, SECRET, variable)
    assert SECRET not in repr(found)


def test_a_key_of_one_provider_never_goes_to_another(keys: Keys) -> None:
    keys.file('api-key = "for-wisgate"\n[wisgate]\napi-key-file = "k"')
    with pytest.raises(KeyRejected, match=r"^no key for google$"):
        keys.endpoint({"WISDOM_GATE_KEY": "w"}, provider="google")
    keys.file('[google]\napi-key = "for-google"')
    with pytest.raises(KeyRejected, match=r"^no key for wisgate$"):
        keys.endpoint({"GEMINI_API_KEY": "g", "GOOGLE_API_KEY": "g"})


@pytest.mark.parametrize("variable", ["GEMINI_API_KEY", "GOOGLE_API_KEY"])
def test_a_key_for_another_provider_is_a_hint(keys: Keys, variable: str) -> None:
    with pytest.raises(KeyRejected, match=r"^no key for wisgate$") as caught:
        keys.endpoint({variable: SECRET})
    hint = caught.value.hint or ""
    assert hint.startswith(f"--provider google uses {variable}\nor get one at https://wisgate.ai/")
    assert SECRET not in hint


def test_the_sandbox_gets_no_key(keys: Keys) -> None:
    keys.file('[wisgate]\napi-key = "w"\n[google]\napi-key = "g"')
    env = {"WISDOM_GATE_KEY": "w", "GEMINI_API_KEY": "g"}
    found = keys.endpoint(env, provider="sandbox", base_url="http://127.0.0.1:1")
    assert found == Endpoint("sandbox", "http://127.0.0.1:1")


def test_variable_then_entry_then_key_file(keys: Keys) -> None:
    (keys.path.parent / "key.txt").write_text("from-file\n")
    keys.file('[wisgate]\napi-key-file = "key.txt"')
    assert keys.endpoint().key == "from-file"
    assert keys.endpoint().key_origin == str(keys.path.parent / "key.txt")
    keys.file('[wisgate]\napi-key-file = "key.txt"\napi-key = "from-entry"')
    assert keys.endpoint().key == "from-entry"
    assert keys.endpoint({"WISDOM_GATE_KEY": "from-env"}).key == "from-env"


def test_a_tilde_in_a_key_file_is_the_home(keys: Keys) -> None:
    Path("~/key.txt").expanduser().write_text("from-home")
    keys.file('[wisgate]\napi-key-file = "~/key.txt"')
    assert keys.endpoint().key == "from-home"


def test_without_a_key_both_ways_on_are_shown(keys: Keys) -> None:
    with pytest.raises(KeyRejected) as caught:
        keys.endpoint()
    assert caught.value.code == 4
    assert caught.value.message == "no key for wisgate"
    assert caught.value.hint == (
        "get one at https://wisgate.ai/hall/tokens, then run `nb config set api-key`"
        " or set WISDOM_GATE_KEY\nor try it for free: --provider sandbox"
    )
    assert keys.endpoint(need_key=False) == Endpoint("wisgate", "https://wisgate.ai")


@pytest.mark.parametrize(
    ("pasted", "mistake"),
    [
        (f'"{SECRET}"', "has quotes around it"),
        (f"'{SECRET}'", "has quotes around it"),
        (f"“{SECRET}”", "has quotes around it"),
        (f'{SECRET}"', "has quotes around it"),
        (f"WISDOM_GATE_KEY={SECRET}", "starts with a name, as in NAME=key"),
        (f"export WISDOM_GATE_KEY={SECRET}", "starts with a name, as in NAME=key"),
        (f"export WISDOM_GATE_KEY='{SECRET}x", "starts with a name, as in NAME=key"),
        (f"api-key = {SECRET}", "starts with a name, as in NAME=key"),
        (f"x-goog-api-key: {SECRET}", "starts with a name, as in NAME=key"),
        (f"Bearer {SECRET}", "starts with Bearer"),
        ("$WISDOM_GATE_KEY", "is the name of a variable, not its value"),
        ("${WISDOM_GATE_KEY}", "is the name of a variable, not its value"),
        ("${{ secrets.WISDOM_GATE_KEY }}", "is the name of a variable, not its value"),
        ("%WISDOM_GATE_KEY%", "is the name of a variable, not its value"),
        ("<your-key>", "is a placeholder, not a key"),
        ("YOUR_API_KEY", "is a placeholder, not a key"),
        ("your-wisgate-key-here", "is a placeholder, not a key"),
        ("sk-xxxxxxxx", "is a placeholder, not a key"),
        ("sk-...", "is a placeholder, not a key"),
        ("changeme", "is a placeholder, not a key"),
        ("[key]", "is a placeholder, not a key"),
    ],
)
def test_a_key_with_something_around_it_is_named(keys: Keys, pasted: str, mistake: str) -> None:
    with pytest.raises(KeyRejected) as variable:
        keys.endpoint({"WISDOM_GATE_KEY": pasted})
    assert variable.value.message == f"the key from WISDOM_GATE_KEY {mistake}"
    assert SECRET not in f"{variable.value.message} {variable.value.hint}"
    (keys.path.parent / "key.txt").write_text(pasted)
    keys.file('api-key-file = "key.txt"')
    with pytest.raises(KeyRejected, match=mistake):
        keys.endpoint()


@pytest.mark.parametrize(
    "key",
    ["a-key", "sk-1234", "token", "abc=", "bkey==", "AIzaSyD-x_y", "yourself-9f8e7d", "my.key"],
)
def test_a_key_that_only_looks_odd_is_sent(keys: Keys, key: str) -> None:
    assert keys.endpoint({"WISDOM_GATE_KEY": key}).key == key


@pytest.mark.parametrize(
    "bad", ["two words", "tab\tkey", "schlüssel", "k\x1b[31m", "k" * 5000, "a\nb"]
)
def test_what_cannot_be_a_key_is_refused_unseen(keys: Keys, bad: str) -> None:
    (keys.path.parent / "key.txt").write_text(bad)
    with pytest.raises(KeyRejected) as variable:
        keys.endpoint({"WISDOM_GATE_KEY": bad})
    keys.file('api-key-file = "key.txt"')
    with pytest.raises(KeyRejected) as file:
        keys.endpoint()
    assert variable.value.message.startswith("the key from WISDOM_GATE_KEY contains spaces or")
    assert file.value.message.startswith(
        f"the key from {keys.path.parent}/key.txt contains spaces or"
    )
    assert bad not in variable.value.message + file.value.message


@pytest.mark.parametrize("content", [None, b"", b" \n"])
def test_a_key_file_that_is_missing_or_empty_is_a_config_error(
    keys: Keys, content: bytes | None
) -> None:
    if content is not None:
        (keys.path.parent / "key.txt").write_bytes(content)
    keys.file('api-key-file = "key.txt"')
    with pytest.raises(ConfigError, match=r"key file .*key\.txt"):
        keys.endpoint()


def test_a_project_cannot_send_a_key_to_an_address_of_the_users(keys: Keys) -> None:
    """A gateway for one provider stands in the environment, and the project names another."""
    (Path.cwd() / "nb.toml").write_text('provider = "google"')
    env = {"GEMINI_API_KEY": SECRET, "NB_BASE_URL": "https://gateway.example"}
    with pytest.raises(ConfigError) as caught:
        keys.endpoint(env)
    assert caught.value.message.endswith("whose key would be sent to the address from NB_BASE_URL")
    assert caught.value.hint == "--provider google confirms it"
    assert keys.endpoint(env, provider="google").key == SECRET
    local = {**env, "NB_BASE_URL": "http://127.0.0.1:1"}
    assert keys.endpoint(local).base_url == "http://127.0.0.1:1"
    keys.file('[google]\nbase-url = "https://g.example"')
    assert keys.endpoint({"GEMINI_API_KEY": SECRET}).base_url == "https://g.example"
