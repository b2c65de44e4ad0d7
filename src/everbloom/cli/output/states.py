"""A run's state as a sign and a word; never as colour alone.

The signs are those of the web app: a ring while it runs, a tick, an alert, a crossed square, a square, a question
mark. Why a run ended badly stands beside the word, where it is known.
"""

from typing import NamedTuple


class StateLook(NamedTuple):
    """How a state is drawn."""

    glyph: str
    ascii: str
    style: str


LOOKS: dict[str, StateLook] = {
    "running": StateLook("◔", "o", "blue"),
    "stalled": StateLook("◌", ".", "yellow"),
    "finished": StateLook("✓", "+", "green"),
    "failed": StateLook("▲", "!", "red"),
    "killed": StateLook("⊠", "x", "red"),
    "cancelled": StateLook("□", "-", "dim"),
    "lost": StateLook("?", "?", "yellow"),
}

_RINGS = "○◔◑◕●"  # running, by how far it is


def get_look(state: str, *, is_stalled: bool = False) -> StateLook:
    """Return how a state is drawn; one of a later version as it is spelled, unmarked."""
    return LOOKS.get("stalled" if is_stalled and state == "running" else state, StateLook(" ", " ", ""))


def get_ring(progress: float | None) -> str:
    """Return the ring of a running run, filled by its progress from 0 to 1 where that is known."""
    if progress is None:
        return LOOKS["running"].glyph
    return _RINGS[min(int(progress * (len(_RINGS) - 1)), len(_RINGS) - 2)]
