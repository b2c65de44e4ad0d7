"""Start the watcher beside a run.

Through `/bin/sh -c '… &'`: the shell exits at once, so the watcher belongs to no one here, and neither `os.wait`
nor a tool that ends a process's children meets it. A session of its own keeps the terminal's signals from it. It
gets a fixed set of descriptors and none of this process's others, and Python starts without site-packages' own
start-up files: 20 ms and 10 MB less.
"""

import contextlib
import errno
import fcntl
import os
import resource
import select
import sys
from pathlib import Path

import msgspec
from msgspec import structs

import everbloom.core.settings as settings
from everbloom.capture.order import (
    ALIVE_FD,
    CONTROL_FD,
    EXITING,
    FINISHED,
    FIRST_TARGET_FD,
    PROCESS_FD,
    WatchOrder,
    encode_order,
)
from everbloom.core.errors import Unavailable

_SHELL = "/bin/sh"
_CLEAR_OF = 20  # descriptors are moved up here first, so that none is overwritten before it is passed on
_TARGETS_MAX = 2  # stdout and stderr


class WatcherHandle:
    """The two pipes to a watcher, from the side of the process that it watches.

    Attributes:
        alive: Its other end is open while the watcher lives.
    """

    def __init__(self, control: int, alive: int) -> None:
        self.alive = alive
        self._control = control

    def tell_end(self, *, is_explicit: bool) -> None:
        """Say that the run's end stands in the journal; an explicit one is all there is to say."""
        with contextlib.suppress(OSError):  # the watcher is gone; nothing waits for this
            os.write(self._control, FINISHED if is_explicit else EXITING)

    def is_alive(self) -> bool:
        """Tell whether the watcher still runs, stopped or not: its end of a pipe is open."""
        poller = select.poll()
        poller.register(self.alive, 0)
        return not poller.poll(0)

    def close(self) -> None:
        """Let go of the pipes."""
        for file in (self._control, self.alive):
            with contextlib.suppress(OSError):
                os.close(file)


def start_watcher(order: WatchOrder, targets: list[int]) -> WatcherHandle:
    """Start the watcher of this process for a run.

    Args:
        order: What to watch.
        targets: Descriptors to copy the console to, one per copied spool, in their order.

    Raises:
        Unavailable: There is no shell or no Python to start, or too few files or processes are allowed
            (`watcher.not_started`).
    """
    try:
        return _start(order, targets)
    except OSError as error:
        raise Unavailable(
            f"the watcher of run {order.run} cannot be started: {_explain(error)}. Console, resources and the cause of "
            f"a sudden death are not recorded; what is logged is.",
            code="watcher.not_started",
            errno=error.errno,
        ) from error


def _explain(error: OSError) -> str:
    files = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    match error.errno:
        case errno.EMFILE | errno.EINVAL:  # EINVAL: of a number that only lies behind the limit
            need = _CLEAR_OF + 2 * FIRST_TARGET_FD + _TARGETS_MAX
            return f"this process may have {files} open files, and that takes {need} beside its own; raise `ulimit -n`"
        case errno.EAGAIN:
            return "no further process may be started by this user; raise `ulimit -u`, or end some"
        case errno.ENOENT:
            return f"{error.strerror}: {error.filename or _SHELL}; it takes {_SHELL} and a plain Python"
    return f"the system says: {error.strerror or error}"


def _start(order: WatchOrder, targets: list[int]) -> WatcherHandle:
    if not sys.executable:
        raise FileNotFoundError(errno.ENOENT, "this Python does not know its own program", "sys.executable")
    with contextlib.ExitStack() as passed, contextlib.ExitStack() as kept:  # whatever fails, no descriptor is left

        def keep(file: int, stack: contextlib.ExitStack = passed) -> int:
            stack.callback(os.close, file)
            return file

        control_read, control_write = os.pipe2(os.O_CLOEXEC)
        keep(control_read), keep(control_write, kept)
        alive_read, alive_write = os.pipe2(os.O_CLOEXEC)
        keep(alive_write), keep(alive_read, kept)
        os.set_blocking(control_write, False)
        null = keep(os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC))
        process = _open_self()
        order = structs.replace(order, has_handle=process is not None)
        wanted = {0: null, 1: null, 2: null, CONTROL_FD: control_read, ALIVE_FD: alive_write}
        wanted[PROCESS_FD] = null if process is None else keep(process)
        wanted |= {FIRST_TARGET_FD + i: target for i, target in enumerate(targets)}
        above = _CLEAR_OF + FIRST_TARGET_FD
        moved = {number: keep(fcntl.fcntl(file, fcntl.F_DUPFD_CLOEXEC, above)) for number, file in wanted.items()}
        _spawn(order, [(os.POSIX_SPAWN_DUP2, file, number) for number, file in moved.items()])
        kept.pop_all()
    return WatcherHandle(control_write, alive_read)


def _open_self() -> int | None:
    try:
        return os.pidfd_open(os.getpid())
    except (OSError, AttributeError):  # before Linux 5.3, or another system
        return None


def _spawn(order: WatchOrder, actions: list[tuple[int, int, int]]) -> None:
    command = [sys.executable, "-S", "-P", "-W", "ignore", "-m", "everbloom.watcher", encode_order(order)]
    shell = [_SHELL, "-c", '"$@" &', "everbloom", *command]
    environment = settings.watcher_environment(_search_path())
    try:
        child = os.posix_spawn(_SHELL, shell, environment, file_actions=actions, setsid=True)
    except NotImplementedError:  # an old C library; the shell's `&` at least ignores the terminal's Ctrl-C
        child = os.posix_spawn(_SHELL, shell, environment, file_actions=actions)
    with contextlib.suppress(ChildProcessError):  # SIGCHLD is ignored: the kernel has taken note of it itself
        os.waitpid(child, 0)


def _search_path() -> str:
    packages = [Path(file).parent.parent for file in (settings.__file__, msgspec.__file__) if file]
    packages[0] = packages[0].parent  # everbloom/core/settings.py -> where `everbloom` lies
    import xxhash

    packages.append(Path(str(xxhash.__file__)).parent.parent)
    return os.pathsep.join(dict.fromkeys(map(str, packages)))
