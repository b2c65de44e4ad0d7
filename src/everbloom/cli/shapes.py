"""The shapes of `--json`: what each thing is called there. New keys may come; none is renamed.

Runs carry the keys of the filter language where they have one, so that what is printed can be asked for.
"""

from typing import TYPE_CHECKING, Any

from msgspec.structs import asdict

from everbloom.core.clock import to_datetime

if TYPE_CHECKING:
    from everbloom.query.views import Artifact, MediaItem, MetricSummary, Run, RunDetail

_TIMES = frozenset({"created", "ended"})
_APART = frozenset({"tag", "archived", "likes", "end.cause", "duration"})


def shape_run(run: "Run") -> dict[str, Any]:
    """Return a run: what identifies it first, then how it stands, then the rest."""
    attributes = run.attributes
    shaped: dict[str, Any] = {
        "id": run.id,
        "name": run.name,
        "state": run.state,
        "namespace": run.namespace,
        "project": run.project,
        "experiment": run.experiment,
        "cause": run.cause,
        "created": run.created_at,
        "ended": run.ended_at,
        "duration_s": run.duration_s,
        "tags": run.tags,
        "note": run.note,
        "why": run.why,
        "conclusion": run.conclusion,
        "verdict": run.verdict,
        "domain": run.domain,
        "parent": run.parent,
        "user": run.user,
        "group": run.group,
        "archived": run.is_archived,
        "likes": int(attributes.get("likes", 0)),
        "params": run.params,
        "metrics": {name: shape_summary(summary) for name, summary in run.summary.items()},
    }
    more = {
        key: to_datetime(int(value)) if key in _TIMES else value
        for key, value in attributes.items()
        if key not in shaped and key not in _APART and not key.startswith("params.")
    }
    return shaped | more


def shape_summary(summary: "MetricSummary") -> dict[str, Any]:
    """Return a metric's summaries under the words of the filter language."""
    return asdict(summary)


def shape_detail(detail: "RunDetail") -> dict[str, Any]:
    """Return a run with all that `show` shows."""
    end = detail.end
    return shape_run(detail.run) | {
        "resources": {name: shape_summary(summary) for name, summary in detail.run.system.items()},
        "limits": detail.limits,
        "objectives": detail.objectives,
        "links": [asdict(link) for link in detail.links],
        "liked_by": detail.likes,
        "command": None if detail.command is None else asdict(detail.command),
        "end": None
        if end is None
        else {
            "cause": end.cause,
            "exit_code": end.exit_code,
            "signal": end.signal,
            "witness": end.witness,
            "exception": None if end.exception is None else asdict(end.exception),
        },
        "problems": [asdict(problem) for problem in detail.problems],
        "damage": [damage._asdict() for damage in detail.damage],
        "history": [
            {"number": c.number, "time": c.created_at, "field": c.field, "value": c.value} for c in detail.history
        ],
        "note_version": detail.note_version,
        "rewound_from": detail.rewound_from,
        "forked_from": None if detail.forked_from is None else vars(detail.forked_from),
        "last_heard": detail.last_heard_at,
        "ranks": detail.ranks,
    }


def shape_artifact(item: "Artifact") -> dict[str, Any]:
    """Return a file or reference as `--json` has it."""
    return {
        "path": item.path,
        "kind": item.kind,
        "size": item.size,
        "sha256": item.sha256,
        "media_type": item.media_type,
        "step": item.step,
        "uri": item.uri,
        "checksum": item.checksum,
        "created": item.created_at,
    }


def shape_media(item: "MediaItem") -> dict[str, Any]:
    """Return a media item as `--json` has it; its content apart."""
    return {
        "name": item.name,
        "kind": item.kind,
        "step": item.step,
        "media_type": item.media_type,
        "size": item.size,
        "sha256": item.sha256,
        "caption": item.caption,
        "meta": item.meta,
        "created": item.created_at,
    }
