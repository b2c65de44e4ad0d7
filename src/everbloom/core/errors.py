"""One tree of errors; a class exists where a caller would act differently.

    EverbloomError
    ├── InvalidInput         400  what was asked cannot be right; change it
    ├── NotFound             404  nothing of that name; unreadable things answer this too
    ├── Conflict             409  somebody else changed it first; read again, then decide
    │   └── Ambiguous        409  a reference fits several things; name one
    ├── Gone                 410  it was purged
    ├── UnsupportedVersion   422  written by a newer Everbloom; upgrade
    ├── Corrupt              500  bytes on disk are not what was written
    └── Unavailable          503  may work later: a lock, a full disk, a missing package or root

A message says what was asked, with the value; which rule it met; what to do. Its last word is the
stable `code` in brackets. Values are kept as fields, so that JSON and tests need not parse prose.
"""

from typing import Any, ClassVar


class EverbloomError(Exception):
    """The root: every error that Everbloom raises on purpose.

    Attributes:
        code: Stable and dotted, such as `value.not_scalar`; safe to match on.
        fields: The values that the message names, by name.
        status: The HTTP status that the API answers with.
    """

    status: ClassVar[int]

    def __init__(self, message: str, *, code: str, **fields: Any) -> None:
        super().__init__(f"{message} [{code}]")
        self.message = message
        self.code = code
        self.fields = fields

    def __reduce__(self) -> tuple[Any, ...]:
        """Keep keyword arguments when an error crosses processes."""
        return _rebuild, (type(self), self.message, self.code, self.fields)


def _rebuild(kind: type[EverbloomError], message: str, code: str, fields: dict[str, Any]) -> EverbloomError:
    return kind(message, code=code, **fields)


class InvalidInput(EverbloomError):
    """What was asked cannot be right."""

    status = 400


class NotFound(EverbloomError):
    """Nothing of that name, or nothing that the caller may read."""

    status = 404


class Conflict(EverbloomError):
    """The thing changed since the caller read it."""

    status = 409


class Ambiguous(Conflict):
    """A reference fits several things; `fields["candidates"]` lists them."""


class Gone(EverbloomError):
    """The thing was purged on purpose."""

    status = 410


class UnsupportedVersion(EverbloomError):
    """The bytes were written by a newer Everbloom than this one."""

    status = 422


class Corrupt(EverbloomError):
    """Bytes on disk are not what was written."""

    status = 500


class Unavailable(EverbloomError):
    """It may work later, or after something outside is mended: a lock, a disk, a missing package."""

    status = 503
