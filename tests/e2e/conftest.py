"""One Chromium for all pages a process of the tests looks at; one store and server for the tests of a module."""

from pathlib import Path

import pytest

from everbloom.testing.browser import open_browser

# A site that is not ours, on an address that is: what a rebound name looks like to a browser.
OTHER_SITE = "evil.example"


@pytest.fixture(scope="session")
def browser():
    with open_browser(f"--host-resolver-rules=MAP {OTHER_SITE} 127.0.0.1") as opened:
        yield opened


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    # Else each of the workers makes the module's store, starts its server and builds its index for itself.
    for item in items:
        if item.path.parent == Path(__file__).parent:
            item.add_marker(pytest.mark.xdist_group(item.path.stem))
