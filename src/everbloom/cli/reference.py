"""Write docs/reference/cli.md out of the commands themselves: `python -m everbloom.cli.reference`.

A test compares the file with what this writes, so that the page cannot say anything that the program does not do.
"""

import sys
from collections.abc import Iterator

import click

from everbloom.cli.group import LazyGroup
from everbloom.cli.main import COMMANDS

_HEAD = """\
# The command line

Written by `python -m everbloom.cli.reference` from the commands themselves; docs/guide/terminal.md is the way in.

A `RUN` is a name, a full id, or at least 6 hex digits of an id's end. Reading an ambiguous one takes the newest of
the current project and says so; writing refuses and lists what it fits. A `FILTER` is in the
[filter language](filter-language.md).

Exit codes: 0 done, 1 anything unexpected, 2 usage or bad input, 3 not found, 4 conflict or ambiguous reference,
5 unavailable (a lock, a full disk, a read-only store), 130 interrupted. Errors go to standard error, as
`error: …` with a stable code in brackets.
"""


def write_reference() -> str:
    """Return the page."""
    return _HEAD + "".join(_iter_pages())


def _iter_pages() -> Iterator[str]:
    group = LazyGroup(COMMANDS)
    root = click.Context(group, info_name="everbloom")
    heading = ""
    for name, entry in COMMANDS.items():
        if entry.heading != heading:
            heading = entry.heading
            yield f"\n## {heading}\n"
        command = group.get_command(root, name)
        if command is not None:
            context = click.Context(
                command,
                info_name=name,
                parent=root,
                help_option_names=["-h", "--help"],
                max_content_width=100,
                terminal_width=100,
            )
            lines = [line.rstrip() for line in command.get_help(context).splitlines()]
            yield f"\n### everbloom {name}\n\n{entry.help}\n\n```text\n" + "\n".join(lines) + "\n```\n"


if __name__ == "__main__":
    sys.stdout.write(write_reference())
