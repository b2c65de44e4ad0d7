"""What a run says of console text that found no room: so many bytes, summed over all times, streams and processes.

A problem's counts add up wherever it is read, so bytes are what is counted, and the sentence is made of the sum.
"""

from everbloom.core.records import Problem

DROPPED = "console.dropped"
_MESSAGE = "bytes of console text were not recorded because the disk was full"


def to_problem(size: int) -> Problem:
    """Return the record that so many bytes were given up since the last one."""
    return Problem(code=DROPPED, message=_MESSAGE, count=size)


def describe(problem: Problem) -> Problem:
    """Return a problem as people read it: bytes are no number of times."""
    if problem.code != DROPPED:
        return problem
    return Problem(code=DROPPED, message=f"{problem.count:,} {_MESSAGE}", count=1)
