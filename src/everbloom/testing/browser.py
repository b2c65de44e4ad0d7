"""The web app as people meet it: a real server as its own process, pages in the system's Chromium."""

import json
import re
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from everbloom.testing.command_line import cli_environment

SCRIPT = Path(__file__).parents[3] / "web" / "e2e" / "pages.mjs"


def find_chromium() -> Path | None:
    """Return the system's Chromium; None where there is none."""
    found = shutil.which("chromium") or shutil.which("chromium-browser")
    return Path(found) if found else None


@dataclass(frozen=True)
class Page:
    """What a page was like when it had what was waited for.

    Attributes:
        url: Its address by then.
        body: What a person can read on it.
        problems: Uncaught errors, errors on the console, and dialogs.
        violations: What axe-core objects to, where it was asked.
    """

    url: str
    body: str
    problems: list[str]
    violations: list[str]


@contextmanager
def open_web_app(root: Path) -> Iterator[str]:
    """Serve a store with `everbloom ui` on a free port; yields the link that lets one in."""
    process = subprocess.Popen(
        [sys.executable, "-m", "everbloom.cli", "ui", "--no-browser", "--port", "0", "--root", str(root)],
        env=cli_environment(root),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        yield _read_link(process)
    finally:
        process.terminate()
        process.communicate(timeout=30)


def _read_link(process: "subprocess.Popen[str]") -> str:
    said = []
    for line in process.stdout or ():
        said.append(line)
        if link := re.search(r"http://\S+/login\?token=\S+", line):
            return link[0]
    raise AssertionError(f"`everbloom ui` ended without a link: {''.join(said)}")


def look_at(link: str, steps: Sequence[dict[str, Any]]) -> list[Page]:
    """Open pages one after the other, each in a browser context of its own.

    Args:
        link: What `open_web_app` yielded.
        steps: See `web/e2e/pages.mjs`.

    Raises:
        AssertionError: A page did not get to what was waited for; says what the browser said.
    """
    node = Path(sysconfig.get_path("scripts")) / "node"
    command = [str(node), str(SCRIPT), str(find_chromium()), link]
    done = subprocess.run(
        command,
        input=json.dumps(list(steps)),
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
        cwd=SCRIPT.parent,
    )
    assert done.returncode == 0, done.stderr
    return [Page(**answer) for answer in json.loads(done.stdout.splitlines()[-1])]
