"""The console script `everbloom`: which commands there are, and the one edge where errors become messages.

A command's module is imported when the command runs; help needs this table alone, and `--version` not even click.
Exit codes: 0 done, 2 usage or bad input, 3 not found, 4 conflict or ambiguous, 5 unavailable, 130 interrupted,
1 anything else.
"""

import errno
import os
import sys
from typing import NamedTuple

from everbloom.core.errors import Conflict, EverbloomError, Gone, InvalidInput, NotFound, Unavailable
from everbloom.core.version import __version__

EXIT_OTHER, EXIT_USAGE, EXIT_NOT_FOUND, EXIT_CONFLICT, EXIT_UNAVAILABLE, EXIT_INTERRUPTED = 1, 2, 3, 4, 5, 130

_EXIT_CODES: tuple[tuple[type[EverbloomError], int], ...] = (
    (InvalidInput, EXIT_USAGE),
    (NotFound, EXIT_NOT_FOUND),
    (Gone, EXIT_NOT_FOUND),
    (Conflict, EXIT_CONFLICT),
    (Unavailable, EXIT_UNAVAILABLE),
)


_UNWRITABLE = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EBADF)


class Entry(NamedTuple):
    """A command: where it stands, what it is for, and under which heading help lists it."""

    target: str
    help: str
    heading: str


_LOOK, _EDIT, _STORE = "Look", "Edit", "This store"

COMMANDS: dict[str, Entry] = {
    "ls": Entry("everbloom.cli.ls:ls", "List runs, filtered, sorted, or followed live.", _LOOK),
    "show": Entry("everbloom.cli.show:show", "Show everything about one run.", _LOOK),
    "best": Entry("everbloom.cli.best:best", "Show the best run per metric.", _LOOK),
    "compare": Entry("everbloom.cli.compare:compare", "Lay any number of runs side by side.", _LOOK),
    "tree": Entry("everbloom.cli.tree:tree", "Draw which run branched from which, and what it changed.", _LOOK),
    "logs": Entry("everbloom.cli.logs:logs", "Print, follow, search or save what a run printed.", _LOOK),
    "search": Entry("everbloom.cli.search:search", "Find runs by any text: names, notes, errors, console.", _LOOK),
    "metrics": Entry("everbloom.cli.series:metrics", "List a run's metrics with their summaries.", _LOOK),
    "series": Entry("everbloom.cli.series:series", "Print all points of a metric as CSV or JSON.", _LOOK),
    "files": Entry("everbloom.cli.files:files", "List the files and media that a run kept.", _LOOK),
    "get": Entry("everbloom.cli.files:get", "Copy a file that a run kept out of the store.", _LOOK),
    "note": Entry("everbloom.cli.edit:note", "Add to a run's note, or write it anew.", _EDIT),
    "tag": Entry("everbloom.cli.edit:tag", "Add (+tag) and remove (-tag) tags of runs.", _EDIT),
    "like": Entry("everbloom.cli.edit:like", "Like runs, or a part of them.", _EDIT),
    "unlike": Entry("everbloom.cli.edit:unlike", "Take a like back.", _EDIT),
    "conclude": Entry("everbloom.cli.edit:conclude", "Write down what a run showed.", _EDIT),
    "archive": Entry("everbloom.cli.edit:archive", "Put runs away, or take them back with --undo.", _EDIT),
    "ui": Entry("everbloom.cli.ui:ui", "Look at the store in a browser, on this machine alone.", _LOOK),
    "demo": Entry("everbloom.cli.demo.command:demo", "Train real models on real data and record them.", _STORE),
    "storage": Entry("everbloom.cli.storage:storage", "Tell what takes the space; --pack closed runs.", _STORE),
    "reindex": Entry("everbloom.cli.storage:reindex", "Build the index anew from the journals.", _STORE),
    "doctor": Entry("everbloom.cli.doctor:doctor", "Say what keeps runs from being recorded or shown here.", _STORE),
    "settings": Entry("everbloom.cli.settings:settings", "Show the settings in force and where each is from.", _STORE),
    "completion": Entry("everbloom.cli.completion:completion", "Print the shell's completion script.", _STORE),
}


