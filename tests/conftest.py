"""What all tests share: strict recording, and both database engines.

A PostgreSQL is started once per session, by the controller, when the first test asks for it; with xdist its
address travels to the workers. Each test gets a schema of its own. Where no PostgreSQL is found, the tests
that need it are deselected and the last line says so; with CI=true they fail.
"""

import contextlib
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from everbloom.index.database import Database
from everbloom.testing.browser import find_chromium
from everbloom.testing.databases import DatabaseAddress, fresh_address
from everbloom.testing.postgres import MINIMUM_VERSION, find_postgres, running_postgres

os.environ["EVERBLOOM_STRICT"] = "1"
os.environ["EVERBLOOM_TIDY"] = "0"
# A shell's background jobs ignore Ctrl-C, and so would what tests start and end by it.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
# A machine that is busy with something else is no failure. With CI=true Hypothesis does the same by itself.
if not os.environ.get("CI"):
    settings.register_profile("patient", deadline=None)
    settings.load_profile("patient")

_RESOURCES = pytest.StashKey[contextlib.ExitStack]()
_ADDRESS = pytest.StashKey[str]()
_DESELECTED = pytest.StashKey[dict[str, int]]()


def pytest_configure(config: pytest.Config) -> None:
    config.stash[_RESOURCES] = contextlib.ExitStack()
    config.stash[_DESELECTED] = {}
    if address := getattr(config, "workerinput", {}).get("postgres_address"):
        config.stash[_ADDRESS] = address


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node) -> None:
    # The controller collects nothing, so it cannot know whether a worker will ask: start at once.
    node.workerinput["postgres_address"] = _ensure_postgres(node.config)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node) -> None:
    for marker, count in getattr(node, "workeroutput", {}).get("deselected", {}).items():
        node.config.stash[_DESELECTED][marker] = max(count, node.config.stash[_DESELECTED].get(marker, 0))


# What tests may need of the system, by their marker: how it is found, and what it is called.
_NEEDS = {
    "postgres": (find_postgres, f"PostgreSQL {MINIMUM_VERSION} or newer"),
    "browser": (find_chromium, "Chromium"),
}


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if os.environ.get("CI") == "true":
        return
    for marker, (find, _) in _NEEDS.items():
        needing = [item for item in items if item.get_closest_marker(marker)]
        if not needing or (marker == "postgres" and _ADDRESS in config.stash) or find():
            continue
        config.stash[_DESELECTED][marker] = len(needing)
        if hasattr(config, "workeroutput"):
            config.workeroutput["deselected"] = config.stash[_DESELECTED]
        config.hook.pytest_deselected(items=needing)
        items[:] = [item for item in items if not item.get_closest_marker(marker)]


def pytest_unconfigure(config: pytest.Config) -> None:
    config.stash[_RESOURCES].close()
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    for marker, count in config.stash[_DESELECTED].items() if reporter else ():
        # Here, so that it stands below the line with the counts.
        reporter.write_line(f"No {_NEEDS[marker][1]} was found: {count} tests were left out.", yellow=True)


def _ensure_postgres(config: pytest.Config) -> str | None:
    if _ADDRESS not in config.stash:
        binaries = find_postgres()
        if binaries is None:
            return None
        config.stash[_ADDRESS] = config.stash[_RESOURCES].enter_context(running_postgres(binaries))
    return config.stash[_ADDRESS]


@pytest.fixture(scope="session")
def postgres_address(request: pytest.FixtureRequest) -> str:
    address = _ensure_postgres(request.config)
    if address is None:
        pytest.fail(f"no PostgreSQL {MINIMUM_VERSION} or newer was found, and CI=true asks for it")
    return address


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def database_place(request: pytest.FixtureRequest, tmp_path: Path) -> Path | str:
    """A folder for SQLite files or a server's address, for `everbloom.testing.databases`."""
    return tmp_path if request.param == "sqlite" else request.getfixturevalue("postgres_address")


@pytest.fixture
def database_address(database_place: Path | str) -> Iterator[DatabaseAddress]:
    with fresh_address(database_place) as address:
        yield address


@pytest.fixture
def database(database_address: DatabaseAddress) -> Iterator[Database]:
    with database_address.open() as opened:
        yield opened
