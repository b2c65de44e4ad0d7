"""A filter as the words of a command line: what the shell took off is put back, and `-7d` is no option."""

from collections.abc import Sequence
from typing import Any

import click

_HIDDEN = "\0"  # no argument of a process can hold one
_OPERATORS = frozenset("= == != <> < <= > >= ~ in like".split())


class FilterCommand(click.Command):
    """A command whose words are a filter, in which `-7d` is a time ago and not an option."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        options["context_settings"] = {"ignore_unknown_options": True}
        super().__init__(*arguments, **options)

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Hide words such as `-1h` from click, which would see `-h` in it; `join_words` brings them back."""
        previous = ""
        hidden = []
        for word in args:
            is_number = word[:1] == "-" and (word[1:2].isdigit() or word[1:2] == "." or word == "-inf")
            hidden.append(_HIDDEN + word if is_number and not previous.startswith("-") else word)
            previous = word
        return super().parse_args(ctx, hidden)


def join_words(words: Sequence[str]) -> str:
    """Make one filter of the words of a command line.

    A single word is the filter as it is. Of several, one that follows an operator and holds white space was a value
    in quotes, which the shell has taken off.

    Raises:
        UsageError: A word looks like an option.
    """
    joined: list[str] = []
    for given in words:
        word = given
        if word.startswith("-") and len(word) > 1:
            raise click.NoSuchOption(word, ctx=click.get_current_context(silent=True))
        word = word.removeprefix(_HIDDEN)
        is_value = bool(joined) and joined[-1].lower() in _OPERATORS and not word.startswith(("(", '"', "'"))
        if len(words) > 1 and is_value and any(c.isspace() for c in word):
            word = '"' + word.replace('"', '""') + '"'
        joined.append(word)
    return " ".join(joined)