def main(arguments: list[str] | None = None) -> int:
    """Run a command line and return its exit code.

    Args:
        arguments: What follows the program's name; None takes the process's own.
    """
    words = sys.argv[1:] if arguments is None else arguments
    if sys.stderr is None:  # closed by who started us; where nobody listens nothing can be complained of
        sys.stderr = open(os.devnull, "w")  # noqa: SIM115 - for as long as the process lives
    if sys.stdout is None:  # what is opened next would get its number, and the answer would go into that
        _complain("standard output is closed; send it somewhere, such as > /dev/null. [output.closed]")
        return EXIT_UNAVAILABLE
    if words in (["--version"], ["-V"]):
        print(f"everbloom {__version__}")  # noqa: T201 - before anything that could print better is imported
        return 0
    try:
        code = _run(words or ["--help"])
        sys.stdout.flush()
        return code
    except BrokenPipeError:  # `| head` has seen enough
        _discard_output()
        return 0
    except KeyboardInterrupt:
        return _leave_interrupted()
    except EverbloomError as error:
        _flush_output()
        _complain(str(error))
        return next((code for kind, code in _EXIT_CODES if isinstance(error, kind)), EXIT_OTHER)
    except ModuleNotFoundError as error:
        return _report_missing(error, words)
    except OSError as error:
        return _leave_unwritable(error) if _is_of_output(error) else _report_bug(error)
    except Exception as error:  # noqa: BLE001 - the edge: whatever it is, the person gets one clear message
        return _report_bug(error)


def _run(words: list[str]) -> int:
    import click  # --version does without

    from everbloom.cli.group import LazyGroup
    from everbloom.core.settings import environment_value

    group = LazyGroup(COMMANDS)
    if instruction := environment_value("_EVERBLOOM_COMPLETE"):
        from everbloom.cli.completing import answer_shell

        return answer_shell(group, instruction)
    try:
        with group.make_context("everbloom", list(words)) as context:
            group.invoke(context)
    except click.exceptions.Exit as leaving:
        return leaving.exit_code
    except click.Abort:  # Ctrl-C or an end of input at a question
        return _leave_interrupted()
    except click.ClickException as error:
        _complain(_describe_usage(error))
        return EXIT_USAGE
    return 0


def _describe_usage(error: Exception) -> str:
    import click

    message = error.format_message() if isinstance(error, click.ClickException) else str(error)
    context = getattr(error, "ctx", None)
    if context is None:
        return message
    return f"{message}\n  {context.get_usage()}\n  {context.command_path} --help says more."


def _complain(message: str) -> None:
    from everbloom.cli.output.text import clean_text

    sys.stderr.write(f"error: {clean_text(message)}\n")


def _report_missing(error: ModuleNotFoundError, words: list[str]) -> int:
    """Say what to install where only the client is there; anything else that is missing is a bug."""
    from everbloom.core.extras import describe_missing, find_extra

    module = error.name or ""
    if find_extra(module) is None:
        return _report_bug(error)
    _flush_output()
    _complain(str(describe_missing(module, purpose=f"everbloom {next(iter(words), '')}".rstrip())))
    return EXIT_UNAVAILABLE


def _report_bug(error: Exception) -> int:
    import tempfile
    import traceback

    from everbloom.core.settings import environment_value

    _flush_output()
    if environment_value("EVERBLOOM_STRICT") == "1":
        traceback.print_exception(error)
        return EXIT_OTHER
    says = f"{type(error).__name__}: {error}"
    try:
        with tempfile.NamedTemporaryFile("w", prefix="everbloom-error-", suffix=".txt", delete=False) as file:
            traceback.print_exception(error, file=file)
        where = f"The traceback is in {file.name}"
    except OSError:
        where = "The traceback could not be written anywhere"
    _complain(f"this is a bug in everbloom: {says}. {where}; EVERBLOOM_STRICT=1 shows it here.")
    return EXIT_OTHER


def _flush_output() -> None:
    """Let what was already answered come before the message."""
    try:
        sys.stdout.flush()
    except OSError:
        _discard_output()


def _leave_interrupted() -> int:
    _flush_output()
    sys.stderr.write("\n" if sys.stderr.isatty() else "")
    return EXIT_INTERRUPTED


def _is_of_output(error: OSError) -> bool:
    """Tell whether writing to standard output failed: such an error names no file."""
    return error.filename is None and error.errno in _UNWRITABLE


def _leave_unwritable(error: OSError) -> int:
    _discard_output()
    _complain(f"the answer cannot be written: {error.strerror}; send it somewhere else. [output.unwritable]")
    return EXIT_UNAVAILABLE


def _discard_output() -> None:
    """Send what is still buffered nowhere, or the interpreter would complain when it closes standard output."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)
