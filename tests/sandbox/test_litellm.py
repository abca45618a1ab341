"""LiteLLM's proxy, unchanged, between `nb` and the sandbox: a gateway that nobody here wrote."""

from __future__ import annotations

import json
import os
import secrets
import socket
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
from conftest import NbProcess, Run
from support.tools import require_named

# The `litellm` of an environment of its own, which `.ci/run` makes.
_VARIABLE = "NB_LITELLM"
_MODEL = "gemini-3.1-flash-image-preview"
# LiteLLM would ask these of the network.
_OFFLINE = {
    "LITELLM_TELEMETRY": "False",
    "LITELLM_LOCAL_MODEL_COST_MAP": "True",
    "LITELLM_LOCAL_ANTHROPIC_BETA_HEADERS": "True",
    "LITELLM_LOCAL_AUTOROUTER_PRESETS": "True",
    "LITELLM_LOCAL_BLOG_POSTS": "True",
    "LITELLM_LOCAL_POLICY_TEMPLATES": "True",
    "DISABLE_ADMIN_UI": "True",
}
# Its start takes a few seconds of one core, and the suite uses all of them.
_LONGEST_START = 90.0


class Gateway:
    """`nb`, LiteLLM and the sandbox in a row.

    Args:
        nb: runs `nb`.
        url: LiteLLM's address.
        key: LiteLLM's own.
        log: the sandbox's.
    """

    def __init__(self, nb: NbProcess, url: str, key: str, log: Path) -> None:
        self._nb = nb
        self._env = {"NB_BASE_URL": url, "WISDOM_GATE_KEY": key}
        self._log = log

    def ask(
        self, fault: str, *, timeout: str = "20", **env: str
    ) -> tuple[Run, list[dict[str, Any]]]:
        """Generate an image; return what came of it, and the calls that reached the sandbox."""
        before = len(self._calls())
        prompt = f"a red fox [[fault:{fault}]]" if fault else "a red fox"
        run = self._nb(
            *(
                "generate",
                prompt,
                "-o",
                "fox.png",
                "--force",
                "--retries",
                "1",
                "--timeout",
                timeout,
            ),
            env={**self._env, **env},
        )
        return run, self._calls()[before:]

    def _calls(self) -> list[dict[str, Any]]:
        lines = self._log.read_text().splitlines() if self._log.exists() else []
        return [json.loads(line) for line in lines]


@contextmanager
def running(process: subprocess.Popen[bytes]) -> Iterator[subprocess.Popen[bytes]]:
    """End a process with the block."""
    with process:
        try:
            yield process
        finally:
            process.kill()


@pytest.fixture
def gateway(nb_process: NbProcess, tmp_path: Path) -> Iterator[Gateway]:
    litellm = require_named(_VARIABLE)
    key = f"sk-{secrets.token_hex(24)}"
    calls = tmp_path / "calls.jsonl"
    with ExitStack() as stack:
        sandbox = stack.enter_context(
            running(nb_process.start("sandbox", "--port", "0", "--log", calls, "-q"))
        )
        assert sandbox.stdout is not None
        base = f"{json.loads(sandbox.stdout.readline())['url']}/v1beta"
        config = tmp_path / "litellm.yaml"
        config.write_text(json.dumps(_config(base)))
        port = _free_port()
        env = {**_OFFLINE, "PATH": os.environ["PATH"], "HOME": str(tmp_path)}
        log = stack.enter_context((tmp_path / "litellm.log").open("wb"))
        command = [litellm, "--config", str(config), "--host", "127.0.0.1", "--port", str(port)]
        process = subprocess.Popen(
            command, env={**env, "LITELLM_MASTER_KEY": key}, stdout=log, stderr=log, cwd=tmp_path
        )
        stack.enter_context(running(process))
        url = f"http://127.0.0.1:{port}"
        _wait(process, url, tmp_path / "litellm.log")
        yield Gateway(nb_process, url, key, calls)


def _config(base: str) -> dict[str, Any]:
    params = {"model": f"gemini/{_MODEL}", "api_key": "sandbox-key", "api_base": base}
    return {
        "model_list": [{"model_name": _MODEL, "litellm_params": params}],
        # Resending is left to `nb`, so that each call to the sandbox is one of its own.
        "litellm_settings": {"num_retries": 0, "telemetry": False},
        "router_settings": {"num_retries": 0, "disable_cooldowns": True},
    }


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


def _wait(process: subprocess.Popen[bytes], url: str, log: Path) -> None:
    deadline = time.monotonic() + _LONGEST_START
    while True:
        try:
            with urllib.request.urlopen(f"{url}/health/liveliness", timeout=5):
                return
        except OSError:
            is_over = time.monotonic() > deadline or process.poll() is not None
            assert not is_over, log.read_text(errors="replace")[-4000:]
            time.sleep(0.2)


def test_a_gateway_is_read_right_and_nothing_is_paid_twice(gateway: Gateway) -> None:
    run, calls = gateway.ask("")
    assert (run.code, len(calls)) == (0, 1), run.err

    # Whatever of the reply is lost between the sandbox and `nb`, nobody can say who paid.
    for fault in ("cut", "reset", "html", "500", "502"):
        run, calls = gateway.ask(fault)
        assert (run.code, len(calls)) == (11, 1), f"{fault}: {run.err}"
        assert run.err.endswith("\nMay have been charged.\n"), run.err
    # The gateway waits longer than `nb` does.
    run, calls = gateway.ask("hang", timeout="2")
    assert (run.code, len(calls)) == (11, 1), run.err
    assert run.err.endswith("\nMay have been charged.\n"), run.err

    # What is known to be free is, also in the gateway's words.
    for fault, code, words in (
        ("429", 5, "You exceeded your current quota. Please retry in 1s."),
        ("503", 5, "The model is overloaded. Please try again later."),
    ):
        run, calls = gateway.ask(fault)
        assert (run.code, len(calls)) == (code, 2), f"{fault}: {run.err}"
        assert words in run.err
        assert "{" not in run.err
        assert run.err.endswith("\nNot charged.\n"), run.err
    run, calls = gateway.ask("400")
    assert (run.code, len(calls)) == (7, 1), run.err
    assert "(400): Request contains an invalid argument.\n" in run.err

    run, calls = gateway.ask("", WISDOM_GATE_KEY="sk-of-somebody-else")
    assert (run.code, calls) == (4, []), run.err
