"""The package's face: which names it has, and what using them loads."""

import subprocess
import sys

import pytest

import everbloom

PUBLIC = (
    "Audio Figure Histogram Image Run Table Text Video __version__ current_run errors finish init log run runs"
).split()


def loaded_by(code):
    script = f"import sys\n{code}\nprint(*sys.modules)"
    return set(
        subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout.split()
    )


def test_the_public_names_are_these():
    assert sorted(everbloom.__all__) == PUBLIC
    assert set(PUBLIC) <= set(dir(everbloom))


@pytest.mark.parametrize("name", [name for name in PUBLIC if name not in ("run", "runs")])
def test_every_recording_name_can_be_had(name):
    assert getattr(everbloom, name) is not None


def test_a_name_that_is_none_is_refused_as_python_does():
    with pytest.raises(AttributeError, match="nothing_such"):
        everbloom.nothing_such  # noqa: B018


def test_importing_everbloom_loads_nothing_else_of_it():
    assert {name for name in loaded_by("import everbloom") if name.startswith("everbloom")} == {"everbloom"}


def test_recording_loads_neither_the_read_side_nor_anything_heavy():
    loaded = loaded_by("import everbloom\neverbloom.init, everbloom.Image, everbloom.Table, everbloom.Histogram")
    heavy = {"numpy", "sqlalchemy", "sqlite3", "psycopg", "pandas", "click", "asyncio", "subprocess", "unittest"}
    assert loaded & heavy == set()
    assert not any(name.startswith(("everbloom.index", "everbloom.query", "everbloom.ingest")) for name in loaded)


def test_the_watcher_loads_little():
    loaded = loaded_by("import everbloom.watcher.main")
    assert loaded & {"numpy", "sqlalchemy", "psutil", "subprocess", "asyncio"} == set()
    assert not any(name.startswith("everbloom.sdk") for name in loaded)
