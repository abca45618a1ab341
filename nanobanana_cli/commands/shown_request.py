"""Show the request that a call would send: for `--dry-run` and `--curl`."""

from __future__ import annotations

from nanobanana_cli.commands import connection
from nanobanana_cli.errors import UsageError
from nanobanana_cli.settings import Settings, default_timeout
from nanobanana_cli.types import ContentRequest, Endpoint
from nanobanana_cli.ui import github
from nanobanana_cli.ui.terminal import Terminal


def show_request(
    request: ContentRequest,
    settings: Settings,
    terminal: Terminal,
    *,
    as_curl: bool,
    as_line: bool,
) -> None:
    """Print a request on stdout.

    Args:
        as_curl: as a curl command; otherwise as JSON.
        as_line: JSON is one line.

    Raises:
        UsageError: the embedded sandbox has no address for curl.
    """
    from nanobanana_cli.api import request as wire

    body = wire.build(request, settings.provider)
    if as_curl and connection.is_embedded(settings):
        raise UsageError(
            "the embedded sandbox has no address that curl could use",
            hint="start `nb sandbox` and name its address with --base-url",
        )
    headers = settings.user.headers(settings.provider)
    if as_curl:
        endpoint = Endpoint(settings.provider, settings.base_url, headers=headers)
        timeout = settings.timeout or default_timeout(request.model, request.size)
        text = wire.as_curl(endpoint, request.model, body, timeout)
    else:
        # The embedded sandbox takes a free port when it starts, so there is none to name yet.
        address = settings.base_url or "http://127.0.0.1:0"
        endpoint = Endpoint(settings.provider, address, headers=headers)
        shorten = terminal.stdout.isatty()
        shown = wire.shown(endpoint, request.model, body, shorten=shorten)
        text = wire.as_json(shown)
    if as_line and not as_curl:
        terminal.json(shown)
    else:
        for line in github.json_text(text).splitlines():
            terminal.result(line)
    for name in headers:
        terminal.note(f"{wire.variable_of_header(name)} stands for the header {name}")
