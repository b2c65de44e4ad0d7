"""What is installed: the wheel carries the web app, and shows it where there is neither Node nor a source tree.

Proved in a fresh environment that holds the built wheel and, linked from this one, the packages that `everbloom[ui]`
asks for and no others; nothing is downloaded. Left out: the build of the app itself, which `make app` does before.
"""

import json
import os
import re
import subprocess
import sys
import tarfile
import zipfile
from importlib.metadata import Distribution, distribution
from pathlib import Path

import httpx
import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).parents[2]


def build(kind, source, target, **variables):
    command = [sys.executable, "-m", "hatchling", "build", "-t", kind, "-d", str(target)]
    done = subprocess.run(
        command, cwd=source, env=os.environ | variables, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stderr
    (built,) = target.iterdir()
    return built


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    return build("wheel", ROOT, tmp_path_factory.mktemp("wheel"))


def list_needed(asked):
    """Return the distributions that a requirement asks for, itself left out, all the way down."""
    found, waiting = {}, [asked]
    while waiting:
        requirement = waiting.pop()
        here = distribution(requirement.name)
        for line in here.requires or []:
            needed = Requirement(line)
            extras = [{"extra": extra} for extra in ("", *requirement.extras)]
            if needed.marker and not any(needed.marker.evaluate(extra) for extra in extras):
                continue
            if needed.name.lower() not in found:
                found[needed.name.lower()] = distribution(needed.name)
                waiting.append(needed)
    return list(found.values())


def link_packages(needed: list[Distribution], target):
    for one in needed:
        for name in {file.parts[0] for file in one.files or [] if file.parts[0] not in ("..", "__pycache__")}:
            if not (target / name).exists():
                (target / name).symlink_to(one.locate_file(name))


@pytest.fixture(scope="module")
def environment(wheel, tmp_path_factory):
    """A new environment with the wheel in it; its `bin` is all of the path."""
    folder = tmp_path_factory.mktemp("installed") / "env"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder)], check=True, timeout=120)
    python = folder / "bin" / "python"
    pip = [sys.executable, "-m", "pip", "--python", str(python), "--disable-pip-version-check", "install", "-q"]
    done = subprocess.run([*pip, "--no-index", "--no-deps", str(wheel)], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    (packages,) = folder.glob("lib/python*/site-packages")
    link_packages(list_needed(Requirement("everbloom[ui]")), packages)
    return folder


def run_installed(environment, *words, **variables):
    env = {"PATH": str(environment / "bin"), "HOME": str(environment), "EVERBLOOM_USER": "tester"} | variables
    command = [str(environment / "bin" / "everbloom"), *words]
    return subprocess.Popen(command, cwd="/", env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def test_the_wheel_holds_the_built_app_and_none_of_its_sources(wheel):
    names = zipfile.ZipFile(wheel).namelist()
    assert "everbloom/api/static/index.html" in names
    assert [name for name in names if name.startswith("everbloom/api/static/assets/") and name.endswith(".js")]
    assert not [name for name in names if name.endswith((".svelte", ".ts", ".map")) or "node_modules" in name]
    assert wheel.stat().st_size < 3_000_000


def test_installed_without_node_it_shows_the_app_and_answers(environment, tmp_path):
    assert not (environment / "bin" / "node").exists()
    process = run_installed(environment, "ui", "--no-browser", "--port", "0", "--root", str(tmp_path / "store"))
    try:
        said = []
        for line in process.stdout:
            said.append(line)
            if link := re.search(r"http://\S+/login\?token=\S+", line):
                break
        else:
            pytest.fail("".join(said))
        server = link[0].partition("/login")[0]
        with httpx.Client(base_url=server, trust_env=False, follow_redirects=True, timeout=30) as client:
            page = client.get(link[0])
            assert page.status_code == 200
            assert "is not built" not in page.text
            assets = re.findall(r"/assets/[\w.-]+", page.text)
            assert len(assets) > 1
            for asset in assets:
                assert client.get(asset).status_code == 200, asset
            assert client.get("/api/v1/session").json()["user"] == "tester"
    finally:
        process.terminate()
        process.communicate(timeout=30)


def test_it_is_the_wheel_that_runs_and_not_this_tree(environment, tmp_path):
    process = run_installed(environment, "settings", "--json", "--root", str(tmp_path / "store"))
    out, _ = process.communicate(timeout=60)
    assert process.returncode == 0, out
    assert json.loads(out)
    code = "import everbloom, sys; print(everbloom.__file__)"
    where = subprocess.run(
        [str(environment / "bin" / "python"), "-c", code],
        cwd="/",
        env={"PATH": ""},
        capture_output=True,
        text=True,
        check=True,
    )
    assert where.stdout.startswith(str(environment))


def test_the_source_distribution_can_be_built_and_leaves_out_what_is_built(tmp_path):
    (tmp_path / "sdist").mkdir()
    packed = build("sdist", ROOT, tmp_path / "sdist")
    with tarfile.open(packed) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
        archive.extractall(tmp_path, filter="data")
    needed = {
        "pyproject.toml",
        "hatch_build.py",
        "README.md",
        "web/package-lock.json",
        "web/src/app/main.ts",
        "web/.npmrc",
    }
    assert needed <= names
    assert not [name for name in names if "node_modules" in name or name.startswith("src/everbloom/api/static/")]
    assert packed.stat().st_size < 3_000_000
    source = tmp_path / packed.name.removesuffix(".tar.gz")
    (tmp_path / "wheel").mkdir()
    built = build("wheel", source, tmp_path / "wheel", EVERBLOOM_SKIP_UI="1")
    assert "everbloom/cli/ui.py" in zipfile.ZipFile(built).namelist()
