"""Say what to do about an error of the service, as far as its words tell. Pure."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from nanobanana_cli.api.error_body import ErrorBody
from nanobanana_cli.catalog import PROVIDERS, successor
from nanobanana_cli.types import Endpoint

_MODELS = "see `nb models` for the ratios and sizes that each model accepts"
_REFERENCES = "use fewer or smaller reference images"

# What is wrong with a request, by the words of the error; the first that fits.
_OF_A_REQUEST = tuple(
    (re.compile(pattern, re.IGNORECASE), hint)
    for pattern, hint in (
        (
            r"FAILED_PRECONDITION|location is not supported|country, region|enable billing",
            (
                "the service is not available to this account or from here:"
                " check its region and billing"
            ),
        ),
        (
            r"thought[ _]?signature",
            (
                "the model takes a conversation back only as it made it:"
                " -i IMAGE starts anew from its last image"
            ),
        ),
        (
            (
                r"unknown name|cannot find field|(?:unknown|unrecognized|unexpected|extra) "
                r"(?:field|parameter|argument|key|propert|input)|not permitted|no such field"
            ),
            (
                "{host} does not know this field: a gateway may be too old for it;"
                " check `nb config get base-url`"
            ),
        ),
        (
            (
                r"payload size|request (?:entity|body|payload)? ?(?:is )?too large"
                r"|exceeds the limit|number of tokens|context length|too many tokens"
            ),
            f"{_REFERENCES}, or shorten the prompt",
        ),
        (
            (
                r"unexpected end|unexpected eof|truncated|premature(?:ly)?|incomplete (?:body|json)"
                r"|content-?length"
            ),
            f"the request was cut on its way: {_REFERENCES}, or try without the proxy",
        ),
        (
            (
                r"(?:input|inline|reference|provided|source|uploaded)[ _]?(?:image|data)"
                r"|mime[ _]?type"
                r"|\bimages? (?:is|are|was|file|too|could|cannot|must|exceeds|data|input|url)\b"
                r"|(?:decode|process|read|load|open|parse|download|unsupported|invalid|corrupt\w*)"
                r" (?:the |an |input |this )*image(?!_| ?(?:size|config|ratio|generation|resol))"
                r"|图片|图像"
            ),
            (
                "check the files given with --image: PNG, JPEG, WebP, HEIC and HEIF are taken;"
                " saving one anew as PNG may help"
            ),
        ),
        (
            r"0\.5K|\b512(?:px)?\b",
            "this address does not take 0.5K: use --size 1K",
        ),
        (r"image_?size|aspect|ratio|resolution", _MODELS),
        (r"thinking", "leave --thinking out, or see `nb models` for what the model takes"),
        (
            (
                r"(?:multi-?modal output|modalit\w+|image (?:generation|output)).{0,60}"
                r"(?:support|available|enabled)|(?:not |un)support\w*.{0,60}modalit"
            ),
            "this model makes no images here: choose another with --model, see `nb models`",
        ),
        (
            (
                r"invalid model|unknown model|model.{0,60}(?:not (?:found|exist|support)|invalid)"
                r"|不支持.{0,10}模型|模型.{0,30}不(?:存在|支持)"
            ),
            "choose another model with --model: see `nb models`",
        ),
        (r"an HTML page", "check the address: `nb config get base-url`"),
        (r"invalid argument|INVALID_ARGUMENT", f"{_MODELS}; --dry-run shows the request"),
    )
)
# What a key that is known may not do, by the words of a 401 or 403; the first that fits.
_FORBIDDEN = tuple(
    (re.compile(pattern, re.IGNORECASE), what, hint)
    for pattern, what, hint in (
        (
            r"SERVICE_DISABLED|has not been used in project|is disabled\. Enable",
            "the API is not enabled for the key's project",
            "enable the API as the message says, wait a few minutes, then run it again",
        ),
        (
            r"BILLING_DISABLED|billing (?:to be|is not|account).{0,20}(?:enabled|disabled)",
            "the key's project has no billing",
            "enable billing for the project of the key from {origin}",
        ),
        (
            (
                r"IP_ADDRESS_BLOCKED|REFERRER_BLOCKED|IP address|referr?er|\bIP\b.{0,30}"
                r"(?:not (?:allowed|in)|不在|限制|白名单)|白名单"
            ),
            "the key may not be used from this address",
            "allow this machine's address for the key from {origin} at {host}",
        ),
        (
            (
                r"无权.{0,4}模型|model_access_denied|model.{0,80}(?:not allowed|denied|no access)"
                r"|(?:not allowed|no access|not have (?:access|permission)|can only|not authorized)"
                r".{0,40}\bmodel"
            ),
            "the key may not use this model",
            (
                "choose another model with --model (see `nb models`),"
                " or allow this one for the key from {origin} at {host}"
            ),
        ),
        (
            r"分组|\bgroup\b",
            "the key's group may not do this",
            "make a new key in another group at {host}, in place of the one from {origin}",
        ),
        (
            r"API_KEY_SERVICE_BLOCKED|requests to this api",
            "the key may not use this API",
            "allow the Generative Language API for the key from {origin}",
        ),
    )
)
_OWN_KEY = "or the gateway means its own key, which only its operator can change"
_OF_AN_ADDRESS = re.compile(
    r"invalid url|an HTML page|page not found|cannot (?:post|get)|no (?:such )?route|not routed"
    r"|route.{0,40}not found|no static resource|no matching|unknown (?:path|endpoint|url)"
    r"|(?:path|endpoint|url|resource|api).{0,40}(?:not found|does not exist|not exist)"
    r"|^not found\.?$|^\W*\{?\W*detail\W+not found|接口不存在|路径",
    re.IGNORECASE,
)


def of_request(status: int, error: ErrorBody, endpoint: Endpoint) -> str:
    """Return the hint for a request that was rejected for good."""
    if status == 413:
        return _REFERENCES
    if status == 407:
        return "check the user and password in HTTPS_PROXY"
    if status == 405:
        return of_address(endpoint)
    for pattern, hint in _OF_A_REQUEST if status == 400 else ():
        if pattern.search(f"{error.message} {' '.join(error.labels)}"):
            return hint.format(host=host(endpoint))
    return _MODELS if status == 400 and not error.message else "--dry-run shows the request"


def is_of_address(error: ErrorBody) -> bool:
    """Return True if a 404 is about the address, not about the model."""
    if error.message and not error.is_json:
        return True
    return _OF_AN_ADDRESS.search(error.message) is not None and "model" not in error.labels


def of_address(endpoint: Endpoint) -> str:
    """Return the hint for an address that does not serve the API."""
    path = urlsplit(endpoint.base_url).path.rstrip("/")
    if re.search(r"/v\d\w*$", path):
        version = path.rpartition("/")[2]
        return f"leave /{version} out of base-url: nb adds /v1beta/models/… itself"
    return (
        f"{host(endpoint)} has nothing at this address: check `nb config get base-url`,"
        " to which nb adds /v1beta/models/…"
    )


def of_model(model: str) -> str:
    """Return the hint for a model that was not found.

    Args:
        model: its id; "" if that is not known.
    """
    found = successor(model)
    instead = f"try its successor with --model {found}, or " if found else ""
    return f"the model may be retired: {instead}see `nb models`"


def of_key(error: ErrorBody, endpoint: Endpoint, *, is_forbidden: bool) -> tuple[str, str]:
    """Return what is wrong with a key that was rejected, and the hint.

    Args:
        is_forbidden: the key is known, and may not do this.
    """
    origin, where = key_origin(endpoint), host(endpoint)
    own_key = "" if is_google(endpoint) else f"\n{_OWN_KEY}"
    for pattern, what, hint in _FORBIDDEN:
        if pattern.search(error.everything):
            return what, hint.format(origin=origin, host=where) + own_key
    what = "the key may not do this" if is_forbidden else "the key was rejected"
    provider = PROVIDERS.get(endpoint.provider)
    if provider is None or not provider.needs_key:
        return what, "run `nb config check` to see which key is used"
    hint = f"{where} got the key from {origin}: see `nb config check`"
    if is_providers_own(endpoint):
        hint += f", or get one at {provider.key_page}"
    if is_forbidden:
        hint += "\nor try another model: `nb models`"
    return what, hint + own_key


def key_origin(endpoint: Endpoint) -> str:
    """Return the place that the key came from, for messages."""
    provider = PROVIDERS.get(endpoint.provider)
    variables = provider.key_variables if provider else ()
    return endpoint.key_origin or " or ".join(variables) or "the configuration"


def host(endpoint: Endpoint) -> str:
    """Return the host, with its port if it has one of its own."""
    try:
        return urlsplit(endpoint.base_url).netloc.rpartition("@")[2] or "the service"
    except ValueError:
        return "the service"


def is_providers_own(endpoint: Endpoint) -> bool:
    """Return True unless the address is one of the user's own."""
    provider = PROVIDERS.get(endpoint.provider)
    return provider is not None and endpoint.base_url == provider.base_url


def is_google(endpoint: Endpoint) -> bool:
    """Return True if the host is Google's own, so that no gateway stands before it."""
    name = host(endpoint).partition(":")[0]
    return name == "googleapis.com" or name.endswith(".googleapis.com")
