"""What a launcher tells a process of a distributed job: which of how many it is, and which job this is.

Pure: the environment comes as a mapping, from `core.settings`. Only what is the same for all processes of one start
of one job goes into a job's identity: a restarted job is another run, and so is the next step of a batch script.
"""

import hashlib
from collections.abc import Mapping

from msgspec import Struct

from everbloom.core.errors import InvalidInput
from everbloom.core.ids import RunId, is_run_id, past_run_id

OWN = "own"  # EVERBLOOM_RUN_ID=own: every process records a run of its own


class _Launcher(Struct, frozen=True):
    rank: str
    size: str
    identity: tuple[str, ...]


# In this order: a launcher that starts another launcher's processes has the coarser numbers.
_LAUNCHERS = (
    _Launcher(
        "RANK", "WORLD_SIZE", ("TORCHELASTIC_RUN_ID", "TORCHELASTIC_RESTART_COUNT", "MASTER_ADDR", "MASTER_PORT")
    ),
    _Launcher("OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE", ("PMIX_NAMESPACE", "OMPI_MCA_ess_base_jobid")),
    _Launcher("PMI_RANK", "PMI_SIZE", ("PMI_JOBID", "PMI_PORT")),
    _Launcher("SLURM_PROCID", "SLURM_STEP_NUM_TASKS", ("SLURM_JOB_ID", "SLURM_STEP_ID", "SLURM_RESTART_COUNT")),
)


class Job(Struct, frozen=True, kw_only=True):
    """What is known of the job that a process belongs to.

    Attributes:
        run: The run id that a person gave for all its processes; None where none was given.
        is_own: A person wants a run of its own for each process.
        rank: Which process this is, from 0.
        has_rank: Whether a launcher or a person said so.
        size: How many processes there are; 1 where no launcher says.
        step: What names this start of the job for ever: Slurm's cluster, job, step and restart; None elsewhere.
        started_at_us: When Slurm started the job; 0 where it does not tell (before 23.02).
        group: A name that the processes of this job share; None where the launcher tells nothing.
    """

    run: RunId | None = None
    is_own: bool = False
    rank: int = 0
    has_rank: bool = False
    size: int = 1
    step: str | None = None
    started_at_us: int = 0
    group: str | None = None

    def given_run_id(self, number: int) -> RunId | None:
        """Return the id of the n-th run of the job whose id a person gave; None where none did.

        Args:
            number: How many runs this process began before: the first has the given id, the others follow from it.
        """
        if self.run is None or not number:
            return self.run
        created_us = int(self.run[:12], 16) * 1000
        return past_run_id(created_us, kind="job", place=self.run, original_id=str(number))

    def step_run_id(self, number: int) -> RunId | None:
        """Return the id of the n-th run of this job step, the same in all its processes; None outside of Slurm.

        Args:
            number: How many runs this process began before: all processes of a job begin theirs in one order.
        """
        if self.step is None:
            return None
        return past_run_id(self.started_at_us, kind="slurm", place=self.step, original_id=str(number))


def parse_job(variables: Mapping[str, str]) -> Job:
    """Read what launchers and the person who started them left in the environment.

    Raises:
        InvalidInput: EVERBLOOM_RUN_ID is no run id, or the rank is not a whole number >= 0.
    """
    given = variables.get("EVERBLOOM_RUN_ID") or None
    if given is not None and given != OWN and not is_run_id(given):
        raise InvalidInput(
            f"EVERBLOOM_RUN_ID is {given!r}; a run id is 32 lower-case hex digits. Set one for all ranks, or 'own' "
            f"for a run of its own for each.",
            code="settings.run_id",
            value=given,
        )
    launcher = next((one for one in _LAUNCHERS if variables.get(one.rank)), None)
    names = ["EVERBLOOM_RANK", *([launcher.rank] if launcher else [])]
    name = next((name for name in names if variables.get(name)), None)
    sizes = [_to_number(variables.get(one.size)) for one in _LAUNCHERS]
    size = max(1, _read_step_size(variables), *sizes) if name else 1
    return Job(
        run=RunId(given) if given is not None and given != OWN else None,
        is_own=given == OWN,
        rank=_parse_rank(name, variables[name]) if name else 0,
        has_rank=name is not None,
        size=size,
        step=_read_step(variables) if size > 1 else None,
        started_at_us=_to_number(variables.get("SLURM_JOB_START_TIME")) * 1_000_000,
        group=_name_group(launcher, variables) if launcher is not None and size > 1 else None,
    )


def _parse_rank(name: str, text: str) -> int:
    if not (text.isascii() and text.isdigit()):
        raise InvalidInput(
            f"{name} is {text!r}; a rank is a whole number from 0. Set EVERBLOOM_RANK.",
            code="settings.rank",
            value=text,
        )
    return int(text)


def _to_number(text: str | None) -> int:
    return int(text) if text and text.isascii() and text.isdigit() else 0


def _read_step_size(variables: Mapping[str, str]) -> int:
    """Return how many tasks Slurm's step has by the job's own count, where the step tells none; 0 outside of a step."""
    if not variables.get("SLURM_STEP_ID") or variables.get("SLURM_STEP_NUM_TASKS"):
        return 0
    return _to_number(variables.get("SLURM_NTASKS") or variables.get("SLURM_NPROCS"))


def _read_step(variables: Mapping[str, str]) -> str | None:
    job, step = variables.get("SLURM_JOB_ID"), variables.get("SLURM_STEP_ID")
    if not job or not step:  # without a step, a batch script's processes, one after the other, have one identity
        return None
    cluster = variables.get("SLURM_CLUSTER_NAME") or ""
    return " ".join((cluster, job, step, variables.get("SLURM_RESTART_COUNT") or "0"))


def _name_group(launcher: _Launcher, variables: Mapping[str, str]) -> str | None:
    told = [text for name in launcher.identity if (text := variables.get(name))]
    if not told:
        return None
    return f"job-{hashlib.sha256(' '.join(told).encode('utf-8', 'surrogateescape')).hexdigest()[:8]}"
