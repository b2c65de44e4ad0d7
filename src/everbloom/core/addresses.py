"""Addresses of databases: which are PostgreSQL's, and how one is shown without its password.

Anything else than a PostgreSQL address is refused where settings are read. Taken for a SQLite file's name, or passed
over, it would show a person another index than the one they asked for.
"""

import re

from everbloom.core.errors import InvalidInput

_URLS = ("postgresql://", "postgres://")
_WORDS = re.compile(r"(?:^|\s)(?:host|hostaddr|dbname|service)\s*=")
_PASSWORD = re.compile(r"(://[^:/@\s]*:)[^@\s]*@|(password\s*=\s*)(?:'(?:[^'\\]|\\.)*'|[^\s&]+)")


def is_postgres_address(text: str) -> bool:
    """Tell whether a text is a PostgreSQL address: a URL, or words such as `host=… dbname=…`."""
    return text.startswith(_URLS) or _WORDS.search(text) is not None


def hide_password(address: str) -> str:
    """Return an address, of whatever kind, with `***` for its password."""
    return _PASSWORD.sub(lambda found: f"{found[1]}***@" if found[1] else f"{found[2]}***", address)


def check_database(address: str, *, origin: str) -> str:
    """Return a database's address as it is.

    Args:
        address: What was stated.
        origin: Where.

    Raises:
        InvalidInput: It is no PostgreSQL address (`settings.database`).
    """
    if not is_postgres_address(address):
        shown = hide_password(address)
        raise InvalidInput(
            f"{origin} is {shown!r}; it must be a PostgreSQL address, postgresql://user@host/name or "
            f"host=… dbname=…. Correct it, or leave it out to keep the index in SQLite files of the store.",
            code="settings.database",
            address=shown,
        )
    return address
