"""Record a run that happened elsewhere and before: what importers write through.

Not through the guard: an importer must know what it could not bring over, so every error is raised. There is
nothing to capture, and the run is no process's current one.
"""

from pathlib import Path
from typing import Any

from everbloom.core.errors import Conflict, EverbloomError
from everbloom.core.ids import RunId, check_name, default_name
from everbloom.core.records import Cause, End, EndState, Set, Start
from everbloom.core.settings import environment_value, load_settings
from everbloom.core.version import __version__
from everbloom.journal.identity import user_name
from everbloom.journal.names import register_name
from everbloom.sdk.files import FileStore
from everbloom.sdk.guard import Guard
from everbloom.sdk.names import is_in_store
from everbloom.sdk.options import check_fields
from everbloom.sdk.recorder import Recorder
from everbloom.sdk.run import Run


def record_past(
    run: RunId,
    started_at_us: int,
    *,
    ended_at_us: int,
    state: EndState = "finished",
    cause: Cause = "unknown",
    name: str | None = None,
    fields: dict[str, Any] | None = None,
    root: str | Path | None = None,
) -> Run:
    """Begin to write a run of the past; its `finish` records the end that it had then.

    Args:
        run: Its id, from `everbloom.core.ids.past_run_id`, so that importing twice is noticed.
        started_at_us: When it began, in microseconds since 1970.
        ended_at_us: When it ended.
        state: How it ended.
        cause: What ended it.
        name: What people call it; default such as `amber-heron-7c1e`.
        fields: Further single-valued fields by name, such as `project` and `experiment`.
        root: The store's folder; default as for `init`.

    Returns:
        A run whose methods raise what goes wrong. Give `log` a `time`, or rows are of now.

    Raises:
        Conflict: The store holds that run already (`run.exists`).
        InvalidInput: A name or field cannot be right.
        Unavailable: The store cannot be written.
    """
    settings = load_settings(root=root)
    if is_in_store(settings.root, run):
        raise Conflict(
            f"run {run} is in the store at {settings.root} already; it was imported before. Purge it first to import "
            f"it again.",
            code="run.exists",
            run=run,
        )
    checked_name = default_name(run) if name is None else check_name(name, what="name")
    user = environment_value("EVERBLOOM_USER") or user_name()
    known = check_fields(settings, True, fields or {}) | {"name": checked_name, "created": started_at_us}
    recorder = Recorder(settings.root, run, Start(kind="importer", user=user, version=__version__))
    recorder.append(Set(fields={"user": user} | known), time_us=started_at_us)
    register_name(settings.root, run, checked_name)
    end = End(state=state, cause=cause, witness="importer", explicit=True)
    guard = Guard(is_strict=True)

    def finish(_: Run, error: BaseException | None) -> None:
        try:
            if error is None:
                recorder.append(end, time_us=ended_at_us)
        except EverbloomError as second:
            if second.code != "run.finished":
                raise
        recorder.close()

    files = FileStore(settings.root, run, recorder, guard, user=user)
    return Run(run, checked_name, recorder=recorder, guard=guard, files=files, finish=finish)
