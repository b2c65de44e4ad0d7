"""Run the command line as people do: a process of its own, its output in a pipe or on a terminal of a given size."""

import fcntl
import os
import pty
import struct
import subprocess
import sys
import termios
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

PATIENCE_S = 60.0
SCRIPT = Path(sys.executable).with_name("everbloom")


class Answer(NamedTuple):
    """What a command said."""

    code: int
    out: str
    err: str

    @property
    def data(self) -> Any:
        """The output as JSON."""
        return msgspec.json.decode(self.out)

    @property
    def lines(self) -> list[str]:
        """The output's lines."""
        return self.out.splitlines()


def cli_environment(root: Path | str | None, variables: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return an environment in which nothing of the tester's own settings counts."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("EVERBLOOM_", "LC_", "LANG"))}
    for name in ("NO_COLOR", "COLUMNS", "TERM"):
        kept.pop(name, None)
    stated = {} if root is None else {"EVERBLOOM_ROOT": str(root)}
    defaults = {"EVERBLOOM_STRICT": "1", "EVERBLOOM_USER": "tester", "TERM": "xterm-256color", "LC_ALL": "C.UTF-8"}
    return kept | defaults | stated | dict(variables or {})


def run_cli(
    root: Path | str | None,
    *arguments: str,
    stdin: str = "",
    variables: Mapping[str, str] | None = None,
    folder: Path | None = None,
) -> Answer:
    """Run a command, its output in pipes."""
    done = subprocess.run(
        [str(SCRIPT), *arguments],
        env=cli_environment(root, variables),
        cwd=folder,
        input=stdin.encode(),
        capture_output=True,
        timeout=PATIENCE_S,
    )
    return Answer(done.returncode, done.stdout.decode("utf-8", "replace"), done.stderr.decode("utf-8", "replace"))


def run_cli_on_terminal(
    root: Path, *arguments: str, columns: int = 100, lines: int = 40, variables: Mapping[str, str] | None = None
) -> Answer:
    """Run a command on a terminal of its own; what it wrote, standard error included, with plain line feeds."""
    with cli_on_terminal(root, *arguments, columns=columns, lines=lines, variables=variables) as (process, master):
        written = bytearray()
        while chunk := read_terminal(master):
            written += chunk
        return Answer(process.wait(PATIENCE_S), written.decode("utf-8", "replace").replace("\r\n", "\n"), "")


@contextmanager
def cli_on_terminal(
    root: Path, *arguments: str, columns: int = 100, lines: int = 40, variables: Mapping[str, str] | None = None
) -> "Iterator[tuple[subprocess.Popen[bytes], int]]":
    """Start a command on a terminal of its own; gives the process, and the descriptor that reads what it writes."""
    master, slave = pty.openpty()
    try:
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))
        process = subprocess.Popen(
            [str(SCRIPT), *arguments],
            env=cli_environment(root, variables),
            stdin=slave,
            stdout=slave,
            stderr=slave,
            start_new_session=True,
        )
    finally:
        os.close(slave)
    try:
        yield process, master
    finally:
        if process.poll() is None:
            process.kill()
        process.wait(PATIENCE_S)
        os.close(master)


def read_terminal(master: int) -> bytes:
    """Return what was written next; nothing once the writer is gone."""
    try:
        return os.read(master, 65536)
    except OSError:  # Linux answers EIO where others answer an end of file
        return b""
