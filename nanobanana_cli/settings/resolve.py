"""Pick each setting: option > environment > project file > user file > default."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import TypeVar

import msgspec

from nanobanana_cli import catalog
from nanobanana_cli.errors import ConfigError, UsageError
from nanobanana_cli.settings import output, validators
from nanobanana_cli.settings.config_files import ConfigFile, project_file, user_file
from nanobanana_cli.settings.names import DEFAULTS, TYPES, USER_DEFAULTS, variable_of
from nanobanana_cli.settings.validators import InvalidValue
from nanobanana_cli.types import Redacted, Tariff

T = TypeVar("T")


class Settings(Redacted, frozen=True):
    """The settings in force.

    Args:
        caption_model: the model of texts for existing images.
        base_url: without a trailing slash; "" only for the embedded sandbox.
        timeout: wall-clock seconds for one attempt; None leaves it to `default_timeout`.
        wait: seconds to keep trying what is known to be free; 0 counts retries instead.
        concurrency: the most calls at once; None leaves it to the command.
        max_cost: micro-dollars; None is no limit.
        format: of images whose name has no suffix; `auto` keeps it as received.
        output_folder: where images go that are not named; "" is the current folder.
        alt: also ask for alt text.
        open, preview: open images in the desktop's viewer, draw them in the terminal.
        price: micro-dollars per call at an address of the user's own; None if unknown.
        confirm_above: micro-dollars that a command may cost without being asked.
        log: keep a line for each paid call.
        keep_replies: keep paid replies whose image could not be saved.
        memory_limit: bytes that the process may take for replies and all else.
        origins: setting → `--aspect`, `NB_ASPECT`, a file's path, or `default`.
        user, project: the configuration files.
        notes: for people: a value that another one overrides.
    """

    _hidden = ("user", "project")

    provider: str
    base_url: str
    model: str
    aspect: str
    size: str
    timeout: float | None
    retries: int
    wait: float
    concurrency: int | None
    max_cost: int | None
    format: str
    output_folder: str
    alt: bool
    open: bool
    preview: bool
    price: int | None
    confirm_above: int
    log: bool
    keep_replies: bool
    caption_model: str
    memory_limit: int
    origins: Mapping[str, str]
    user: ConfigFile
    project: ConfigFile | None = None
    notes: tuple[str, ...] = ()

    @property
    def configured_aspect(self) -> str | None:
        """The variable or file that names the aspect ratio; None if it was typed, or is `auto`."""
        origin = self.origins["aspect"]
        is_typed = origin in ("default", "--aspect") or self.aspect == validators.AUTO
        return None if is_typed else origin

    @property
    def tariff(self) -> Tariff:
        """Return whose prices hold: the provider's own only at its address.

        On this machine they are taken to hold too: what listens there speaks for the provider.
        """
        if self.provider == "sandbox" or validators.provider_at(self.base_url) == self.provider:
            return Tariff(self.provider)
        is_local = validators.is_loopback(validators.host(self.base_url))
        return Tariff(self.provider if is_local else None, self.price)


class _Source(msgspec.Struct, frozen=True):
    """A setting's text and its origin.

    Args:
        label: the option, variable or name, for errors that must not show the text.
        shown: the label and the text.
        file: the file that holds it, if any.
        rank: 0 for the source that goes before all others.
    """

    text: str
    origin: str
    label: str
    shown: str
    error: type[UsageError] = ConfigError
    file: ConfigFile | None = None
    rank: int = 0


class _Sources(Redacted, frozen=True):
    # May hold keys.
    _hidden = ("env",)

    options: Mapping[str, str | None]
    env: Mapping[str, str]
    files: tuple[ConfigFile, ...]
    dashes: str
    origins: dict[str, str] = msgspec.field(default_factory=dict)
    ranks: dict[str, int] = msgspec.field(default_factory=dict)

    def pick(self, name: str, parse: Callable[[str], T], provider: str | None = None) -> T | None:
        """Parse the first source that has the setting; return None for an empty default."""
        source = self._first(name, provider)
        self.origins[name], self.ranks[name] = source.origin, source.rank
        if source.origin == "default" and not source.text:
            return None
        try:
            return parse(source.text)
        except InvalidValue as wrong:
            subject = source.label if wrong.secret else source.shown
            if file := source.file:
                where = file.where_guarded(provider, name) if provider else file.where(name)
                subject = f"{subject} in {where},"
            raise source.error(f"{subject} {wrong.reason}", hint=wrong.hint) from None

    def must(self, name: str, parse: Callable[[str], T]) -> T:
        """Parse a setting whose default is not empty."""
        value = self.pick(name, parse)
        assert value is not None
        return value

    def _first(self, name: str, provider: str | None) -> _Source:
        option, variable = f"{self.dashes}{name}", variable_of(name)
        typed = self.options.get(name)
        if typed is not None:
            shown = f'"{typed}"' if not typed or any(map(str.isspace, typed)) else typed
            return _Source(typed, option, option, f"{option} {shown}", UsageError)
        text = self.env.get(variable, "") if name in DEFAULTS else ""
        if text.strip():
            return _Source(text, variable, variable, f"{variable}={text}", rank=1)
        for rank, file in enumerate(self.files, start=2):
            entries = file.guarded.get(provider, {}) if provider else file.values
            if name in entries:
                text = entries[name]
                shown = f'"{text}"' if str in TYPES[name] else text
                where, shown = str(file.path), f"{name} = {shown}"
                return _Source(text, where, name, shown, file=file, rank=rank)
        return _Source({**DEFAULTS, **USER_DEFAULTS}[name], "default", name, name, rank=9)


def load(env: Mapping[str, str], cwd: Path, options: Mapping[str, str | None]) -> Settings:
    """Read the files, then parse each setting and check it against the model.

    Args:
        env: the environment; empty variables count as unset.
        cwd: where the search for `nb.toml` and relative paths start.
        options: setting (`max-cost`, as in a file) → as typed; None if the option was not given.

    Raises:
        UsageError: an option is invalid.
        ConfigError: a variable is invalid, or a file is invalid or unreadable.
    """
    user, project = user_file(env, cwd), project_file(env, cwd)
    return resolve(options, env, user, project)


def resolve(
    options: Mapping[str, str | None],
    env: Mapping[str, str],
    user: ConfigFile,
    project: ConfigFile | None,
    *,
    dashes: str = "--",
) -> Settings:
    """Parse each setting, from files already read; see `load`.

    Args:
        dashes: prefix of option names in messages.
    """
    sources = _Sources(options, env, (project, user) if project else (user,), dashes)
    provider = sources.must("provider", validators.provider)
    address = sources.pick("base-url", partial(_address, provider=provider), provider)
    base_url, named = address or ("", None)
    model, notes = _model(sources, provider, named)
    return Settings(
        provider=provider,
        base_url=base_url or catalog.PROVIDERS[provider].base_url,
        model=model,
        aspect=sources.must("aspect", partial(validators.aspect, model=model)),
        size=sources.must("size", partial(validators.size, model=model, provider=provider)),
        timeout=sources.pick("timeout", validators.timeout),
        retries=sources.must("retries", validators.retries),
        wait=sources.pick("wait", validators.wait) or 0.0,
        concurrency=sources.pick("concurrency", output.concurrency),
        max_cost=_max_cost(sources, user, project),
        format=sources.must("format", output.image_format),
        output_folder=_output_folder(sources, project),
        alt=sources.must("alt", validators.switch),
        open=sources.must("open", validators.switch),
        preview=sources.must("preview", validators.switch),
        price=sources.pick("price", validators.max_cost),
        confirm_above=sources.must("confirm-above", validators.max_cost),
        log=sources.must("log", validators.switch),
        keep_replies=sources.must("keep-replies", validators.switch),
        caption_model=_caption_model(sources, provider, model),
        memory_limit=sources.must("memory-limit", validators.memory_limit),
        origins=sources.origins,
        user=user,
        project=project,
        notes=notes,
    )


def _model(sources: _Sources, provider: str, named: str | None) -> tuple[str, tuple[str, ...]]:
    """Return the model in force, and a note if it overrides the one that the address names."""
    model = sources.pick("model", partial(validators.model, provider=provider))
    model = model or catalog.PROVIDERS[provider].default_model
    if not named or named == model:
        return model, ()
    if sources.ranks["model"] > sources.ranks["base-url"]:
        sources.origins["model"] = sources.origins["base-url"]
        return validators.model(named, provider), ()
    source, place = (sources.origins[name] for name in ("model", "base-url"))
    return model, (f"{model} from {source} holds, not {named} in the address from {place}",)


def _caption_model(sources: _Sources, provider: str, model: str) -> str:
    """Return the model of texts: the typed one, or else the most particular that is named."""
    named = sources.pick("caption-model", partial(validators.model, provider=provider))
    if sources.ranks["model"] <= 1:
        # An option or a variable.
        return model
    if named is None and sources.origins["model"] == "default":
        return catalog.PROVIDERS[provider].text_model or model
    return named or model


def _max_cost(sources: _Sources, user: ConfigFile, project: ConfigFile | None) -> int | None:
    """Return the limit in force: a project file can lower the user's own, but not raise it."""
    limit = sources.pick("max-cost", validators.max_cost)
    if limit is None or project is None or sources.origins["max-cost"] != str(project.path):
        return limit
    own = _Sources({}, {}, (user,), sources.dashes)
    mine = own.pick("max-cost", validators.max_cost)
    if mine is None or mine > limit:
        return limit
    sources.origins.update(own.origins)
    return mine


def _output_folder(sources: _Sources, project: ConfigFile | None) -> str:
    folder = sources.pick("output-folder", output.folder) or ""
    if project is None or sources.origins["output-folder"] != str(project.path):
        return folder
    return output.within_project(folder, project)


def provider_in_force(
    typed: str | None, env: Mapping[str, str], user: ConfigFile, project: ConfigFile | None
) -> str:
    """Return the provider in force, even if another setting is invalid."""
    files = (project, user) if project else (user,)
    return _Sources({"provider": typed}, env, files, "--").must("provider", validators.provider)


def default_timeout(model: str, size: str | None) -> float:
    """Return the deadline in seconds for a call, unless one is set: slow calls get more time.

    Args:
        model: its id, in the catalog or not.
        size: an image size of the catalog; None for a text.
    """
    return 300.0 if size == "4K" or "pro" in model.split("-") else 120.0


def _address(text: str, provider: str) -> tuple[str, str | None]:
    """Return the base of an address, and the model that a pasted one names."""
    url, named = validators.split_address(text)
    owner = validators.provider_at(url)
    if owner not in {None, provider}:
        raise InvalidValue(
            f"belongs to {owner}, but the provider is {provider}", hint=f"--provider {owner}"
        )
    return url, named
