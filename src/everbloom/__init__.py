"""Everbloom: experiment records that never wither.

The public names and nothing else. They are resolved when first used, through the table below: `import everbloom`
loads nothing, recording loads the SDK only, and what reads (`runs`, `run`) loads the read side on first use.
"""

TYPE_CHECKING = False  # type checkers take it for true; importing typing costs more than all the rest here

if TYPE_CHECKING:
    from typing import Any

    from everbloom.core import errors as errors
    from everbloom.core.version import __version__ as __version__
    from everbloom.query.api import run as run
    from everbloom.query.api import runs as runs
    from everbloom.sdk.api import current_run as current_run
    from everbloom.sdk.api import finish as finish
    from everbloom.sdk.api import log as log
    from everbloom.sdk.media.histogram import Histogram as Histogram
    from everbloom.sdk.media.image import Figure as Figure
    from everbloom.sdk.media.image import Image as Image
    from everbloom.sdk.media.sound import Audio as Audio
    from everbloom.sdk.media.sound import Video as Video
    from everbloom.sdk.media.table import Table as Table
    from everbloom.sdk.media.table import Text as Text
    from everbloom.sdk.run import Run as Run
    from everbloom.sdk.start import init as init

_HOMES = {
    "Audio": "everbloom.sdk.media.sound",
    "Figure": "everbloom.sdk.media.image",
    "Histogram": "everbloom.sdk.media.histogram",
    "Image": "everbloom.sdk.media.image",
    "Run": "everbloom.sdk.run",
    "Table": "everbloom.sdk.media.table",
    "Text": "everbloom.sdk.media.table",
    "Video": "everbloom.sdk.media.sound",
    "__version__": "everbloom.core.version",
    "current_run": "everbloom.sdk.api",
    "errors": "everbloom.core.errors",
    "finish": "everbloom.sdk.api",
    "init": "everbloom.sdk.start",
    "log": "everbloom.sdk.api",
    "run": "everbloom.query.api",
    "runs": "everbloom.query.api",
}

__all__ = list(_HOMES)


def __getattr__(name: str) -> "Any":
    """Load a public name from where it lives."""
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'everbloom' has no attribute {name!r}")
    from importlib import import_module

    try:
        module = import_module(home)
    except ModuleNotFoundError as error:
        from everbloom.core.extras import describe_missing, find_extra

        if find_extra(error.name or "") is None:
            raise
        raise describe_missing(error.name or "", purpose=f"everbloom.{name}") from error
    value = module if name == "errors" else getattr(module, name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOMES})
