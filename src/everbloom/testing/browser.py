"""The web app as people meet it: a real server as its own process, pages in the system's Chromium.

`web/e2e/driver.mjs` holds the browser and is told, a line at a time, what of Playwright to call: so a test reads as
what a person does, and logs through the SDK between two looks. What a page counts of itself: `web/e2e/counts.mjs`.
"""

import base64
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
from urllib.parse import quote, urljoin, urlsplit

from everbloom.testing.command_line import cli_environment

_DRIVER = Path(__file__).parents[3] / "web" / "e2e" / "driver.mjs"
_Call = list[Any]


def find_chromium() -> Path | None:
    """Return the system's Chromium; None where there is none."""
    found = shutil.which("chromium") or shutil.which("chromium-browser")
    return Path(found) if found else None


@contextmanager
def open_web_app(root: Path, *, port: int = 0) -> Iterator[str]:
    """Serve a store with `everbloom ui`, on a free port unless one is named; yields the link that lets one in."""
    process = subprocess.Popen(
        [sys.executable, "-m", "everbloom.cli", "ui", "--no-browser", "--port", str(port), "--root", str(root)],
        env=cli_environment(root),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        yield _read_link(process)
    finally:
        process.terminate()
        try:
            process.communicate(timeout=30)
        except subprocess.TimeoutExpired:  # never leave one behind, whatever it was at
            process.kill()
            process.communicate()
            raise


def _read_link(process: "subprocess.Popen[str]") -> str:
    said = []
    for line in process.stdout or ():
        said.append(line)
        if link := re.search(r"http://\S+/login\?token=\S+", line):
            return link[0]
    raise AssertionError(f"`everbloom ui` ended without a link: {''.join(said)}")


@dataclass(frozen=True)
class Asked:
    """One request of a tab.

    Attributes:
        at: Its place among the tab's requests.
        url: Its whole address.
        kind: As browsers call it: document, script, fetch, eventsource …
        sent: Its body.
        status: Of the answer; 0 while there is none.
        received: Bytes of the answer's body as they came over the wire.
    """

    at: int
    url: str
    method: str
    kind: str
    sent: str | None
    status: int
    received: int

    @property
    def path(self) -> str:
        """The address without server and query."""
        return urlsplit(self.url).path


class Part:
    """What a page has at the end of a walk: made by naming it, looked for when something is done with it."""

    def __init__(self, browser: "Browser", tab: int, calls: Sequence[_Call] = ()) -> None:
        self._browser = browser
        self._tab = tab
        self._calls = list(calls)

    def ask(self, name: str, *given: Any) -> Any:
        """Call what Playwright has for it and this class has no name for."""
        return self._browser.ask("call", tab=self._tab, calls=[*self._calls, [name, *given]])

    def _step(self, name: str, *given: Any) -> "Part":
        return Part(self._browser, self._tab, [*self._calls, [name, *given]])

    def role(self, role: str, name: str | None = None, **options: Any) -> "Part":
        """Name what has a role, and a name that contains the words; `exact=True` for all of them."""
        return self._step("getByRole", role, ({} if name is None else {"name": name}) | options)

    def matching(self, role: str, pattern: str) -> "Part":
        """Name what has a role, and a name that a regular expression finds something in."""
        return self._step("getByRole", role, {"name": {"pattern": pattern}})

    def text(self, words: str, **options: Any) -> "Part":
        """Name what says the words."""
        return self._step("getByText", words, options)

    def label(self, words: str) -> "Part":
        """Name the field that is labelled so."""
        return self._step("getByLabel", words)

    def css(self, selector: str) -> "Part":
        """Name what a selector finds; for what people do not see, as a count of nodes."""
        return self._step("locator", selector)

    def saying(self, words: str) -> "Part":
        """Keep of several those that say the words."""
        return self._step("filter", {"hasText": words})

    def nth(self, index: int) -> "Part":
        """Keep of several the one at a place, from the end where negative."""
        return self._step("nth", index)

    def click(self, **options: Any) -> None:
        """Click it, when it can be."""
        self.ask("click", options)

    def fill(self, text: str) -> None:
        """Replace what a field holds."""
        self.ask("fill", text)

    def type(self, text: str) -> None:
        """Type into a field, a key at a time."""
        self.ask("pressSequentially", text)

    def press(self, keys: str) -> None:
        """Focus it and press."""
        self.ask("press", keys)

    def hover(self, **options: Any) -> None:
        """Move the pointer over it."""
        self.ask("hover", options)

    def focus(self) -> None:
        """Put the focus on it."""
        self.ask("focus")

    def wait(self, state: str = "visible") -> None:
        """Wait until the first of it is visible, hidden, attached or detached."""
        self._step("first").ask("waitFor", {"state": state})

    def show(self) -> None:
        """Scroll until it is in view."""
        self.ask("scrollIntoViewIfNeeded")

    def count(self) -> int:
        """Return how many there are now."""
        return int(self.ask("count"))

    def read(self) -> str:
        """Return what a person can read in it."""
        return str(self.ask("innerText"))

    def read_all(self) -> list[str]:
        """Return what a person can read in each of them."""
        return list(self.ask("allInnerTexts"))

    def value(self) -> str:
        """Return what a field holds."""
        return str(self.ask("inputValue"))

    def attribute(self, name: str) -> str | None:
        """Return an attribute of it."""
        found = self.ask("getAttribute", name)
        return None if found is None else str(found)

    def box(self) -> dict[str, float]:
        """Return where it stands: x, y, width, height in CSS pixels."""
        return dict(self.ask("boundingBox"))


class Tab(Part):
    """A tab of the browser."""

    def __init__(self, browser: "Browser", tab: int, context: str, link: str) -> None:
        super().__init__(browser, tab)
        self.context = context
        self._link = link
        self._forgotten = 0

    def go(self, path: str) -> None:
        """Open an address of the server anew, as somebody who types it."""
        self.ask("goto", urljoin(self._link, path))

    def reload(self) -> None:
        """Load the page anew."""
        self.ask("reload")

    def back(self) -> None:
        """Go back as the browser's button does."""
        self.evaluate("history.back()")

    @property
    def url(self) -> str:
        """Its address, from the path on."""
        return str(self.evaluate("location.pathname + location.search"))

    def key(self, keys: str) -> None:
        """Press keys where the focus is."""
        self._browser.ask("call", tab=self._tab, calls=[["keyboard"], ["press", keys]])

    def move(self, x: float, y: float) -> None:
        """Move the pointer to a place of the page, in CSS pixels."""
        self._browser.ask("call", tab=self._tab, calls=[["mouse"], ["move", x, y]])

    def mouse(self, what: str) -> None:
        """Press the left button where the pointer is, `down`, or let go of it, `up`."""
        self._browser.ask("call", tab=self._tab, calls=[["mouse"], [what]])

    def wheel(self, dx: float, dy: float) -> None:
        """Turn the wheel where the pointer is."""
        self._browser.ask("call", tab=self._tab, calls=[["mouse"], ["wheel", dx, dy]])

    def evaluate(self, expression: str) -> Any:
        """Return the value of a JavaScript expression in the page."""
        return self.ask("evaluate", expression)

    def until(self, expression: str) -> Any:
        """Wait until a JavaScript expression is true in the page; returns its value."""
        return self._browser.ask("until", tab=self._tab, expression=expression)

    def settle(self, *, quiet_ms: int = 250) -> None:
        """Wait until all that was asked for is answered, the stream of news apart, and nothing more is asked."""
        self._browser.ask("settle", tab=self._tab, quietMs=quiet_ms)

    def requests(self, path: str = "", *, after: int = 0) -> list[Asked]:
        """Return what the tab asked for, by a part of the address; `after` leaves out as many as there were then."""
        told = self._browser.ask("report", tab=self._tab)["requests"]
        asked = [
            Asked(at, one["url"], one["method"], one["kind"], one["sent"], one["status"], one["bytes"])
            for at, one in enumerate(told)
        ]
        return [one for one in asked[after:] if path in one.url]

    def body(self, asked: Asked) -> bytes:
        """Return the body of what was answered."""
        return base64.b64decode(self._browser.ask("body", tab=self._tab, at=asked.at))

    @property
    def problems(self) -> list[str]:
        """Uncaught errors, errors on the console, and dialogs, since the tab was opened or they were forgotten."""
        return list(self._browser.ask("report", tab=self._tab)["problems"])[self._forgotten :]

    def forget_problems(self) -> None:
        """Leave out what went wrong so far, as a test does that shares its tab."""
        self._forgotten += len(self.problems)

    def disturb(self, pattern: str, answer: dict[str, Any] | None) -> None:
        """Answer requests in the server's place; None ends it.

        Args:
            pattern: Of addresses, as `**/api/v1/runs?*`.
            answer: `{"abort": "connectionrefused"}`, or `{"status": 500, "contentType": …, "body": …}`.
        """
        self._browser.ask("disturb", tab=self._tab, pattern=pattern, answer=answer)

    def violations(self) -> list[str]:
        """Return what axe-core objects to, best practices included."""
        return list(self._browser.ask("violations", tab=self._tab))

    def metrics(self, *, collect: bool = False) -> dict[str, float]:
        """Return the browser's own counters: ScriptDuration, JSHeapUsedSize, Nodes …; `collect` garbage first."""
        return dict(self._browser.ask("metrics", tab=self._tab, collect=collect))

    def draws(self) -> dict[str, dict[str, int]]:
        """Return how often each chart's base and overlay were drawn."""
        return dict(self.evaluate("counts.draws"))

    def long_tasks_ms(self) -> list[float]:
        """Return how long each task was that kept the page from answering for 50 ms or more."""
        return list(self.evaluate("counts.longTasks.map((task) => task.ms)"))

    def save_picture(self, path: Path) -> None:
        """Write what is seen to a PNG file."""
        self.ask("screenshot", {"path": str(path)})

    def close(self) -> None:
        """Close it and the tabs beside it."""
        self._browser.ask("close", context=self.context)


class Browser:
    """A Chromium, and how to talk with it; one question at a time."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process
        self._opened = 0

    def ask(self, do: str, **given: Any) -> Any:
        """Ask the driver.

        Raises:
            AssertionError: It could not be done; says why, as Playwright does.
        """
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps({"do": do, **given}) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        assert line, "the browser's driver ended"
        answer = json.loads(line)
        assert answer["ok"], answer["message"]
        return answer["value"]

    def open(
        self,
        link: str,
        path: str = "/",
        *,
        theme: str = "light",
        width: int = 1280,
        height: int = 900,
        beside: Tab | None = None,
        **options: Any,
    ) -> Tab:
        """Open a tab at an address of a server.

        Args:
            link: What `open_web_app` yielded; without a token in it, nobody is let in.
            path: Of the page.
            theme: light or dark, as the system would ask for it.
            width: Of the window, in CSS pixels.
            height: Of the window.
            beside: A tab whose cookies and storage are shared; otherwise the tab knows nothing of others.
            options: Further ones of Playwright's `newContext`.
        """
        self._opened += 1
        context = beside.context if beside else f"context {self._opened}"
        chosen = {"viewport": {"width": width, "height": height}, "colorScheme": theme} | options
        number = self.ask("open", context=context, options=chosen)
        tab = Tab(self, number, context, link)
        if "/login?" in link and beside is None:
            # The link's own redirect brings the page, so the first load is the only one.
            tab.go(f"{link}&next={quote(path, safe='')}")
        else:
            tab.go(path)
        return tab


@contextmanager
def open_browser(*flags: str) -> Iterator[Browser]:
    """Start the system's Chromium, with further flags of its own; it ends with the block.

    Raises:
        AssertionError: There is none.
    """
    chromium = find_chromium()
    assert chromium is not None, "no Chromium was found on the path; install the system's package `chromium`"
    node = Path(sysconfig.get_path("scripts")) / "node"
    process = subprocess.Popen(
        [str(node), str(_DRIVER), str(chromium), *flags],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=_DRIVER.parent,
    )
    with process:
        try:
            yield Browser(process)
        finally:
            assert process.stdin is not None
            process.stdin.close()
            try:
                process.wait(timeout=30)
            except subprocess.TimeoutExpired:
                process.kill()
