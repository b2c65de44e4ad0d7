"""The documentation of the command line says what the program does."""

from pathlib import Path

import click
import pytest

from everbloom.cli.group import LazyGroup
from everbloom.cli.main import COMMANDS
from everbloom.cli.reference import write_reference

DOCS = Path(__file__).parents[3] / "docs"
GROUP = LazyGroup(COMMANDS)
ROOT = click.Context(GROUP, info_name="everbloom")
# Commands that answer; the others print a script, or train.
ABOUT_A_STORE = ("doctor", "reindex", "storage")  # as a whole, whatever stands in it
ANSWERING = sorted(COMMANDS.keys() - {"completion", "demo"})


def get_command(name):
    return GROUP.get_command(ROOT, name)


def test_the_reference_is_what_the_commands_say():
    assert (DOCS / "reference" / "cli.md").read_text("utf-8") == write_reference(), (
        "run `python -m everbloom.cli.reference > docs/reference/cli.md`"
    )


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_can_be_loaded_and_has_help(name):
    command = get_command(name)
    assert command is not None
    assert command.help


@pytest.mark.parametrize("name", ANSWERING)
def test_every_command_that_answers_takes_the_shared_options(name):
    options = {option for param in get_command(name).params for option in param.opts}
    assert {"--json", "--root"} <= options
    scope = {"--project", "-p", "--namespace"}
    assert options & scope == (set() if name in ABOUT_A_STORE else scope)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_option_says_what_it_does(name):
    for param in get_command(name).params:
        if isinstance(param, click.Option):
            assert param.help, param.opts


@pytest.mark.parametrize("name", COMMANDS)
def test_short_options_mean_the_same_everywhere(name):
    meanings = {
        "-p": "project", "-e": "experiment", "-n": ("limit", "tail"), "-s": "sort", "-c": "columns", "-f": "follow",
        "-g": "grep", "-o": "output",
    }  # fmt: skip
    for param in get_command(name).params:
        for option in param.opts:
            if len(option) == 2:
                assert param.name in meanings[option]


def test_the_guide_shows_only_commands_and_options_that_exist():
    text = (DOCS / "guide" / "terminal.md").read_text("utf-8")
    shown = [line.strip().removeprefix("$ ") for line in text.splitlines()]
    used = [line.split(" | ")[-1] if line.startswith("git") else line for line in shown]
    commands = [line for line in used if line.startswith("everbloom ")]
    assert len(commands) >= 15
    for line in commands:
        words = line.split("#")[0].split()
        command = get_command(words[1])
        assert command is not None, line
        known = {option for param in command.params for option in (*param.opts, *param.secondary_opts)}
        for word in words[2:]:
            if word.startswith("--"):
                assert word.split("=")[0] in known, line


def test_every_command_stands_in_the_guide_or_is_named_there():
    text = (DOCS / "guide" / "terminal.md").read_text("utf-8")
    assert [name for name in COMMANDS if f"everbloom {name}" not in text] == []
