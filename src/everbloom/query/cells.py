"""When two attributes are the same, as a person comparing runs sees it: 1 and 1.0 are, true and 1 are not."""

import math
from collections.abc import Hashable, Iterable

from everbloom.index.columns import Cell

_ABSENT = ("absent",)


def to_comparable(cell: Cell, *, is_present: bool = True) -> Hashable:
    """Return a value that is equal for equal cells; a missing one differs from an explicit null, NaN equals NaN."""
    if not is_present:
        return _ABSENT
    if isinstance(cell, list):
        return ("list", tuple(cell))
    if isinstance(cell, (int, float)) and not isinstance(cell, bool):
        return ("number", "nan" if math.isnan(cell) else float(cell))
    return (type(cell).__name__, cell)


def are_same(values: Iterable[Hashable]) -> bool:
    """Tell whether all of several comparable values are equal; so are none or one."""
    return len(set(values)) <= 1
