"""Ids and names of runs, and what a person may type to mean one.

A run id is a UUIDv7 as 32 lower-case hex digits: it sorts by start time, and its *end* is random, so
people refer to a run by the end. A name is `adjective-noun-<4 hex of the end>` unless one is given.
"""

import hashlib
import os
import re
from typing import NewType

from everbloom.core.errors import InvalidInput

RunId = NewType("RunId", str)
WriterId = NewType("WriterId", str)

REFERENCE_MIN_HEX = 6
NAME_MAX_CHARS = 256

# Addresses of the web app and the API begin with these, so no namespace may be called so.
RESERVED_NAMESPACES = frozenset(
    (
        "r v ns api ajax-api v1 health version get-artifact graphql model-versions reports discover data "
        "filters resources models jobs activity members environments settings login assets"
    ).split()
)

_RUN_ID = re.compile(r"[0-9a-f]{32}")
_WRITER_ID = re.compile(r"[0-9a-f]{16}")
_HEX_END = re.compile(rf"[0-9a-f]{{{REFERENCE_MIN_HEX},32}}")

_ADJECTIVES = (
    "amber azure bold brave bright brisk calm candid clear copper coral crisp dapper deft eager early "
    "fair fleet fresh gentle gilded glad golden grand happy hardy hazel humble ivory jade jolly keen "
    "kind lilac lively lucid lunar mellow merry mild misty modest noble olive opal pale patient plain "
    "proud quick quiet rapid ruby russet sage silver solar steady still sunny swift tidy vivid warm "
    "wise"
).split()
_NOUNS = (
    "acorn alder aspen aster badger bay beech birch bloom brook cedar clover comet condor crane creek "
    "dahlia dune egret elm ember falcon fern finch fjord forest fox garden glade grove harbor heath "
    "heron holly iris ivy jasmine juniper kestrel lake lark larch linden lotus lynx maple marten meadow "
    "myrtle oak orchid osprey otter peony petrel pine plover poppy quail raven reed robin rowan sorrel "
    "sparrow spruce"
).split()


def new_run_id(now_us: int) -> RunId:
    """Make a run id that sorts by its time and cannot collide (UUIDv7, RFC 9562)."""
    return _uuid7(now_us // 1000, os.urandom(10))


def past_run_id(started_at_us: int, *, kind: str, place: str, original_id: str) -> RunId:
    """Make the id of an imported run: importing it twice gives the same id, at its original start time."""
    digest = hashlib.sha256("\0".join((kind, place, original_id)).encode()).digest()
    return _uuid7(started_at_us // 1000, digest[:10])


def _uuid7(time_ms: int, tail: bytes) -> RunId:
    value = (time_ms & (1 << 48) - 1) << 80 | int.from_bytes(tail, "big")
    value = value & ~(0xF << 76) | 0x7 << 76
    value = value & ~(0x3 << 62) | 0x2 << 62
    return RunId(f"{value:032x}")


def new_writer_id() -> WriterId:
    """Make the id of a journal writer: 16 random lower-case hex digits."""
    return WriterId(os.urandom(8).hex())


def is_run_id(text: str) -> bool:
    """Tell whether the text is a full run id."""
    return _RUN_ID.fullmatch(text) is not None


def is_writer_id(text: str) -> bool:
    """Tell whether the text is a full writer id."""
    return _WRITER_ID.fullmatch(text) is not None


def is_id_end(text: str) -> bool:
    """Tell whether the text may be the end of a run id: at least 6 lower-case hex digits."""
    return _HEX_END.fullmatch(text) is not None


def default_name(run_id: RunId) -> str:
    """Return the name of a run that was given none, such as `amber-heron-7c1e`."""
    tail = int(run_id[-12:], 16)
    adjective = _ADJECTIVES[(tail >> 16) % len(_ADJECTIVES)]
    noun = _NOUNS[(tail >> 32) % len(_NOUNS)]
    return f"{adjective}-{noun}-{run_id[-4:]}"


def check_name(name: str, *, what: str) -> str:
    """Return a name of a run, project, experiment or namespace stripped of outer white space.

    Raises:
        InvalidInput: It is empty, longer than 256 characters, or has control characters.
    """
    stripped = name.strip()
    if not stripped:
        raise InvalidInput(
            f"{what} {name!r} is empty; give it at least one visible character.", code="name.empty", what=what
        )
    if len(stripped) > NAME_MAX_CHARS:
        raise InvalidInput(
            f"{what} {stripped[:40]!r}… has {len(stripped)} characters; at most {NAME_MAX_CHARS} are "
            f"allowed. Put the rest into a note.",
            code="name.too_long",
            what=what,
        )
    if not stripped.isprintable():
        raise InvalidInput(
            f"{what} {stripped!r} has characters that cannot be printed; remove line breaks, tabs and "
            f"control characters.",
            code="name.unprintable",
            what=what,
        )
    return stripped


def check_namespace(name: str) -> str:
    """Return a namespace's name, checked like any name and against the web app's reserved words.

    Raises:
        InvalidInput: The name is malformed, holds a slash, or is reserved.
    """
    checked = check_name(name, what="namespace")
    if checked in RESERVED_NAMESPACES:
        raise InvalidInput(
            f"namespace {checked!r} is an address of the web app; choose another name.",
            code="namespace.reserved",
            namespace=checked,
        )
    if "/" in checked:
        raise InvalidInput(
            f"namespace {checked!r} holds a slash; a namespace is one part of an address. Use a dash.",
            code="namespace.slash",
            namespace=checked,
        )
    return checked
