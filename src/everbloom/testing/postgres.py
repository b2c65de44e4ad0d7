"""A private PostgreSQL for tests: a fresh cluster on a socket in a short temporary folder, no network.

The server refuses to run as root, so as root it is started through `setpriv` as an unprivileged user. Nothing
is durable on purpose (fsync off). Left out: installing it; a missing server is for the caller to tell.
"""

import contextlib
import os
import pwd
import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from everbloom.core.clock import monotonic_s
from everbloom.core.errors import Unavailable

MINIMUM_VERSION = 15
_START_DEADLINE_S = 60.0
_STOP_DEADLINE_S = 20.0
_SYSTEM_FOLDER = Path("/usr/lib/postgresql")
_OPTIONS = {
    "listen_addresses": "",
    "fsync": "off",
    "full_page_writes": "off",
    "synchronous_commit": "off",
    "autovacuum": "off",
    "max_connections": "60",
    "shared_buffers": "64MB",
    "log_min_messages": "fatal",
}


def find_postgres() -> Path | None:
    """Return the folder with the newest PostgreSQL's `initdb` and `postgres`, at least 15; None if there is none."""
    on_path = shutil.which("postgres")
    folders = [*_SYSTEM_FOLDER.glob("*/bin"), *([Path(on_path).resolve().parent] if on_path else [])]
    versions = {
        folder: _version(folder)
        for folder in folders
        if (folder / "postgres").exists() and (folder / "initdb").exists()
    }
    fitting = [folder for folder, version in versions.items() if version >= MINIMUM_VERSION]
    return max(fitting, key=lambda folder: versions[folder], default=None)


def _version(folder: Path) -> int:
    answer = subprocess.run([folder / "postgres", "--version"], capture_output=True, text=True, check=False)
    match = re.search(r"(\d+)", answer.stdout)
    return int(match[1]) if match else 0


@contextlib.contextmanager
def running_postgres(binaries: Path) -> Iterator[str]:
    """Run a server while the block runs; yields its address, `postgresql:///postgres?host=…&user=everbloom`.

    Raises:
        Unavailable: It did not start; the message has the end of its log (`postgres.start`).
    """
    folder = Path(tempfile.mkdtemp(prefix="ebpg"))  # short: a socket's path has at most 107 characters
    user = _unprivileged_user()
    try:
        if user is not None:
            os.chown(folder, user.pw_uid, user.pw_gid)
        _run_initdb(binaries, folder, user)
        process = _start_server(binaries, folder, user)
        try:
            _wait_until_ready(binaries, folder, process)
            yield f"postgresql:///postgres?host={folder}&user=everbloom"
        finally:
            _stop(process)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _unprivileged_user() -> pwd.struct_passwd | None:
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        with contextlib.suppress(KeyError):
            return pwd.getpwnam(name)
    raise Unavailable(
        "PostgreSQL does not run as root, and this machine has neither a user postgres nor nobody; run the "
        "tests as another user.",
        code="postgres.user",
    )


def _as_user(command: list[str], user: pwd.struct_passwd | None) -> list[str]:
    if user is None:
        return command
    switch = ["setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups", "--"]
    return [*switch, *command]


def _run_initdb(binaries: Path, folder: Path, user: pwd.struct_passwd | None) -> None:
    command = [str(binaries / "initdb"), "-D", str(folder / "data"), "-U", "everbloom", "-A", "trust"]
    command += ["-E", "UTF8", "--locale=C", "--no-sync", "--no-instructions"]
    answer = subprocess.run(_as_user(command, user), cwd=folder, capture_output=True, text=True, check=False)
    if answer.returncode != 0:
        raise _start_error(answer.stderr)


def _start_server(binaries: Path, folder: Path, user: pwd.struct_passwd | None) -> "subprocess.Popen[bytes]":
    command = [str(binaries / "postgres"), "-D", str(folder / "data"), "-k", str(folder)]
    command += [word for name, value in _OPTIONS.items() for word in ("-c", f"{name}={value}")]
    with (folder / "log").open("wb") as log:
        return subprocess.Popen(_as_user(command, user), cwd=folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log)


def _wait_until_ready(binaries: Path, folder: Path, process: "subprocess.Popen[bytes]") -> None:
    deadline = monotonic_s() + _START_DEADLINE_S
    probe = [str(binaries / "pg_isready"), "-q", "-h", str(folder), "-d", "postgres"]
    while subprocess.run(probe, capture_output=True, check=False).returncode != 0:
        if process.poll() is not None or monotonic_s() > deadline:
            raise _start_error((folder / "log").read_text("utf-8", "replace"))
        time.sleep(0.02)


def _start_error(log: str) -> Unavailable:
    return Unavailable(f"PostgreSQL did not start: {log.strip()[-600:] or 'it said nothing'}.", code="postgres.start")


def _stop(process: "subprocess.Popen[bytes]") -> None:
    process.terminate()  # SIGTERM waits for clients; SIGINT, sent next, disconnects them
    try:
        process.wait(0.2)
    except subprocess.TimeoutExpired:
        process.send_signal(2)
        try:
            process.wait(_STOP_DEADLINE_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
