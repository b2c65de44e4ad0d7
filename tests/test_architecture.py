"""What the layers cannot say: the map fits the folders, the documents fit the code, the house rules hold."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import everbloom
from everbloom.core.records import RECORD_TYPES, SETTABLE
from everbloom.core.settings import ENVIRONMENT, CaptureSettings, Settings

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "src" / "everbloom"

PUBLIC_NAMES = (
    "Audio Figure Histogram Image Run Table Text Video __version__ current_run errors finish init log run runs"
).split()


def read(path: str) -> str:
    return (ROOT / path).read_text("utf-8")


def table_cells(text: str, column: int = 0) -> list[str]:
    """Return a column of all tables of a document, without heads and rules."""
    rows = [line.strip().strip("|").split("|") for line in text.splitlines() if line.strip().startswith("|")]
    cells = [[cell.strip() for cell in row] for row in rows]
    heads = {i - 1 for i, row in enumerate(cells) if set("".join(row)) <= set("-: ")}
    return [row[column] for i, row in enumerate(cells) if i not in heads and i - 1 not in heads]


def test_the_map_names_every_part_and_no_other():
    section = read("ARCHITECTURE.md").split("## The map")[1].split("## Invariants")[0]
    parts = sorted(f"`{path.name}/`" for path in PACKAGE.iterdir() if (path / "__init__.py").exists())
    assert sorted(table_cells(section)) == parts


def test_paths_that_the_documents_name_exist():
    for document in ("ARCHITECTURE.md", "CONTRIBUTING.md"):
        for path in re.findall(r"`((?:[\w.-]+/)+(?:[\w.-]+)?)`", read(document)):
            assert (ROOT / path).exists() or (PACKAGE / path).exists() or (ROOT / "tests" / path).exists(), path


def test_layers_hold():
    program = shutil.which("lint-imports", path=str(Path(sys.executable).parent))
    assert program is not None
    answer = subprocess.run([program, "--no-logo", "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert answer.returncode == 0, answer.stdout


def test_house_rules_hold():
    answer = subprocess.run([sys.executable, "tools/lint"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert answer.returncode == 0, answer.stdout


@pytest.mark.parametrize(
    ("source", "rule"),
    [
        ("import time\nx = time.monotonic()", "one_clock"),
        ("from time import time_ns", "one_clock"),
        ("import datetime\nx = datetime.datetime.now()", "one_clock"),
        ("import os\nx = os.environ['HOME']", "one_environment"),
        ("import os\nx = os.getenv('HOME')", "one_environment"),
        ("from os import environ", "one_environment"),
        ("x = 'SELECT id FROM run'", "sql_at_home"),
        ("import sqlite3", "sql_at_home"),
        ("x = 1  # TODO later", "finished"),
        ("x = 1\n" * 601, "size"),
        ("def f():\n" + "    x = 1\n" * 51, "size"),
    ],
)
def test_a_breach_of_a_house_rule_is_found(tmp_path, source, rule):
    path = tmp_path / "planted.py"
    path.write_text(source)
    answer = subprocess.run(
        [sys.executable, "tools/lint", str(path)], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert answer.returncode == 1
    assert f": {rule}: " in answer.stdout


@pytest.mark.parametrize(
    "source",
    [
        "import time\ntime.sleep(1)",
        "from datetime import UTC, datetime\nx = datetime.fromtimestamp(0, UTC)",
        "import os\nx = {**os.environ, 'A': '1'}\ny = dict(os.environ)",
        "x = 'Select a run from the list'",
        "def f():\n    '''" + "long\n" * 60 + "'''\n    return 1",
    ],
)
def test_what_a_house_rule_allows_is_not_found(tmp_path, source):
    path = tmp_path / "fine.py"
    path.write_text(source)
    answer = subprocess.run(
        [sys.executable, "tools/lint", str(path)], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert answer.returncode == 0, answer.stdout


def test_the_public_names_are_the_listed_ones():
    assert sorted(everbloom.__all__) == PUBLIC_NAMES


def test_every_record_and_field_stands_in_the_journals_specification():
    section = read("docs/formats/journal-v1.md").split("## 6. Records")[1].split("**Order between journals.**")[0]
    documented: dict[str, set[str]] = {}
    tag = ""
    for first, fields in zip(table_cells(section), table_cells(section, 1), strict=True):
        tag = first.strip("`") or tag
        documented.setdefault(tag, set()).update(field.strip() for field in fields.split(",") if field.strip())
    assert documented == {tag: set(kind.__struct_fields__) for tag, kind in RECORD_TYPES.items()}
    line = next(line for line in section.splitlines() if line.startswith("| `set`"))
    assert {name for name in SETTABLE if re.search(rf"\b{name}\b", line)} == SETTABLE


def test_the_settings_page_documents_every_variable_and_setting_and_no_other():
    text = read("docs/reference/settings.md")
    environment, file = text.split("## `everbloom.toml`")
    variables = dict(zip(table_cells(environment), table_cells(environment, 1), strict=True))
    assert variables == {f"`{name}`": meaning for name, meaning in ENVIRONMENT.items()}
    names = [name for name in Settings.__struct_fields__ if name != "capture"]
    names += [f"capture.{name}" for name in CaptureSettings.__struct_fields__]
    assert sorted(table_cells(file)) == sorted(f"`{name}`" for name in names)


def test_every_word_is_defined_once_and_no_word_is_what_another_is_not():
    text = read("docs/reference/words.md")
    words = table_cells(text)
    assert words == sorted(set(words))
    assert all(table_cells(text, 1))


@pytest.mark.parametrize("path", sorted((ROOT / "docs" / "decisions").glob("*.md")), ids=lambda path: path.stem)
def test_a_decision_record_is_short_and_says_what_decided(path):
    text = path.read_text("utf-8")
    assert re.fullmatch(r"\d{4}-[a-z0-9-]+", path.stem)
    number = re.match(r"# (\d+)", text)
    assert number is not None
    assert int(number[1]) == int(path.stem[:4])
    assert len(text.splitlines()) <= 40
    assert all(part in text for part in ("**Question.**", "**Choice.**", "ook again"))
    assert "ejected" in text or "against" in text  # what else there was


def test_decision_records_have_different_numbers():
    numbers = [path.stem[:4] for path in (ROOT / "docs" / "decisions").glob("*.md")]
    assert len(set(numbers)) == len(numbers)


def test_every_dependency_has_its_line_in_the_decision_record():
    record = read("docs/decisions/0002-dependencies.md").lower()
    for line in read("requirements/dev.in").splitlines():
        if line and not line.startswith("#"):
            assert re.split(r"[\[<>=~ ]", line)[0].lower() in record, line


def test_pinned_requirements_name_no_place_to_fetch_from():
    assert not re.search(r"https?:|^--|\n--", read("requirements/dev.txt"))
