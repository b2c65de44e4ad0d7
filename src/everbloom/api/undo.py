"""Tokens that take bulk edits back, kept in memory: the newest twenty."""

import secrets
from collections import OrderedDict

from everbloom.api.types import Edit
from everbloom.core.errors import NotFound

UNDOS_MAX = 20

Undo = list[tuple[str, list[Edit]]]
"""By run, the edits that take its change back."""


class UndoTokens:
    """What takes bulk edits back, the newest twenty; within the caller's lock."""

    def __init__(self) -> None:
        self._kept: OrderedDict[str, Undo] = OrderedDict()

    def add(self, undo: Undo) -> str:
        """Keep an undo; returns its token."""
        token = secrets.token_urlsafe(12)
        self._kept[token] = undo
        if len(self._kept) > UNDOS_MAX:
            self._kept.popitem(last=False)
        return token

    def get(self, token: str) -> Undo:
        """Return an undo, which stays until it is dropped, so that one that failed can be tried again.

        Raises:
            NotFound: It was used, or is too old (`undo.unknown`).
        """
        if token not in self._kept:
            raise NotFound(
                "that undo is not there any more: it was used, the server was started again, or twenty newer changes "
                "were made. Change the runs by hand.",
                code="undo.unknown",
            )
        return self._kept[token]

    def drop(self, token: str) -> None:
        """Forget an undo that is done."""
        self._kept.pop(token, None)
