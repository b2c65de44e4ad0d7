"""Which run the processes of a distributed job record together, and as which rank each of them.

A person's EVERBLOOM_RUN_ID first; then Slurm's job, step and restart; then torch's own store, where torch is
initialised: whoever comes first puts an id into it, so nobody waits for anybody. Else each process records a run of
its own, in one group, and that is said once. Who resumes names the run, and needs none of them but for its rank.
Nothing here imports torch; it is asked only where training has it.
"""

import os
import sys
from collections import Counter
from typing import Any

from msgspec import Struct

from everbloom.core.ids import RunId, is_run_id, new_run_id
from everbloom.core.jobs import Job
from everbloom.journal.identity import process_start

# How many runs this process began as part of a job: its processes begin theirs in one order, so the n-th of each
# are one run. Counted by the id that a person gave, and by rank: a forked process may be told to be another one.
_begun: Counter[tuple[RunId | None, int]] = Counter()


class Place(Struct, frozen=True, kw_only=True):
    """A process's place among those that record one run.

    Attributes:
        run: The run that they share; None = this process records one of its own.
        rank: Which of them it is; 0 in a run of its own.
        group: What runs of their own belong together by.
        tags: What a run of its own carries, to tell it from the others.
        notice: What a person should know about it.
    """

    run: RunId | None = None
    rank: int = 0
    group: str | None = None
    tags: tuple[str, ...] = ()
    notice: str | None = None


def find_place(job: Job, now_us: int, *, is_resumed: bool = False) -> Place:
    """Find out which run this process is to record, if it is one of several.

    Args:
        job: What launchers say.
        now_us: The time that a new shared id carries.
        is_resumed: Whether it goes on with a run that it names itself: the processes that name one share it without
            being told an id, and a given id stays for the next.
    """
    torch = _find_torch()
    rank = torch.get_rank() if torch is not None and not job.has_rank else job.rank
    if is_resumed:  # the run is named, and says itself what it belongs to
        return Place(tags=_rank_tags(job, rank)) if job.is_own else Place(rank=rank)
    if job.run is not None:
        return Place(run=job.given_run_id(_count(job.run, rank)), rank=rank)
    if job.is_own or (torch is None and job.size == 1):
        return Place(group=_name_group(job) if job.size > 1 else None, tags=_rank_tags(job, rank))
    number = _count(None, rank)
    if (run := job.step_run_id(number)) is not None:
        return Place(run=run, rank=rank)
    reason = "no launcher names one"
    if torch is not None:
        try:
            return Place(run=_agree(torch, number, now_us), rank=rank)
        except Exception as error:  # noqa: BLE001 - whatever torch raises, training goes on
            reason = f"torch's store did not give one ({type(error).__name__}: {error})"
    group = _name_group(job)
    size = job.size if torch is None else torch.get_world_size()
    notice = (
        f"the {size} processes of this job each record a run of their own, in group {group!r}, because they share no "
        f"run id: {reason}. Set EVERBLOOM_RUN_ID for all of them, or call init() after init_process_group()."
    )
    return Place(group=group, tags=_rank_tags(job, rank), notice=notice if rank == 0 else None)


def own_tag(rank: int) -> str:
    """Return what tells the run that one rank of a job recorded for itself from those of the others."""
    return f"rank-{rank}"


def _count(given: RunId | None, rank: int) -> int:
    _begun[given, rank] += 1
    return _begun[given, rank] - 1


def _find_torch() -> Any:
    torch = sys.modules.get("torch.distributed")
    try:
        is_shared = torch is not None and torch.is_initialized() and torch.get_world_size() > 1
    except Exception:  # noqa: BLE001 - a torch built without it, or one of another kind
        return None
    return torch if is_shared else None


def _agree(torch: Any, number: int, now_us: int) -> RunId:
    store = torch.distributed_c10d._get_default_store()  # noqa: SLF001 - there is no public way to it
    answer = store.compare_set(f"everbloom/run/{number}", "", new_run_id(now_us))
    text = answer.decode() if isinstance(answer, bytes) else str(answer)
    if not is_run_id(text):
        raise ValueError(f"it holds {text!r}")
    return RunId(text)


def _rank_tags(job: Job, rank: int) -> tuple[str, ...]:
    return (own_tag(rank),) if job.has_rank and (job.size > 1 or rank or job.is_own) else ()


def _name_group(job: Job) -> str:
    # Processes that nothing else names together were at least started by one process.
    return job.group or f"job-{os.getppid()}-{process_start(os.getppid())}"
