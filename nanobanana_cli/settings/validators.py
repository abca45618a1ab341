"""Parse setting values, the same for option, environment and file. Pure.

A parser raises InvalidValue, which does not name the source of the text; `resolve` adds it.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable

from nanobanana_cli import catalog
from nanobanana_cli.catalog import DEFAULT_PROVIDER, MODELS, PROVIDERS, SIZES
from nanobanana_cli.money import micro_dollars
from nanobanana_cli.suggest import one_of

MAX_TIMEOUT = 86_400
MAX_RETRIES = 20
MAX_WAIT = 7 * 86_400
# MiB, for the whole process: the default, the least that leaves room for a picture, and a bound.
MEMORY_LIMIT, _LEAST_MEMORY, _MOST_MEMORY = 600, 200, 1_000_000

# The ratio of the first reference image, or else the default.
AUTO = "auto"
ASPECT_NAMES = {"square": "1:1", "landscape": "16:9", "portrait": "9:16"}

_RATIO = re.compile(r"([1-9][0-9]{0,3})[:x×]([1-9][0-9]{0,3})")
_NUMBERS = re.compile(r"[0-9]+(?:\.[0-9]+)?")
_SIZE = re.compile(r"[0-9]{1,2}(?:\.[0-9]{1,2})?K")
_DURATION = re.compile(r"(?:[0-9]{1,7}(?:\.[0-9]{1,3})?[hms])+|[0-9]{1,7}")
_UNITS = {"h": 3600, "m": 60, "s": 1}
_MODEL = re.compile(r"[!-~]{1,200}")
_PIXELS = {"512": "0.5K", "1024": "1K", "2048": "2K", "4096": "4K"}
SIZE_ALIASES = _PIXELS | {f"{pixels}PX": size for pixels, size in _PIXELS.items()}
_ADDRESS = re.compile(r"[!-~]{1,2000}")
_AUTHORITY = re.compile(
    r"(?P<host>(?:[A-Za-z0-9-]{1,63}(?:\.|(?=:|$)))+|\[[0-9A-Fa-f:.]+\])(?::(?P<port>[0-9]{1,5}))?"
)
# What of an address nb adds itself: `/v1beta`, the list of models, or a whole call. Vertex express
# mode ends in /publishers/google instead of /v1beta.
_CALL = re.compile(
    r"(?P<base>.*?/publishers/google(?=/|$)|.*?)"
    r"(?:/v1beta|(?<=/publishers/google)|(?=/models/[^/:]+:\w+$))"
    r"(?:/models(?:/(?P<model>[^/:]+)(?::\w+)?)?)?"
)
# Other hosts of a provider, and what their names end in.
_OTHER_HOMES = {"google": "aiplatform.googleapis.com"}
_ADDRESS_EXAMPLE = "such as https://wisgate.ai or http://127.0.0.1:8080"


class InvalidValue(ValueError):
    """A value that a setting does not accept.

    Args:
        reason: continues a sentence whose subject is the value: `is not …`.
        hint: what to write instead.
        secret: the value may hold a password and must not be shown.
    """

    def __init__(self, reason: str, *, hint: str | None = None, secret: bool = False) -> None:
        super().__init__(reason)
        self.reason = reason
        self.hint = hint
        self.secret = secret


def provider(text: str) -> str:
    """Return the name of a provider in the catalog."""
    if text in PROVIDERS:
        return text
    raise InvalidValue("is not a provider", hint=one_of(text, PROVIDERS))


def model(text: str, provider: str = DEFAULT_PROVIDER) -> str:
    """Return a model id for an id, an alias or `models/…`.

    Ids missing from the catalog pass, since models come and go.
    """
    if _MODEL.fullmatch(text) and text != "models/":
        return catalog.model_id(text, provider)
    raise InvalidValue("is not a model id", hint=one_of(text, MODELS))


def aspect(text: str, model: str) -> str:
    """Return `auto`, or an aspect ratio, such as `16:9`, that the model accepts.

    `square`, `landscape`, `portrait` and `16x9` are understood.
    """
    folded = text.lower()
    if folded == AUTO:
        return AUTO
    typed = _RATIO.fullmatch(folded)
    text = f"{typed[1]}:{typed[2]}" if typed else ASPECT_NAMES.get(folded, text)
    known = MODELS.get(model)
    if known is None:
        if typed or folded in ASPECT_NAMES:
            return text
        raise InvalidValue("is not an aspect ratio", hint="such as 16:9")
    if text in known.aspects:
        return text
    elsewhere = [other.id for other in MODELS.values() if text in other.aspects]
    raise InvalidValue(
        f"is not an aspect ratio of {model}",
        hint=_elsewhere(text, elsewhere, known.aspects)
        if elsewhere
        else one_of(_nearest_ratio(text, known.aspects), known.aspects),
    )


def size(text: str, model: str, provider: str = DEFAULT_PROVIDER) -> str:
    """Return an image size, such as `2K`, that the model accepts; `2k` and `2048` mean it."""
    folded = text.upper()
    folded = SIZE_ALIASES.get(folded, folded)
    known = catalog.sizes(model, provider)
    if not known:
        if _SIZE.fullmatch(folded):
            return folded
        raise InvalidValue("is not an image size", hint=one_of("", SIZES))
    if folded in known:
        return folded
    elsewhere = [other for other in MODELS if folded in catalog.sizes(other, provider)]
    raise InvalidValue(
        f"is not an image size of {model}",
        hint=_elsewhere(folded, elsewhere, known)
        if elsewhere
        else one_of(_nearest_size(folded, known), known),
    )


def nearest_ratio(width: float, height: float, choices: Iterable[str]) -> str:
    """Return the ratio that is nearest to a width and a height, by the logarithm of the ratios."""
    return min(choices, key=lambda choice: abs(math.log(quotient(choice) * height / width)))


def quotient(ratio: str) -> float:
    """Return a ratio as a number: 16:9 is 1.78."""
    width, height = ratio.split(":")
    return int(width) / int(height)


def timeout(text: str) -> float:
    """Return a deadline in seconds, above 0 and up to a day."""
    try:
        seconds = float(text) if text.isascii() and "_" not in text else math.nan
    except ValueError:
        seconds = math.nan
    # Comparisons with nan are false, so nan and infinity are refused as well.
    if 0 < seconds <= MAX_TIMEOUT:
        return seconds
    raise InvalidValue(
        "is not a deadline", hint=f"seconds, above 0 and up to {MAX_TIMEOUT}, such as 120"
    )


def retries(text: str) -> int:
    """Return how often to resend after a failure that cost nothing: 0 to 20."""
    if re.fullmatch(r"[0-9]{1,4}", text) and int(text) <= MAX_RETRIES:
        return int(text)
    raise InvalidValue("is not a number of retries", hint=f"a whole number from 0 to {MAX_RETRIES}")


def wait(text: str) -> float:
    """Return seconds of a duration, such as `30m`, `90s` or `1h30m`; a plain number is seconds."""
    seconds = math.inf
    if _DURATION.fullmatch(text):
        parts = re.findall(r"([0-9.]+)([hms]?)", text)
        seconds = sum(float(number) * _UNITS[unit or "s"] for number, unit in parts)
    if seconds <= MAX_WAIT:
        return seconds
    raise InvalidValue("is not a duration", hint="such as 90s, 30m or 2h, up to 7 days; 0 is none")


def max_cost(text: str) -> int:
    """Return an amount in micro-dollars, given in dollars."""
    try:
        return micro_dollars(text)
    except ValueError:
        raise InvalidValue("is not an amount in dollars", hint="such as 0.50") from None


def memory_limit(text: str) -> int:
    """Return how much memory to take, in bytes, given in MiB."""
    if re.fullmatch(r"[0-9]{1,7}", text) and _LEAST_MEMORY <= int(text) <= _MOST_MEMORY:
        return int(text) << 20
    raise InvalidValue(
        "is not an amount of memory", hint=f"whole MiB, {_LEAST_MEMORY} or more, such as 600"
    )


def switch(text: str) -> bool:
    """Return a choice between true and false, in any case; 1 and 0 as variables have them."""
    if (folded := text.lower()) in ("true", "false", "1", "0"):
        return folded in ("true", "1")
    raise InvalidValue("is not a choice", hint="true or false")


def base_url(text: str) -> str:
    """Return an absolute http(s) address without a trailing slash or what nb appends itself.

    Raises:
        InvalidValue: see `split_address`.
    """
    return split_address(text)[0]


def split_address(text: str) -> tuple[str, str | None]:
    """Return the base of an address, and the model that it names, if any.

    `nb` appends `/v1beta/models/…` itself; other clients expect an address that includes it, and
    documentation shows whole calls, `…/v1beta/models/X:generateContent`.

    Raises:
        InvalidValue: not an http(s) address, or one that would send the key unencrypted over a
            network.
    """
    from urllib.parse import unquote, urlsplit

    if not _ADDRESS.fullmatch(text):
        raise InvalidValue("is not an address in visible ASCII characters", hint=_ADDRESS_EXAMPLE)
    # These may hold a password or a key, so the message leaves the address out.
    if "@" in text:
        raise InvalidValue("contains a user name or password", hint=_ADDRESS_EXAMPLE, secret=True)
    if "?" in text or "#" in text:
        raise InvalidValue(
            "contains a query or fragment", hint="leave out ? or # and what follows", secret=True
        )
    scheme = text.partition("://")[0].lower()
    authority, slash, path = text.partition("://")[2].partition("/")
    parts = _AUTHORITY.fullmatch(authority)
    try:
        urlsplit(f"//{authority}")
    except ValueError:  # such as [:::]
        parts = None
    if not parts or not 0 < int(parts["port"] or 1) < 65536 or scheme not in {"http", "https"}:
        raise InvalidValue("is not an http(s) address", hint=_ADDRESS_EXAMPLE)
    if scheme == "http" and not is_loopback(parts["host"]):
        raise InvalidValue(
            "would send the key unencrypted", hint="use https, except on this machine"
        )
    base, named = (slash + path).rstrip("/"), None
    # Again, as somebody may have added it to an address that has it.
    while (call := _CALL.fullmatch(base)) and call["base"].rstrip("/") != base:
        base = call["base"].rstrip("/")
        named = named or (unquote(call["model"]) if call["model"] else None)
    return f"{scheme}://{authority.lower()}{base}", named


def host(url: str) -> str:
    """Return the host of an address that `base_url` returned."""
    from urllib.parse import urlsplit

    return urlsplit(url).hostname or ""


def is_loopback(host: str) -> bool:
    """Return whether a host name or address, in brackets or not, can only be this machine."""
    from ipaddress import ip_address

    if host.lower() == "localhost":
        return True
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def provider_at(url: str) -> str | None:
    """Return the provider that owns the address, subdomains included, or None."""
    name = host(url).rstrip(".")
    for provider in PROVIDERS.values():
        home = host(provider.base_url)
        if home and (name == home or name.endswith(f".{home}")):
            return provider.name
        # `us-central1-aiplatform.googleapis.com` is a region of it.
        other = _OTHER_HOMES.get(provider.name)
        if other and (name == other or name.endswith((f".{other}", f"-{other}"))):
            return provider.name
    return None


def _elsewhere(value: str, models: list[str], choices: Iterable[str]) -> str:
    return f"this model takes {', '.join(choices)}; {value} works with {', '.join(models)}"


def _nearest_ratio(text: str, choices: Iterable[str]) -> str:
    """Return the ratio of that shape, or `text`: `16x9` and `1920x1080` both mean `16:9`."""
    numbers = [float(number) for number in _NUMBERS.findall(text[:40])]
    if len(numbers) != 2 or not all(numbers):
        return text
    return nearest_ratio(numbers[0], numbers[1], choices)


def _nearest_size(folded: str, choices: Iterable[str]) -> str:
    """Return the size of that scale, or "": `8K` means `4K`, and `2048` means `2K`."""
    numbers = [float(number) for number in _NUMBERS.findall(folded[:40])]
    if len(numbers) != 1 or not all(numbers):
        return ""
    # From 64 on, a plain number counts pixels.
    scale = math.log(numbers[0] if numbers[0] < 64 else numbers[0] / 1024)
    return min(choices, key=lambda choice: abs(math.log(float(choice[:-1])) - scale))
