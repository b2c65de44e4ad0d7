"""Sort orders as text: `-metrics.val/acc.max,params.lr`, a minus for descending, the first key first.

Columns are written alike. They alone may name a value at a step, which no index holds.
"""

from collections.abc import Iterable

from everbloom.query.language.ast import SortKey
from everbloom.query.language.complaints import complaint
from everbloom.query.language.keys import explain_pieces, explain_step, parse_pieces
from everbloom.query.language.tokens import Piece, Token, read_tokens

NEWEST_FIRST = "-created"
_DONE = {"sort": "sorted by", "group": "grouped by", "facet": "counted"}


def parse_order(
    text: str, *, known: Iterable[str] = (), noun: str = "sort", has_steps: bool = False
) -> tuple[SortKey, ...]:
    """Parse a sort order; an empty one leaves the ties' order: by `created`, then `id`.

    Args:
        text: Keys joined by commas, `-` before a descending one.
        known: Columns that some run has, for better guesses in errors.
        noun: What errors call the text, and how their codes begin: "sort", "group" or "columns".
        has_steps: Whether a metric's value at a step may be named, as in columns.

    Raises:
        InvalidInput: `sort.syntax`, `sort.open_quote`, `sort.unknown_key`, `sort.at_step` or `sort.too_long`, with
            the column.
    """
    tokens = read_tokens(text, noun=noun)
    if tokens[0].kind == "end":
        return ()
    order: list[SortKey] = []
    for index, token in enumerate(tokens):
        if index % 2 == 0:
            order.append(_read_sort_key(text, token, known, noun))
            if order[-1].key.step is not None and not has_steps:
                says, offers = explain_step(order[-1].key, _DONE.get(noun, "used"))
                signed = ["-" * order[-1].is_descending + offer for offer in offers]
                raise complaint(text, token.start, token.end, says, code=f"{noun}.at_step", suggestions=signed)
        elif token.kind == "end":
            break
        elif token.kind != ",":
            offers = ["-" + order[-1].key.column] if token.is_keyword("desc", "descending") else []
            says = "keys are joined by commas, and a minus before a key sorts it descending."
            raise complaint(text, token.start, token.end, says, code=f"{noun}.syntax", suggestions=offers)
    return tuple(order)


def _read_sort_key(text: str, token: Token, known: Iterable[str], noun: str) -> SortKey:
    if token.kind != "word":
        says = "a key is missing here, such as `created` or `-metrics.val/acc.max`."
        raise complaint(
            text,
            token.start,
            token.end,
            says,
            code=f"{noun}.syntax",
            expected="key" if token.kind == "end" else "",
        )
    first = token.pieces[0]
    is_descending = not first.is_quoted and first.text.startswith("-")
    bare = first.text.removeprefix("-") if is_descending else first.text
    pieces = (Piece(bare, first.is_quoted), *token.pieces[1:])
    key = parse_pieces(pieces)
    if key is None:
        says, offers = explain_pieces(pieces, known)
        signed = ["-" * is_descending + offer for offer in offers]
        raise complaint(text, token.start, token.end, says, code=f"{noun}.unknown_key", suggestions=signed)
    if key.kind == "console":
        says = "`console` can be searched but not sorted by."
        raise complaint(text, token.start, token.end, says, code=f"{noun}.unknown_key")
    return SortKey(key, is_descending)
