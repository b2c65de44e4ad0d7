"""Errors of the filter language: one sentence, what would fit, and a line that points at the place.

Every complaint is an `InvalidInput` whose fields carry the column, so that an editor can underline the
place without reading prose, and `expected`, so that completion can ask what would have gone on from there.
"""

import unicodedata
from collections.abc import Iterable

from everbloom.core.errors import InvalidInput

_EXCERPT_CHARS = 72


def complaint(
    text: str,
    start: int,
    end: int,
    says: str,
    *,
    code: str,
    suggestions: Iterable[str] = (),
    expected: str = "",
    key: str = "",
) -> InvalidInput:
    """Build the error for `text[start:end]`.

    Args:
        text: The whole filter or sort order.
        start: Where the place begins, 0-based, in characters.
        end: Where it ends; `start` for the place right behind the text.
        says: Plain sentences: what stands there, which rule it met, what to do.
        code: Stable, `filter.…` or `sort.…`; its first word says what the text is.
        suggestions: What would fit in the place, best first; asked about unless `says` names them all.
        expected: At the end of the text only: "condition", "operator", "value", "check",
            "bracket", "list" or "join".
        key: With "operator" and "value": the key that it is for, as typed.

    Returns:
        The error, its fields `text`, `column` (from 1), `length`, `expected`, `key` and `suggestions`.
    """
    offers = list(suggestions)
    is_said = all(f"`{offer}`" in says for offer in offers)
    advice = "" if is_said else f" Did you mean {_join_offers(offers)}?"
    return InvalidInput(
        f"{code.partition('.')[0]}, column {start + 1}: {says}{advice}\n{_excerpt(text, start, end)}",
        code=code,
        text=text,
        column=start + 1,
        length=max(end - start, 1),
        expected=expected,
        key=key,
        suggestions=offers,
    )


def _join_offers(offers: list[str]) -> str:
    shown = [f"`{offer}`" for offer in offers]
    return shown[0] if len(shown) == 1 else ", ".join(shown[:-1]) + f" or {shown[-1]}"


def _excerpt(text: str, start: int, end: int) -> str:
    """Return the text around the place and a line of carets below it, both indented by two spaces."""
    left = max(0, min(start - _EXCERPT_CHARS // 2, len(text) - _EXCERPT_CHARS))
    right = min(len(text), left + _EXCERPT_CHARS)
    head, tail = "…" * (left > 0), "…" * (right < len(text))
    shown = "".join(c if c.isprintable() else " " for c in text[left:right])
    gap = len(head) + _width(shown[: start - left])
    carets = max(1, _width(shown[start - left : max(start, min(end, right)) - left]))
    return f"  {head}{shown}{tail}\n  {' ' * gap}{'^' * carets}"


def _width(text: str) -> int:
    """Return the cells that a terminal gives to a text: wide characters take two, combining ones none."""
    return sum(0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)
