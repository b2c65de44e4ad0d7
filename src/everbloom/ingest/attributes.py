"""A folded run as attributes under the keys of the filter language.

What a journal holds was written by anybody: another version, an importer, a foreign program. So every field is
given the type that its key promises or left out; one odd value must not keep a whole store from being indexed.
"""

import math
from typing import Any

from everbloom.core.clock import EARLIEST_US
from everbloom.core.ids import NAME_MAX_CHARS, RunId, default_name
from everbloom.core.settings import DEFAULT_EXPERIMENT, DEFAULT_NAMESPACE, DEFAULT_PROJECT
from everbloom.ingest.fold import Folded, Sighting

_TEXTS = ("user", "group", "parent", "why", "conclusion", "verdict", "domain")
_LATEST_US = 2**62


def to_attributes(run: RunId, folded: Folded, sighting: Sighting) -> dict[str, Any]:
    """Return a run's attributes under the keys of the filter language; metrics apart.

    Values are text, numbers, booleans, None (for an explicit null) or a list of texts.
    """
    fields = folded.fields
    created = _read_created(run, folded)
    until = folded.ended_us or sighting.last_heard_us
    attributes: dict[str, Any] = {
        "id": run,
        "name": read_name(fields.get("name")) or default_name(run),
        "namespace": read_namespace(fields),
        "project": read_name(fields.get("project")) or DEFAULT_PROJECT,
        "experiment": read_name(fields.get("experiment")) or DEFAULT_EXPERIMENT,
        "state": folded.state,
        "created": created,
        "archived": bool(fields.get("archived")),
    }
    if folded.state == "running" and sighting.is_stalled:
        attributes["stalled"] = True
    if fans := folded.likes.get(""):
        attributes["likes"] = len(fans)
    if until > created:
        attributes["duration"] = (until - created) / 1e6
    if folded.ended_us is not None:
        attributes["ended"] = folded.ended_us
    if folded.end is not None:
        attributes["end.cause"] = folded.end.cause
    attributes.update(_read_optional(fields))
    if folded.tags:
        attributes["tag"] = folded.tags
    if folded.note:
        attributes["note"] = folded.note
    attributes.update((f"params.{name}", value) for name, value in folded.params.items())
    return attributes


def _read_created(run: RunId, folded: Folded) -> int:
    """Return when a run began: as stated, else as its first writer did, else as its id says."""
    stated = folded.fields.get("created")
    if type(stated) is int and EARLIEST_US <= stated < _LATEST_US:
        return stated
    return folded.started_us or int(run[:12], 16) * 1000


def _read_optional(fields: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {name: fields[name] for name in _TEXTS if isinstance(fields.get(name), str)}
    if isinstance(seed := fields.get("seed"), str | int | float):
        found["seed"] = seed
    if (total := read_total_steps(fields)) is not None:
        found["total_steps"] = total
    return found


def read_total_steps(fields: dict[str, Any]) -> int | float | None:
    """Return how many steps a run means to take, where that is a number above 0."""
    total = fields.get("total_steps")
    if isinstance(total, int | float) and not isinstance(total, bool) and 0 < total < math.inf:
        return total
    return None


def read_namespace(fields: dict[str, Any]) -> str:
    """Return the namespace that a run is in."""
    return read_name(fields.get("namespace")) or DEFAULT_NAMESPACE


def read_name(value: Any) -> str:
    """Return a name as tables and addresses can hold it, empty where there is none.

    `core.ids.check_name` refuses what is longer or unprintable when it is given; what stands in a journal already
    is cut, and shown with a replacement character where it cannot be printed.
    """
    if not isinstance(value, str):
        return ""
    shown = "".join(c if c.isprintable() else "\ufffd" for c in value.strip()[:NAME_MAX_CHARS])
    return shown.strip()
