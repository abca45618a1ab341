"""Which source wins, and how an error speaks of it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from nanobanana_cli.errors import ConfigError, UsageError
from nanobanana_cli.settings import Settings, load
from nanobanana_cli.settings.names import DEFAULTS, USER_DEFAULTS
from nanobanana_cli.settings.resolve import default_timeout
from nanobanana_cli.types import Tariff

if TYPE_CHECKING:
    from conftest import Nb

SOURCES = ("option", "variable", "project", "user", "default")


@pytest.fixture
def user(tmp_path: Path) -> Path:
    return tmp_path / "user.toml"


def _load(tmp_path: Path, **options: str) -> Settings:
    return load({"NB_CONFIG": str(tmp_path / "user.toml")}, Path.cwd(), options)


def test_without_any_source_the_defaults_hold() -> None:
    settings = load({}, Path.cwd(), dict.fromkeys(DEFAULTS))
    assert settings.provider == "wisgate"
    assert settings.base_url == "https://wisgate.ai"
    assert settings.model == "gemini-3.1-flash-image-preview"
    assert (settings.aspect, settings.size) == ("auto", "1K")
    assert (settings.timeout, settings.retries, settings.max_cost) == (None, 3, None)
    assert settings.wait == 0
    assert (settings.concurrency, settings.format) == (None, "auto")
    assert (settings.output_folder, settings.alt) == ("", False)
    assert (settings.price, settings.confirm_above) == (None, 10_000_000)
    assert settings.origins == dict.fromkeys([*DEFAULTS, *USER_DEFAULTS], "default")


@pytest.mark.parametrize("blank", ["", " ", "\t"])
def test_an_empty_variable_counts_as_unset(blank: str) -> None:
    env = {f"NB_{name.upper().replace('-', '_')}": blank for name in DEFAULTS}
    assert load(env, Path.cwd(), {}) == load({}, Path.cwd(), {})


@pytest.mark.parametrize("name", ["price", "confirm-above"])
def test_what_guards_money_comes_from_the_users_file_alone(user: Path, name: str) -> None:
    user.write_text(f"{name} = 0.04")
    settings = _load(user.parent)
    assert getattr(settings, name.replace("-", "_")) == 40_000
    assert settings.origins[name] == str(user)
    user.write_text("")
    variable = name.upper().replace("-", "_")
    assert load({f"NB_{variable}": "0.04"}, Path.cwd(), {}).origins[name] == "default"
    project = Path.cwd() / "nb.toml"
    project.write_text(f'size = "2K"\n{name} = 0.04')
    with pytest.raises(ConfigError, match="is not allowed in a project file") as refused:
        load({}, Path.cwd(), {})
    assert refused.value.message.startswith(f"{name} in {project}, line 2,")


@pytest.mark.parametrize(
    ("own", "projects", "limit", "origin"),
    [
        ("1", "5", 1_000_000, "user.toml"),
        ("5", "1", 1_000_000, "nb.toml"),
        ("0", "1", 0, "user.toml"),
        (None, "5", 5_000_000, "nb.toml"),
        ("5", None, 5_000_000, "user.toml"),
    ],
)
def test_a_project_can_only_lower_the_limit(
    user: Path, own: str | None, projects: str | None, limit: int, origin: str
) -> None:
    user.write_text("" if own is None else f"max-cost = {own}")
    (Path.cwd() / "nb.toml").write_text("" if projects is None else f"max-cost = {projects}")
    env = {"NB_CONFIG": str(user)}
    settings = load(env, Path.cwd(), {})
    assert (settings.max_cost, Path(settings.origins["max-cost"]).name) == (limit, origin)
    assert load({**env, "NB_MAX_COST": "9"}, Path.cwd(), {}).max_cost == 9_000_000
    assert load(env, Path.cwd(), {"max-cost": "9"}).max_cost == 9_000_000


@pytest.mark.parametrize(
    ("provider", "typed", "model"),
    [
        ("wisgate", None, "gemini-3.1-flash-image-preview"),
        ("google", None, "gemini-nano-banana-2.1"),
        ("sandbox", None, "gemini-3.1-flash-image-preview"),
        ("wisgate", "nb2", "gemini-3.1-flash-image-preview"),
        ("google", "nb2", "gemini-3.1-flash-image"),
        ("google", "NB2.1", "gemini-nano-banana-2.1"),
        ("google", "pro", "gemini-3-pro-image"),
        ("wisgate", "pro", "gemini-3-pro-image-preview"),
        ("wisgate", "lite", "gemini-3.1-flash-lite-image"),
        ("google", "models/gemini-2.5-flash-image", "gemini-2.5-flash-image"),
        ("google", "models/lite", "gemini-3.1-flash-lite-image"),
        ("google", "Some-Model", "Some-Model"),
    ],
)
def test_a_model_may_have_several_names(provider: str, typed: str | None, model: str) -> None:
    assert load({}, Path.cwd(), {"provider": provider, "model": typed}).model == model


def test_an_alias_in_a_file_fits_the_provider(nb: Nb, user: Path) -> None:
    assert nb("config", "set", "model", "pro", env={"NB_CONFIG": str(user)}).code == 0
    assert 'model = "pro"' in user.read_text()
    run = nb("config", "get", "model", env={"NB_CONFIG": str(user), "NB_PROVIDER": "google"})
    assert run.out == "gemini-3-pro-image\n"


@pytest.mark.parametrize(
    ("provider", "url", "tariff"),
    [
        ("wisgate", None, Tariff("wisgate")),
        ("wisgate", "https://api.wisgate.ai", Tariff("wisgate")),
        ("google", None, Tariff("google")),
        ("wisgate", "https://gateway.example/gemini", Tariff(None, 40_000)),
        ("google", "http://127.0.0.1:4000", Tariff("google", 40_000)),
        ("sandbox", "http://127.0.0.1:4000", Tariff("sandbox")),
        ("sandbox", None, Tariff("sandbox")),
    ],
)
def test_prices_hold_at_the_providers_own_address(
    user: Path, provider: str, url: str | None, tariff: Tariff
) -> None:
    user.write_text("price = 0.04")
    options = {"provider": provider, "base-url": url}
    assert load({"NB_CONFIG": str(user)}, Path.cwd(), options).tariff == tariff


@pytest.mark.parametrize("first", range(5), ids=SOURCES)
def test_the_first_source_that_speaks_wins(user: Path, first: int) -> None:
    """All sources from `first` on say something; those before are silent."""
    project = Path.cwd() / "nb.toml"
    options = {"aspect": "1:4"} if first == 0 else {"aspect": None}
    env = {"NB_CONFIG": str(user), "NB_ASPECT": "4:1" if first <= 1 else ""}
    if first <= 2:
        project.write_text('aspect = "1:8"')
    user.write_text('aspect = "8:1"' if first <= 3 else "")
    settings = load(env, Path.cwd(), options)
    assert settings.aspect == ("1:4", "4:1", "1:8", "8:1", "auto")[first]
    expected = ("--aspect", "NB_ASPECT", str(project), str(user), "default")[first]
    assert settings.origins["aspect"] == expected


@pytest.mark.parametrize(
    ("model", "size", "seconds"),
    [
        ("gemini-3.1-flash-image-preview", "1K", 120),
        ("gemini-3.1-flash-image-preview", None, 120),
        ("gemini-3.1-flash-image-preview", "4K", 300),
        ("gemini-3-pro-image", "1K", 300),
        ("gemini-3-pro-image-preview", None, 300),
        ("gemini-9-professor", "2K", 120),
    ],
)
def test_slow_calls_have_longer_deadlines(model: str, size: str | None, seconds: float) -> None:
    assert default_timeout(model, size) == seconds


def test_every_setting_but_the_wait_has_a_variable() -> None:
    env = {
        "NB_PROVIDER": "google",
        "NB_BASE_URL": "https://gate.example/v1beta/",
        "NB_MODEL": "gemini-3-pro-image-preview",
        "NB_ASPECT": "21:9",
        "NB_SIZE": "4k",
        "NB_TIMEOUT": "5",
        "NB_RETRIES": "0",
        "NB_MAX_COST": "0.50",
        "NB_CONCURRENCY": "3",
        "NB_FORMAT": "jpg",
        "NB_OUTPUT_FOLDER": "images",
        "NB_ALT": "1",
        "NB_OPEN": "true",
        "NB_PREVIEW": "1",
        "NB_LOG": "0",
    }
    settings = load({**env, "NB_WAIT": "2h"}, Path.cwd(), {})
    assert settings.provider == "google"
    assert settings.base_url == "https://gate.example"
    assert settings.model == "gemini-3-pro-image-preview"
    assert (settings.aspect, settings.size) == ("21:9", "4K")
    assert (settings.timeout, settings.retries, settings.max_cost) == (5.0, 0, 500_000)
    assert settings.wait == 0
    assert (settings.concurrency, settings.format) == (3, "jpeg")
    assert (settings.output_folder, settings.alt) == ("images", True)
    assert (settings.open, settings.preview, settings.log) == (True, True, False)
    assert sorted(settings.origins[name] for name in DEFAULTS) == sorted([*env, "default"])


def test_one_style_of_error_for_all_sources(tmp_path: Path, user: Path) -> None:
    rest = "is not an aspect ratio of gemini-3.1-flash-image-preview"
    with pytest.raises(UsageError) as option:
        load({}, Path.cwd(), {"aspect": "16 - 9"})
    with pytest.raises(ConfigError) as variable:
        load({"NB_ASPECT": "16-9"}, Path.cwd(), {})
    user.write_text('\naspect = "16-9"')
    with pytest.raises(ConfigError) as file:
        _load(tmp_path)
    assert option.value.message == f'--aspect "16 - 9" {rest}'
    assert not isinstance(option.value, ConfigError)
    assert variable.value.message == f"NB_ASPECT=16-9 {rest}"
    assert file.value.message == f'aspect = "16-9" in {user}, line 2, {rest}'
    assert option.value.hint == variable.value.hint == file.value.hint


def test_a_number_of_a_file_is_shown_without_quotes(tmp_path: Path, user: Path) -> None:
    user.write_text("timeout = -1")
    with pytest.raises(ConfigError, match=r"^timeout = -1 in .*, line 1, is not a deadline$"):
        _load(tmp_path)


def test_a_mix_of_model_and_size_is_refused_wherever_they_come_from(
    tmp_path: Path, user: Path
) -> None:
    user.write_text('size = "4K"')
    with pytest.raises(ConfigError) as caught:
        _load(tmp_path, model="gemini-2.5-flash-image")
    assert caught.value.message == (
        f'size = "4K" in {user}, line 1, is not an image size of gemini-2.5-flash-image'
    )


def test_a_secret_in_an_address_stays_out_of_the_message() -> None:
    for options in (
        {"base-url": "https://me:hunter2@a.example"},
        {"base-url": "https://a?hunter2"},
    ):
        with pytest.raises(UsageError) as caught:
            load({}, Path.cwd(), options)
        assert caught.value.message.startswith("--base-url contains a ")
        assert "hunter2" not in f"{caught.value.message} {caught.value.hint}"


def test_an_address_belongs_to_its_provider(tmp_path: Path, user: Path) -> None:
    user.write_text('base-url = "https://api.wisgate.ai"\n[google]\nbase-url = "https://g.example"')
    assert _load(tmp_path).base_url == "https://api.wisgate.ai"
    assert _load(tmp_path, provider="google").base_url == "https://g.example"
    assert _load(tmp_path, provider="sandbox").base_url == ""


def test_an_address_of_another_provider_is_refused() -> None:
    with pytest.raises(
        UsageError, match="belongs to wisgate, but the provider is google"
    ) as caught:
        load({}, Path.cwd(), {"provider": "google", "base-url": "https://api.wisgate.ai"})
    assert caught.value.hint == "--provider wisgate"
