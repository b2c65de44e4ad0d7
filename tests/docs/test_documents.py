"""Documents keep what they promise: links lead somewhere, recipes exist, code is Python."""

import ast
import json
import re
import subprocess
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DOCUMENTS = sorted({*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")})
EACH = pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.relative_to(ROOT).as_posix())


def blocks_of(document: Path, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", document.read_text("utf-8"), re.DOTALL | re.MULTILINE)


def run_make(*arguments: str) -> str:
    command = ["make", "--no-print-directory", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout


@EACH
def test_links_lead_to_files_that_exist(document):
    for target in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", document.read_text("utf-8")):
        if not re.match(r"\w+:", target):
            assert (document.parent / target).exists(), target


@EACH
def test_blocks_in_a_language_are_in_that_language(document):
    for block in blocks_of(document, "python"):
        ast.parse(block)
    for block in blocks_of(document, "toml"):
        tomllib.loads(block)
    for block in blocks_of(document, "json"):
        json.loads(block)


@EACH
def test_recipes_that_a_document_names_exist(document):
    recipes = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    text = document.read_text("utf-8")
    named = set(re.findall(r"`make ([a-z]+)", text)) | set(re.findall(r"^make ([a-z]+)", text, re.MULTILINE))
    assert named <= recipes


@EACH
def test_a_document_has_one_title_and_no_hidden_characters(document):
    text = document.read_text("utf-8")
    outside = re.sub(r"^```.*?^```", "", text, flags=re.DOTALL | re.MULTILINE)
    assert len(re.findall(r"^# ", outside, re.MULTILINE)) == 1
    assert text.startswith("# ")
    assert not re.search(r"[\u200b\u00a0\ufeff\r\t]", text)


def test_make_alone_lists_every_recipe_that_people_use():
    listed = re.findall(r"^  make (\w+) ", run_make(), re.MULTILINE)
    wanted = "help setup demo app web test check fix faults bench screenshots pin"
    assert listed == wanted.split()


def test_continuous_integration_runs_make_test_and_nothing_else():
    script = (ROOT / ".ci" / "run").read_text("utf-8")
    commands = [line for line in script.splitlines() if line and not line.startswith("#")]
    assert commands == ["set -euo pipefail", 'cd "$(dirname "$0")/.."', "exec make test"]
    assert (ROOT / ".ci" / "run").stat().st_mode & 0o111


def test_the_recipe_of_the_tests_checks_everything_that_the_quick_one_does():
    quick, full = run_make("-n", "check"), run_make("-n", "test")
    for tool in ("ruff format --check", "ruff check", "tools/lint", "mypy", "lint-imports", "pytest"):
        assert tool in quick
        assert tool in full


def test_the_changelog_has_unreleased_on_top():
    headings = re.findall(r"^## (.*)", (ROOT / "CHANGELOG.md").read_text("utf-8"), re.MULTILINE)
    assert headings[0] == "Unreleased"
