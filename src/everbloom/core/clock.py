"""The only place that reads a clock. Wall times are UTC microseconds since 1970; durations are seconds.

Wall time goes into records and is never subtracted to decide something; monotonic time decides and is
never stored beyond this boot.
"""

import time
from datetime import UTC, datetime, timedelta

# Record times outside of this range are damage, not data (docs/formats/journal-v1.md).
EARLIEST_US = 946_684_800_000_000  # 2000-01-01T00:00:00Z
AHEAD_US = 86_400_000_000  # a writer's clock may run at most one day before the reader's

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


# Nanoseconds since 1970, for the one place where a function call of our own would double the cost of `log()`.
now_ns = time.time_ns


def now_us() -> int:
    """Return the wall clock as UTC microseconds since 1970."""
    return time.time_ns() // 1000


def monotonic_s() -> float:
    """Return seconds that never jump; only differences within this boot mean anything."""
    return time.monotonic()


def cpu_s() -> float:
    """Return the CPU seconds that this process used, user and system together."""
    return time.process_time()


def to_datetime(time_us: int) -> datetime:
    """Turn microseconds since 1970 into an aware UTC datetime."""
    return _EPOCH + timedelta(microseconds=time_us)


def from_datetime(moment: datetime) -> int:
    """Turn a datetime into microseconds since 1970; a naive one is taken as UTC."""
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return (aware - _EPOCH) // timedelta(microseconds=1)
