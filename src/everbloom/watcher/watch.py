"""The watcher's loop: one turn whenever something can have happened, and one a second at least.

While training prints, turns follow each other quickly; when it is silent they come every 50 ms, which costs about
0.1 % of a core. Training's end wakes the loop at once. A store that cannot be written (a full disk) stops
recording, not copying; records that must not be missing (the end) are tried again.
"""

import contextlib
import os
import select
from collections import deque
from pathlib import Path

from everbloom.capture.death import describe_end, is_dead, open_process, read_oom_kills, read_status
from everbloom.capture.limits import read_limits
from everbloom.capture.order import CONTROL_FD, EXITING, FINISHED, FIRST_TARGET_FD, PROCESS_FD, WatchOrder
from everbloom.capture.resources import ResourceMeter
from everbloom.capture.spool import Spool
from everbloom.core import layout
from everbloom.core.clock import monotonic_s, now_us
from everbloom.core.errors import Unavailable
from everbloom.core.ids import RunId
from everbloom.core.records import Heartbeat, Limits, Problem, Record, Start
from everbloom.core.version import __version__
from everbloom.journal.writer import JournalWriter
from everbloom.watcher.streams import Stream

HEARTBEAT_S = 5.0
RESOURCES_S = 1.0
_IDLE_S = 0.05
_BUSY_S = 0.005
_STATUS_PATIENCE_S = 5.0  # how long a parent may take to note its child's end before "unknown" is written
_RECORD_PATIENCE_S = 2.0  # how long a full disk may keep console text waiting; it stays in the spool
_WRITE_PATIENCE_S = 600.0  # how long a full disk may keep the end record waiting
_QUEUE_MAX = 256


