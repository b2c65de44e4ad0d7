"""The README's Python works as it stands, and its commands exist."""

import os
import re
import subprocess
import sys
from pathlib import Path

from everbloom.testing.command_line import run_cli

README = (Path(__file__).parents[2] / "README.md").read_text("utf-8")


def blocks_in(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)


def test_the_ten_lines_record_a_run_and_the_next_read_it_back(tmp_path):
    environment = {**os.environ, "EVERBLOOM_ROOT": str(tmp_path)}
    outputs = [
        subprocess.run(
            [sys.executable, "-c", block], env=environment, check=True, capture_output=True, text=True, cwd=tmp_path
        ).stdout
        for block in blocks_in("python")
    ]
    name, rate, points, best = outputs[-1].split()
    assert (rate, points) == ("0.0003", "1000")
    assert 0.9 < float(best) < 1
    assert name in run_cli(tmp_path, "ls").out


def test_the_ten_lines_are_at_most_ten():
    lines = [line for line in blocks_in("python")[0].splitlines() if line.strip()]
    assert len(lines) <= 10


def test_commands_that_the_readme_shows_are_understood(tmp_path):
    shown = re.findall(r"^\$ everbloom (\w+)", "\n".join(blocks_in("console")), re.MULTILINE)
    assert shown
    for command in set(shown):
        assert run_cli(tmp_path, command, "--help").code == 0
