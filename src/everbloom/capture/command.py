"""How the process was started. The environment's variables are not captured: they hold secrets."""

import os
import sys

from everbloom.core.records import Command

_ARGUMENT_MAX_CHARS = 4_096
_ARGUMENTS_MAX_CHARS = 24_000


def read_command() -> Command:
    """Return how this process was started; long arguments are cut, bytes that are not text are escaped."""
    system = os.uname()
    return Command(
        argv=_cut_arguments(list(sys.orig_argv[1:]) if sys.argv[:1] in ([""], ["-c"]) else list(sys.argv)),
        cwd=_to_text(_read_cwd()),
        executable=_to_text(sys.executable or ""),
        python=".".join(map(str, sys.version_info[:3])),
        platform=f"{system.sysname} {system.release} {system.machine}",
    )


def _read_cwd() -> str:
    try:
        return os.getcwd()  # noqa: PTH109 - a string is wanted
    except FileNotFoundError:  # the folder was deleted under the process
        return ""


def _cut_arguments(arguments: list[str]) -> list[str]:
    kept: list[str] = []
    room = _ARGUMENTS_MAX_CHARS
    for argument in map(_to_text, arguments):
        if room <= 0:
            return [*kept, f"… {len(arguments) - len(kept)} more"]
        text = argument if len(argument) <= _ARGUMENT_MAX_CHARS else argument[:_ARGUMENT_MAX_CHARS] + "…"
        room -= len(text)
        kept.append(text)
    return kept


def _to_text(value: str) -> str:
    # Arguments and paths that are not UTF-8 come with lone surrogates, which no record can hold.
    return value.encode("utf-8", "backslashreplace").decode()
