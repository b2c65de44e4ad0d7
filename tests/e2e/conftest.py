"""One Chromium for all pages that a process of the tests looks at."""

import pytest

from everbloom.testing.browser import open_browser

# A site that is not ours, on an address that is: what a rebound name looks like to a browser.
OTHER_SITE = "evil.example"


@pytest.fixture(scope="session")
def browser():
    with open_browser(f"--host-resolver-rules=MAP {OTHER_SITE} 127.0.0.1") as opened:
        yield opened
