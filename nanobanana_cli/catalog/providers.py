"""List the providers, with their addresses, keys, and what they spell differently."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import msgspec

DEFAULT_PROVIDER = "wisgate"


class Provider(msgspec.Struct, frozen=True):
    """A service that speaks the protocol.

    Args:
        name: as in `--provider`.
        base_url: the address to append `/v1beta/models/…` to; "" for the embedded sandbox, which
            takes a free port.
        default_model: the model's id that is used when none is named.
        text_model: the same for texts of existing images; "" for `default_model`.
        aliases: its models by short names.
        key_variables: environment variables that may hold its key, in order.
        key_page: the web page that issues keys.
        size_names: its names of image sizes, where they differ from ours.
        search_tool: its name of the tool that grounds an image in search.
        account_url: the address that tells the account's balance, with the key as Bearer.
        usage_page: the web page that shows what was charged, or leads there.
    """

    name: str
    base_url: str
    default_model: str
    aliases: Mapping[str, str]
    key_variables: tuple[str, ...] = ()
    key_page: str = ""
    size_names: Mapping[str, str] = msgspec.field(default_factory=dict)
    search_tool: str = "googleSearch"
    account_url: str = ""
    text_model: str = ""
    usage_page: str = ""

    @property
    def needs_key(self) -> bool:
        """Return whether calls need a key."""
        return bool(self.key_variables)


_ALIASES = {
    "nb2": "gemini-3.1-flash-image",
    "nb2.1": "gemini-nano-banana-2.1",
    "pro": "gemini-3-pro-image",
    "lite": "gemini-3.1-flash-lite-image",
}
# WisGate's pages name the preview ids; no newer one was found there.
_WISGATE_MODEL = "gemini-3.1-flash-image-preview"
_WISGATE_ALIASES = {**_ALIASES, "nb2": _WISGATE_MODEL, "pro": "gemini-3-pro-image-preview"}

PROVIDERS: Mapping[str, Provider] = MappingProxyType(
    {
        provider.name: provider
        for provider in (
            Provider(
                name="wisgate",
                base_url="https://wisgate.ai",
                default_model=_WISGATE_MODEL,
                aliases=_WISGATE_ALIASES,
                key_variables=("WISDOM_GATE_KEY",),
                key_page="https://wisgate.ai/hall/tokens",
                # As in all of its samples.
                search_tool="google_search",
                account_url="https://api.wisgate.ai",
                # No address of its usage page was found.
                usage_page="https://wisgate.ai",
            ),
            Provider(
                name="google",
                base_url="https://generativelanguage.googleapis.com",
                default_model="gemini-nano-banana-2.1",
                aliases=_ALIASES,
                key_variables=("GEMINI_API_KEY", "GOOGLE_API_KEY"),
                key_page="https://aistudio.google.com/apikey",
                # Google answers `0.5K` with a 400.
                size_names={"0.5K": "512"},
                text_model="gemini-3.5-flash-lite",
                # As in Google's guide to billing.
                usage_page="https://aistudio.google.com/usage",
            ),
            Provider(
                name="sandbox", base_url="", default_model=_WISGATE_MODEL, aliases=_WISGATE_ALIASES
            ),
        )
    }
)
DEFAULT_MODEL = PROVIDERS[DEFAULT_PROVIDER].default_model
