"""Headers that a gateway wants besides the key: as secret as the key."""

from __future__ import annotations

import json
import stat
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import Nb
from support.replies import failed, made
from support.wire_server import Answer, WireServer

KEY = "sk-very-secret-key-123"
SECRET = "gateway-secret-456789"
NAME = "cf-aig-authorization"
SHOWN = f"wisgate.headers.{NAME}"


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The user's file, with a header for each of two providers."""
    path = tmp_path / "user.toml"
    path.write_text(
        f'[wisgate.headers]\n{NAME} = "Bearer {SECRET}"\n'
        f'[google.headers]\nx-other = "another-secret-1"\n'
    )
    path.chmod(0o600)
    monkeypatch.setenv("NB_CONFIG", str(path))
    monkeypatch.setenv("WISDOM_GATE_KEY", KEY)
    return path


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[WireServer]:
    with WireServer(made()) as server:
        monkeypatch.setenv("NB_BASE_URL", server.url)
        yield server


@pytest.mark.usefixtures("file")
def test_they_go_with_each_call_of_their_provider(nb: Nb, server: WireServer) -> None:
    assert nb("generate", "fox", "-o", "fox.png", "-v").code == 0
    (request,) = server.requests
    assert request.headers[NAME] == f"Bearer {SECRET}"
    assert request.headers["x-goog-api-key"] == KEY
    assert "x-other" not in request.headers
    assert nb("config", "check").code == 0
    assert server.requests[-1].headers[NAME] == f"Bearer {SECRET}"


@pytest.mark.usefixtures("file")
@pytest.mark.parametrize("secret", [SECRET, f"Bearer {SECRET}"])
@pytest.mark.parametrize("status", [200, 400, 403, 500, 502])
def test_what_the_server_echoes_is_scrubbed(nb: Nb, secret: str, status: int) -> None:
    answer = failed(status, f"bad header: {secret}")
    with WireServer(answer) as server:
        run = nb(
            *("generate", "fox", "-v", "--json", "--retries", "0"),
            env={"NB_BASE_URL": server.url},
        )
    assert run.code != 0
    assert "[key]" in run.err
    assert SECRET not in run.err + run.out


@pytest.mark.usefixtures("file")
def test_a_redirect_gets_none(nb: Nb) -> None:
    with WireServer() as other:
        moved = Answer(302, headers=(("Location", other.url),))
        with WireServer(moved) as server:
            run = nb("generate", "fox", env={"NB_BASE_URL": server.url})
    assert (run.code, other.requests) == (7, [])


@pytest.mark.usefixtures("file", "server")
def test_a_request_that_is_shown_names_a_variable_instead(nb: Nb) -> None:
    run = nb("generate", "fox", "--dry-run")
    assert json.loads(run.out)["headers"][NAME] == "$CF_AIG_AUTHORIZATION"
    assert f"CF_AIG_AUTHORIZATION stands for the header {NAME}" in run.err
    assert SECRET not in run.out + run.err


@pytest.mark.usefixtures("file")
def test_the_curl_command_runs_as_it_stands(nb: Nb, server: WireServer) -> None:
    run = nb("generate", "fox", "--curl")
    assert SECRET not in run.out + run.err
    env = {"WISDOM_GATE_KEY": KEY, "CF_AIG_AUTHORIZATION": "x y", "PATH": "/usr/bin:/bin"}
    subprocess.run(["sh", "-c", run.out], env=env, check=True, capture_output=True)
    assert server.requests[-1].headers[NAME] == "x y"


@pytest.mark.usefixtures("file")
def test_the_list_shows_them_masked(nb: Nb) -> None:
    run = nb("config", "list")
    assert f"{SHOWN}\t********" in run.out
    assert "google.headers.x-other\t********" in run.out
    assert SECRET not in run.out + nb("config", "list", "--json").out
    assert nb("config", "get", SHOWN).out == "********\n"


def test_set_reads_the_value_from_stdin_and_keeps_the_file_private(nb: Nb, file: Path) -> None:
    file.unlink()
    run = nb("config", "set", SHOWN, stdin=f"Bearer {SECRET}\n".encode())
    assert run.code == 0, run.err
    assert file.read_text() == f'[wisgate.headers]\n{NAME} = "Bearer {SECRET}"\n'
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert nb("config", "set", "headers.x-more", stdin=b"1").code == 0
    assert nb("config", "unset", SHOWN).code == 0
    assert file.read_text() == '[wisgate.headers]\nx-more = "1"\n'
    run = nb("config", "set", SHOWN, "typed")
    assert (run.code, "a header's value cannot be given as an argument" in run.err) == (2, True)
    run = nb("config", "set", SHOWN, stdin=b"\n")
    assert (run.code, "no header's value given for wisgate.headers" in run.err) == (2, True)


def test_a_file_that_others_can_read_is_a_warning(nb: Nb, file: Path, server: WireServer) -> None:
    file.chmod(0o644)
    assert server.url
    assert (
        f"warning  permissions  {file} holds a key and is accessible" in nb("config", "check").out
    )


@pytest.mark.usefixtures("file", "server")
@pytest.mark.parametrize(
    "text",
    [f'[wisgate.headers]\nx-a = "{SECRET}"\n', f'wisgate = {{headers = {{x-a = "{SECRET}"}}}}'],
)
def test_a_project_file_may_set_none(nb: Nb, text: str) -> None:
    Path("nb.toml").write_text(text)
    run = nb("generate", "fox", "-o", "fox.png")
    assert run.code == 2
    assert "headers.x-a in " in run.err
    assert "is not allowed in a project file" in run.err
    assert SECRET not in run.err


def test_a_project_that_chooses_the_provider_sends_them_nowhere_else(nb: Nb, file: Path) -> None:
    file.write_text('[sandbox.headers]\nx-a = "a-secret-value"\n')
    Path("nb.toml").write_text('provider = "sandbox"')
    run = nb("generate", "fox", env={"NB_BASE_URL": "https://gate.example"})
    assert (run.code, "chooses sandbox" in run.err) == (2, True)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('[wisgate.headers]\n"x a" = "v"', "x a is not the name of a header in "),
        ('[wisgate.headers]\nX-Goog-Api-Key = "v"', "nb sets the header X-Goog-Api-Key itself in "),
        ('[wisgate.headers]\nHost = "v"', "nb sets the header Host itself in "),
        (
            f'[wisgate.headers]\nx-a = "{SECRET}\\nx-b: 1"',
            "the value of the header x-a is not one ",
        ),
        ('[wisgate.headers]\nx-a = ""', "the value of the header x-a is not one line"),
        ('[wisgate.headers]\nx-a = "schlüssel"', "the value of the header x-a is not one line"),
        ("[wisgate.headers]\nx-a = 1", "wisgate.headers.x-a in "),
        ('[wisgate]\nheaders = "x"', "wisgate.headers in "),
        ('[headers]\nx-a = "v"', "hint: [wisgate.headers]"),
        ('[wisgate]\nheader = "x"', "did you mean headers?"),
    ],
)
def test_what_cannot_be_a_header_is_named_unseen(nb: Nb, file: Path, text: str, said: str) -> None:
    file.write_text(text)
    run = nb("generate", "fox", "-o", "fox.png")
    assert (run.code, said in run.err) == (2, True), run.err
    assert SECRET not in run.err
