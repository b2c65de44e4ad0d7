"""The store's list of run names, for runs whose own word of it cannot be read.

The SDK adds `<id> <name>` a line when a run begins. What a journal says stands over it; only a run that says nothing
readable is named from here. Project and namespace are not in the list, so such a run stands in the default ones.
"""

from pathlib import Path

from everbloom.core import layout
from everbloom.core.ids import RunId


class NameList:
    """The list of one store, read when first asked and again when it has grown."""

    def __init__(self, root: Path) -> None:
        self._path = layout.names_path(root)
        self._size = 0
        self._names: dict[str, str] = {}

    def find(self, run: RunId) -> str:
        """Return the last name that a run is listed under; empty where there is none."""
        try:
            if self._path.stat().st_size != self._size:
                data = self._path.read_bytes()
                self._size = len(data)
                lines = data.decode("utf-8", "replace").split("\n")
                self._names = {run: name for run, _, name in (line.partition(" ") for line in lines) if name}
        except OSError:
            return ""
        return self._names.get(run, "")
