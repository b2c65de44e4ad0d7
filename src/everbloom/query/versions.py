"""PEP 440 versions as the filter language compares them, with texts beside them that are none.

`packaging` is imported on first use: a filter without an `env.` key never pays for it.
"""

from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from packaging.version import Version


@lru_cache(maxsize=4096)
def parse_version(text: str) -> "Version | None":
    """Return the version that a text writes, or None; at most 256 characters are tried."""
    from packaging.version import InvalidVersion, Version

    if len(text) > 256:
        return None
    try:
        return Version(text)
    except (InvalidVersion, ValueError):  # ValueError: more digits than Python turns into an int
        return None


@lru_cache(maxsize=4096)
def parse_public_version(text: str) -> "Version | None":
    """Return the version without its local label: 2.1.0 for `2.1.0+cu118`."""
    from packaging.version import Version

    version = parse_version(text)
    return Version(version.public) if version is not None and version.local else version
