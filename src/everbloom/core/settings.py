"""The only place that reads the environment and `everbloom.toml`.

Settings come, first to last, from arguments, the environment, the nearest `everbloom.toml` at or above the
working directory, and the defaults below. They are read when asked for, never at import.
"""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from msgspec import Struct, ValidationError, convert, field

from everbloom.core.addresses import check_database
from everbloom.core.errors import InvalidInput
from everbloom.core.jobs import Job, parse_job

SETTINGS_FILE = "everbloom.toml"
DEFAULT_ROOT = "~/.everbloom"
DEFAULT_NAMESPACE = "local"
DEFAULT_PROJECT = "default"
DEFAULT_EXPERIMENT = "default"


class CaptureSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """`[capture]`: each part of what is recorded without being asked for can be switched off."""

    console: bool = True
    resources: bool = True
    command: bool = True
    watcher: bool = True  # without it console, resources and the witness of a death go too


class Settings(Struct, frozen=True, forbid_unknown_fields=True):
    """What governs recording and reading on this machine.

    Attributes:
        root: The store's folder.
        namespace: The team or person that runs belong to unless they say otherwise.
        project: The current project, or None for all when reading and `default` when recording.
        capture: What is captured.
        strict: Let recording errors through instead of counting them (tests).
        tidy: After a run's end, catch the index up and pack closed runs, in a process of the lowest priority.
        database: A PostgreSQL address for workspace and index, or None for SQLite in the root.
    """

    root: Path
    namespace: str = DEFAULT_NAMESPACE
    project: str | None = None
    capture: CaptureSettings = field(default_factory=CaptureSettings)
    strict: bool = False
    tidy: bool = True
    database: str | None = None


# Every environment variable that Everbloom reads, with what it does; docs/reference/settings.md is tested
# against this table.
ENVIRONMENT: dict[str, str] = {
    "EVERBLOOM_ROOT": "the store's folder (default ~/.everbloom)",
    "EVERBLOOM_NAMESPACE": "the namespace that runs are recorded under (default local)",
    "EVERBLOOM_PROJECT": "the current project, for recording and for reading",
    "EVERBLOOM_DATABASE": "a PostgreSQL address for workspace and index (default: SQLite files in the root)",
    "EVERBLOOM_TIDY": "0 = do not catch the index up and pack closed runs when a run has ended",
    "EVERBLOOM_STRICT": "1 = errors in recording are raised instead of warned about and counted",
    "EVERBLOOM_RUN_ID": "a run id that all processes of one distributed job share; own = each records its own",
    "EVERBLOOM_RANK": "this process's rank within a shared run (default: what torchrun, MPI or Slurm say, else 0)",
    "EVERBLOOM_CAPTURE": "what to capture: command, console, resources, watcher, by comma; none = nothing",
    "EVERBLOOM_USER": "the name that runs and edits carry (default: the system's user name)",
}


def environment_value(name: str) -> str | None:
    """Return an environment variable, or None where it is unset or empty."""
    return os.environ.get(name) or None


def watcher_environment(search_path: str) -> dict[str, str]:
    """Return the environment for a watcher: this process's, with Python told where to look and nothing else.

    A person's `PYTHON*` variables are meant for their program: some would stop the watcher or make it slow.
    """
    wanted = {"PYTHONHOME", "PYTHONDONTWRITEBYTECODE", "PYTHONPYCACHEPREFIX"}
    kept = {name: text for name, text in os.environ.items() if not name.startswith("PYTHON") or name in wanted}
    return kept | {"PYTHONPATH": search_path}


def child_environment(**changes: str) -> dict[str, str]:
    """Return this process's environment with some variables set, for a process that it starts."""
    return {**os.environ, **changes}


def read_job(environ: Mapping[str, str] | None = None) -> Job:
    """Read which distributed job this process belongs to, and which of its processes it is.

    Raises:
        InvalidInput: EVERBLOOM_RUN_ID is no run id, or the rank is not a whole number >= 0.
    """
    return parse_job(os.environ if environ is None else environ)


def load_settings(
    *, root: str | Path | None = None, environ: Mapping[str, str] | None = None, start: Path | None = None
) -> Settings:
    """Read the settings in force.

    Args:
        root: A store's folder given by argument; it wins over everything.
        environ: The environment to read instead of the process's own.
        start: The folder whose `everbloom.toml` counts, instead of the working directory.

    Raises:
        InvalidInput: `everbloom.toml` cannot be parsed or holds an unknown or ill-typed setting; names the
            file and the setting. Or the database is no PostgreSQL address (`settings.database`).
    """
    variables = os.environ if environ is None else environ
    path = find_settings_file(start)
    table = _read_settings_file(path) if path else {}
    if root := root or variables.get("EVERBLOOM_ROOT"):
        table["root"] = Path(root).expanduser().absolute()
    elif path and "root" in table:
        table["root"] = (path.parent / Path(str(table["root"])).expanduser()).absolute()
    else:
        table["root"] = Path(DEFAULT_ROOT).expanduser()
    for key in ("namespace", "project", "database"):
        if value := variables.get(f"EVERBLOOM_{key.upper()}"):
            table[key] = value
    if isinstance(database := table.get("database"), str):
        stated = "EVERBLOOM_DATABASE" if variables.get("EVERBLOOM_DATABASE") else f"database in {path}"
        check_database(database, origin=stated)
    if capture := variables.get("EVERBLOOM_CAPTURE"):
        kept = {part.strip() for part in capture.split(",")} - {"none"}
        parts = {*CaptureSettings.__struct_fields__, *kept}  # an unknown one is refused below, by name
        table["capture"] = {part: part in kept for part in parts}
    for key in ("strict", "tidy"):
        if (switch := variables.get(f"EVERBLOOM_{key.upper()}")) is not None:
            table[key] = switch == "1"
    try:
        return convert(table, Settings, strict=False)
    except ValidationError as error:
        raise InvalidInput(
            f"{path or 'the environment'} has a setting that does not fit: {error}. See docs/reference/settings.md.",
            code="settings.invalid",
            path=str(path or ""),
        ) from error


def find_settings_file(start: Path | None = None) -> Path | None:
    """Return the nearest `everbloom.toml` at or above a folder, the working directory unless one is given."""
    try:
        folder = (start or Path.cwd()).absolute()
    except FileNotFoundError:  # the working directory was deleted; nothing can stand above it
        return None
    return next((f / SETTINGS_FILE for f in (folder, *folder.parents) if (f / SETTINGS_FILE).is_file()), None)


def _read_settings_file(path: Path) -> dict[str, Any]:
    import tomllib  # 4 ms, and most people have no such file

    try:
        return tomllib.loads(path.read_text("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InvalidInput(
            f"{path} is not valid TOML: {error}. Mend that line, or move the file away.",
            code="settings.syntax",
            path=str(path),
        ) from error
