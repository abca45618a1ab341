"""Options of the contract suite: which service is asked, and what it may cost.

They are known to `pytest tests/contract …`, which loads this file before it reads its options.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
import requests
from contract import facts
from contract.contract import Contract, Outcome, Plan
from contract.questions import Subject
from contract.recorder import CASES, Recorder

from nanobanana_cli.catalog import DEFAULT_MODEL, PROVIDERS
from nanobanana_cli.errors import NbError
from nanobanana_cli.money import dollars, micro_dollars
from nanobanana_cli.settings import credentials

_ROOT = Path(__file__).parents[2]
_LIVE = ("wisgate", "google")
_SANDBOX_KEY = "sk-of-the-contract-0123456789"


@dataclass
class _Live:
    contract: Contract
    recorder: Recorder | None
    max_cost: int | None


_live = pytest.StashKey[_Live]()
_suite = pytest.StashKey[Contract]()


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("contract", "contract suite")
    group.addoption(
        "--live", choices=_LIVE, help="ask this service, with the key of its usual variable"
    )
    group.addoption("--max-cost", metavar="USD", help="the most that --live may cost, such as 0.50")
    group.addoption(
        "--every", action="store_true", help="also a call for each ratio and size with --live"
    )
    group.addoption(
        "--record", metavar="DIR", help="keep the replies of --live as cases, without the key"
    )


def pytest_configure(config: pytest.Config) -> None:
    name = config.getoption("live", None)
    if name is None:
        if any(config.getoption(each, None) for each in ("max_cost", "record")):
            raise pytest.UsageError("--max-cost and --record need --live wisgate or --live google")
        return
    if config.getoption("numprocesses", None) or hasattr(config, "workerinput"):
        raise pytest.UsageError("--live asks from one process: leave out -n")
    record = config.getoption("record")
    folder = Path(record).absolute() if record else None
    if folder and (folder / CASES).exists():
        raise pytest.UsageError(f"{folder / CASES} exists: choose another folder for --record")
    subject = _subject(name)
    # What tests run in has no variables that name proxies and certificates.
    connection = requests.Session().merge_environment_settings(
        subject.base_url, {}, None, None, None
    )
    recorder = Recorder(folder, subject.key) if folder else None
    contract = Contract(subject, connection=dict(connection))
    config.stash[_live] = _Live(contract, recorder, _max_cost(config.getoption("max_cost")))


def _subject(name: str) -> Subject:
    provider = PROVIDERS[name]
    variables = provider.key_variables
    given = next((each for each in variables if os.environ.get(each, "").strip()), None)
    if given is None:
        raise pytest.UsageError(f"--live {name} needs a key in {' or '.join(variables)}")
    try:
        key = credentials.check(os.environ[given].strip(), given)
    except NbError as error:
        raise pytest.UsageError(error.message) from None
    base_url = os.environ.get("NB_BASE_URL") or provider.base_url
    model = os.environ.get("NB_MODEL") or provider.default_model
    return Subject(name, base_url.rstrip("/"), key, model)


def _max_cost(text: str | None) -> int | None:
    if text is None:
        return None
    try:
        return micro_dollars(text)
    except (NbError, ValueError):
        raise pytest.UsageError(f"--max-cost {text} is not an amount: write 0.50") from None


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "fact" not in metafunc.fixturenames:
        return
    live = metafunc.config.stash.get(_live, None)
    if live is None:
        found = list(facts.about(Subject("sandbox", "", _SANDBOX_KEY, DEFAULT_MODEL), every=True))
    else:
        contract, every = live.contract, metafunc.config.getoption("every")
        found = list(facts.about(contract.subject, every=every))
        # What is free comes first, also of what needs a paid call before it; then the cheapest.
        found.sort(
            key=lambda fact: (
                not fact.question.is_refused,
                fact.question.is_refused and fact.question.after is not None,
                contract.price(fact.question),
            )
        )
    metafunc.parametrize("fact", found, ids=lambda fact: fact.id)


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """With --live, leave the other tests of this folder out, so that none counts as deselected."""
    is_other = collection_path.is_file() and collection_path.name != "test_facts.py"
    return True if _live in config.stash and is_other else None


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """With --live, keep the facts alone: the other tests need no service."""
    if _live not in config.stash:
        return
    kept = [item for item in items if "fact" in getattr(item, "fixturenames", ())]
    config.hook.pytest_deselected(items=[item for item in items if item not in kept])
    items[:] = kept


def pytest_report_collectionfinish(
    config: pytest.Config, items: Sequence[pytest.Item]
) -> list[str]:
    live = config.stash.get(_live, None)
    if live is None:
        return []
    plan = _plan(live, items)
    lines = [f"this takes {plan}"]
    if plan.need > (live.max_cost or 0):
        lines += [f"nothing is sent before that is allowed: --max-cost {plan.least}"]
    return lines


def pytest_collection_finish(session: pytest.Session) -> None:
    live = session.config.stash.get(_live, None)
    if live is None or session.config.option.collectonly:
        return
    plan = _plan(live, session.items)
    if live.max_cost is None and plan.need and _agrees(plan, live, session.config):
        live.max_cost = plan.need
    _refuse_cost(plan, live, len(session.items))
    live.contract.budget = live.max_cost or 0


def _agrees(plan: Plan, live: _Live, config: pytest.Config) -> bool:
    """Return whether the user agrees to the cost; nobody does where there is no terminal."""
    capture = config.pluginmanager.getplugin("capturemanager")
    capture.suspend_global_capture(in_=True)
    try:
        if not (sys.stdin.isatty() and sys.stdout.isatty()):
            return False
        question = f"Spend up to {dollars(plan.need)} at {live.contract.subject.provider}? [y/N] "
        return input(question).strip().lower() in ("y", "yes")
    except EOFError:
        return False
    finally:
        capture.resume_global_capture()


def _plan(live: _Live, items: Sequence[pytest.Item]) -> Plan:
    calls = [getattr(item, "callspec", None) for item in items]
    return live.contract.plan(call.params["fact"] for call in calls if call)


def _refuse_cost(plan: Plan, live: _Live, count: int) -> None:
    """Refuse a run that may cost more than was allowed, before anything is sent."""
    subject = live.contract.subject
    if plan.need <= (live.max_cost or 0):
        return
    allowed = "" if live.max_cost is None else f", more than --max-cost {dollars(live.max_cost)}"
    raise pytest.UsageError(
        f"{count} facts about {subject.provider} ({subject.model}) take {plan}{allowed}. "
        f"Nothing was sent. Allow it with --max-cost {plan.least}, or choose facts with -k"
    )


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Fail where nothing was answered: that is no contract kept."""
    live = session.config.stash.get(_live, None)
    verdicts = live.contract.verdicts if live else []
    is_silent = all(each.outcome is Outcome.NOT_ANSWERED for each in verdicts)
    if verdicts and is_silent and session.exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