class Watch:
    """The watching of one process."""

    def __init__(self, order: WatchOrder) -> None:
        """Begin: open the journal and the spools, and take hold of the process."""
        self._order = order
        self._root = Path(order.root)
        self._handle = PROCESS_FD if order.has_handle else open_process(order.pid, order.process_start)
        self._streams: list[Stream] = []
        self._unopened = [(spool, self._find_target(number)) for number, spool in enumerate(order.spools)]
        self._open_streams()
        self._meter = ResourceMeter(order.pid) if order.has_resources else None
        self._writer: JournalWriter | None = None
        self._waiting: deque[Record] = deque(maxlen=_QUEUE_MAX)
        self._is_finished = False  # training said itself how the run ended
        self._is_exiting = False  # training recorded an end, without knowing its exit code
        self._has_control = True
        self._heartbeats = 0
        self._heartbeat_at_s = self._resources_at_s = monotonic_s()
        with contextlib.suppress(Unavailable):
            self._open_writer()
        if self._meter is not None:
            self._offer(Limits(values=read_limits(order.pid)))
            self._meter.read(monotonic_s())

    def _find_target(self, number: int) -> int | None:
        spools = self._order.spools
        if not spools[number].is_copied:
            return None
        return FIRST_TARGET_FD + sum(spool.is_copied for spool in spools[:number])

    def _open_streams(self) -> None:
        """Take hold of the spools that are there; on a disk that was full, training makes them later."""
        folder, missing = layout.spool_dir(self._root, RunId(self._order.run)), []
        for spool, target in self._unopened:
            try:
                self._streams.append(Stream(Spool(folder / spool.name, target), spool))
            except FileNotFoundError:  # or the store was deleted within its first second
                missing.append((spool, target))
        self._unopened = missing

    def run(self) -> None:
        """Watch until the process is gone or has finished, and its spools are empty."""
        while not (self._is_finished or self._is_dead()):
            has_moved = self._turn()
            self._wait(_BUSY_S if has_moved else _IDLE_S)
        self._wait(0)  # what training said just before it ended
        if not self._is_finished:
            self._record_end()
        self._drain()
        self._flush_waiting()

    def _is_dead(self) -> bool:
        return self._handle is None or is_dead(self._handle)

    def _wait(self, timeout_s: float) -> None:
        poller = select.poll()
        if self._handle is not None:
            poller.register(self._handle, select.POLLIN)
        if self._has_control:
            poller.register(CONTROL_FD, select.POLLIN)
        for stream in self._streams:
            if (target := stream.waits_for) is not None:
                poller.register(target, select.POLLOUT)
        for number, _ in poller.poll(timeout_s * 1000):
            if number == CONTROL_FD:
                message = os.read(CONTROL_FD, 64)
                self._is_finished |= FINISHED in message
                self._is_exiting |= EXITING in message
                self._has_control = bool(message)  # the end of the pipe says nothing: a child may hold it

    def _turn(self) -> bool:
        has_moved = self._turn_streams(is_end=False)
        now_s = monotonic_s()
        if now_s - self._heartbeat_at_s >= HEARTBEAT_S:
            self._heartbeat_at_s = now_s
            self._heartbeats += 1
            with contextlib.suppress(Unavailable):
                self._append(Heartbeat(number=self._heartbeats))
        if self._meter is not None and now_s - self._resources_at_s >= RESOURCES_S:
            self._resources_at_s = now_s
            self._record_resources(self._meter.read(now_s))
        return has_moved

    def _turn_streams(self, *, is_end: bool) -> bool:
        if self._unopened:
            self._open_streams()
        # A sum and not any(): every stream has its turn.
        return sum(stream.turn(self._append, is_end=is_end) for stream in self._streams) > 0

    def _record_resources(self, values: dict[str, float]) -> None:
        if not values:
            return
        time_us = now_us()
        with contextlib.suppress(Unavailable):
            step = max(0, time_us - self._order.created_us) // 1_000_000
            self._open_writer().append_row(step, time_us, values)

    def _record_end(self) -> None:
        status = None
        deadline_s = monotonic_s() + _STATUS_PATIENCE_S
        while self._handle is not None and monotonic_s() < deadline_s:
            if (status := read_status(self._handle, self._order.pid)) is not None:
                break
            self._turn_streams(is_end=False)
            select.select([], [], [], _BUSY_S)
        if status is None and self._is_exiting:
            return
        group = Path(self._order.memory_group) if self._order.memory_group else None
        is_oom = read_oom_kills(group) > self._order.oom_kills
        end = describe_end(status, is_oom=is_oom)
        if self._order.rank == 0 or end.state != "finished":  # one rank's clean end is not the run's
            self._offer(end)

    def _drain(self) -> None:
        """Copy and record the rest: as long as a child of training prints, or a slow reader may yet read."""
        idle_since_s = monotonic_s()
        while True:
            has_printers = any(stream.has_printers() for stream in self._streams)
            has_moved = self._turn_streams(is_end=not has_printers)
            if has_moved:
                idle_since_s = monotonic_s()
            elif not has_printers and not any(stream.is_copy_pending for stream in self._streams):
                is_recorded = not any(stream.is_record_pending for stream in self._streams)
                if is_recorded or monotonic_s() - idle_since_s > _RECORD_PATIENCE_S:
                    return
            select.select([], [], [], _BUSY_S if has_moved or not has_printers else _IDLE_S)

    def _offer(self, record: Record) -> None:
        """Append a record that must not be missing; it waits where the store cannot be written."""
        try:
            self._append(record)
        except Unavailable:
            self._waiting.append(record)

    def _append(self, record: Record) -> None:
        writer = self._open_writer()
        while self._waiting:
            writer.append(self._waiting[0])
            self._waiting.popleft()
        writer.append(record)

    def _open_writer(self) -> JournalWriter:
        if self._writer is None:
            if not self._root.exists():
                raise Unavailable(f"the store {self._root} is gone; nothing is recorded.", code="root.vanished")
            rank, session = self._order.rank, self._order.session
            start = Start(kind="watcher", rank=rank, pid=os.getpid(), version=__version__, session=session)
            self._writer = JournalWriter.open(self._root, RunId(self._order.run), start)
        return self._writer

    def _flush_waiting(self) -> None:
        deadline_s = monotonic_s() + _WRITE_PATIENCE_S
        while self._waiting and self._root.exists() and monotonic_s() < deadline_s:
            with contextlib.suppress(Unavailable):
                record = self._waiting.popleft()
                self._offer(record)
            if self._waiting:
                select.select([], [], [], RESOURCES_S)

    def report(self, code: str, message: str) -> None:
        """Record what went wrong in watching itself."""
        self._offer(Problem(code=code, message=message))

    def close(self) -> None:
        """Let go of everything; spools whose text is recorded are deleted."""
        for stream in self._streams:
            stream.finish(is_recorded=not (stream.is_copy_pending or stream.is_record_pending))
        if self._writer is not None:
            self._writer.close()
