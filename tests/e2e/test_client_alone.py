"""The client alone (`pip install everbloom`) records, and what it cannot do says what to install."""

import importlib
import os
import subprocess
import sys
from pathlib import Path

import pytest

CLIENT = ("everbloom", "click", "msgspec", "psutil", "xxhash")

ONE_RUN = """
import everbloom as eb
with eb.init(project="news", params={"lr": 0.1}) as run:
    run.log({"loss": 1.0})
"""


@pytest.fixture
def client(tmp_path):
    """Return a function that runs Python with the client's packages and no others."""
    packages = tmp_path / "packages"
    packages.mkdir()
    for name in CLIENT:
        (packages / name).symlink_to(Path(str(importlib.import_module(name).__file__)).parent)

    def run(*arguments, **variables):
        kept = {name: text for name, text in os.environ.items() if not name.startswith("EVERBLOOM_")}
        environment = {**kept, "PYTHONPATH": str(packages), "EVERBLOOM_ROOT": str(tmp_path / "store"), **variables}
        command = [sys.executable, "-S", *arguments]
        return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)

    return run


def test_it_records(client, tmp_path):
    done = client("-c", ONE_RUN, EVERBLOOM_STRICT="1")
    assert (done.returncode, done.stderr) == (0, "")
    assert len(list((tmp_path / "store" / "runs").iterdir())) == 1


@pytest.mark.parametrize("words", [["ls"], ["show", "x"], ["best"], ["note", "x", "y"], ["reindex"], ["ui"]])
def test_what_reads_names_the_extra_to_install(client, words):
    client("-c", ONE_RUN)
    done = client("-m", "everbloom.cli", *words)
    assert done.returncode == 5
    assert done.stderr.startswith(f"error: everbloom {words[0]} needs the package ")
    assert "pip install 'everbloom[ui]'" in done.stderr
    assert "bug" not in done.stderr


def test_the_demo_names_its_extra_before_it_trains(client):
    done = client("-m", "everbloom.cli", "demo")
    assert done.returncode == 5
    assert "pip install 'everbloom[demo]'" in done.stderr


def test_reading_in_python_names_the_extra_to_install(client):
    done = client("-c", "import everbloom as eb\neb.runs('x')")
    assert "everbloom.runs needs the package 'numpy'" in done.stderr
    assert "pip install 'everbloom[ui]'" in done.stderr


@pytest.mark.parametrize("words", [["--version"], ["--help"], ["storage"], ["settings"], ["doctor"]])
def test_what_needs_nothing_more_works(client, words):
    client("-c", ONE_RUN)
    done = client("-m", "everbloom.cli", *words)
    assert (done.returncode, done.stderr) == (0, "")