@pytest.fixture(scope="session")
def sandbox_contract() -> Iterator[Contract]:
    """The contract with a real `nb sandbox`, in a process of its own."""
    command = [sys.executable, "-m", "nanobanana_cli", "sandbox", "--port", "0", "-q"]
    env = {**os.environ, "PYTHONPATH": str(_ROOT)}
    with subprocess.Popen(
        [*command, "--key", _SANDBOX_KEY], stdout=subprocess.PIPE, text=True, env=env
    ) as process:
        assert process.stdout is not None
        url = process.stdout.readline().split('"')[3]
        yield Contract(Subject("sandbox", url, _SANDBOX_KEY, DEFAULT_MODEL))
        process.terminate()


@pytest.fixture
def contract(request: pytest.FixtureRequest) -> Contract:
    """The contract with the service that is asked."""
    live = request.config.stash.get(_live, None)
    if live is not None:
        return live.contract
    found = request.getfixturevalue("sandbox_contract")
    assert isinstance(found, Contract)
    return found


@pytest.fixture
def recorder(request: pytest.FixtureRequest) -> Recorder | None:
    """What keeps the replies, if that is wanted."""
    live = request.config.stash.get(_live, None)
    return live.recorder if live else None


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    live = terminalreporter.config.stash.get(_live, None)
    if live is None or not (live.contract.verdicts or live.contract.spent):
        return
    contract = live.contract
    subject = contract.subject
    write = terminalreporter.write_line
    terminalreporter.section(f"contract with {subject.provider}, {subject.model}")
    for outcome in (Outcome.DIFFERS, Outcome.NOT_ANSWERED):
        for verdict in contract.verdicts:
            if verdict.outcome is outcome:
                write(f"{outcome.value:<13} {verdict.fact.id}")
                write(f"  expected    {verdict.fact.statement}")
                write(f"  answered    {verdict.answered}")
    counts = [
        f"{sum(each.outcome is outcome for each in contract.verdicts)} {words}"
        for outcome, words in (
            (Outcome.HOLDS, "hold"),
            (Outcome.DIFFERS, "differ"),
            (Outcome.NOT_ANSWERED, "not answered"),
        )
    ]
    spent = f"{dollars(contract.spent, zero='$0')} of {dollars(contract.budget, zero='$0')}"
    write(f"{len(contract.verdicts)} facts: {', '.join(counts)}; at most {spent} spent")
