"""What is known of a writer's life after a look at its journal: pure, so that tests can hand in any clock.

Silence is measured by this host's monotonic clock since it first saw the journal as it is; clocks of other hosts
decide nothing. What a journal's own times tell (last heard, last sign of life) is only shown or compared within it.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from everbloom.core.clock import monotonic_s, now_us
from everbloom.core.ids import RunId, WriterId
from everbloom.core.records import Console, Heartbeat, Start
from everbloom.index.catalog import WriterRow
from everbloom.journal.identity import boot_id
from everbloom.journal.reader import Batch, Control


def _read_boot() -> str:
    return f"{boot_id():016x}"


@dataclass(frozen=True)
class Clock:
    """What an indexer measures time with.

    Attributes:
        now_us: Wall time, for what readers see.
        monotonic_s: Seconds that never jump, for silence.
        boot: The boot that `monotonic_s` belongs to.
    """

    now_us: Callable[[], int] = now_us
    monotonic_s: Callable[[], float] = monotonic_s
    boot: Callable[[], str] = _read_boot


SYSTEM_CLOCK = Clock()


def look_at(
    known: WriterRow | None,
    run: RunId,
    writer: WriterId,
    batch: Batch,
    controls: Iterable[Control],
    *,
    is_alive: bool | None,
    has_moved: bool,
    clock: Clock,
) -> WriterRow:
    """Return what is known of a writer after a batch of its journal.

    Args:
        known: What was known before.
        run: Its run.
        writer: The writer.
        batch: What was read.
        controls: Those of its control records that are new.
        is_alive: Whether its process lives: proved yes, proved no, or unknown.
        has_moved: Whether the journal has anything new.
        clock: This host's.
    """
    before = known or WriterRow(run, writer, "process", 0, 0, -1, "", 0.0, None)
    records = [(control.time_us, control.record) for control in controls]
    start = next((record for _, record in records if isinstance(record, Start)), None)
    kind, rank = (start.kind, start.rank) if start else (before.kind, before.rank)
    rows_at = [time for rows in batch.rows for time in (int(rows.times.min()), int(rows.times.max()))]
    heard = [time for time, _ in records] + rows_at
    active = [time for time, record in records if isinstance(record, Console)] if kind == "watcher" else heard
    boot = clock.boot()
    is_news = has_moved or before.seen_boot != boot
    return WriterRow(
        run,
        writer,
        kind,
        rank,
        max([before.last_time, *heard]),
        max([before.heartbeat, *(record.number for _, record in records if isinstance(record, Heartbeat))]),
        boot,
        clock.monotonic_s() if is_news else before.seen_at,
        None if is_alive is None else int(is_alive),
        max([before.active_time, *active]),
        batch.end.rows if has_moved else before.rows,
        min([*([before.first_row] if before.first_row else []), *rows_at], default=0),
        max([before.last_row, *rows_at]),
    )
