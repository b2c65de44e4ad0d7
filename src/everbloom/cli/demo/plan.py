"""What the demo trains, read from `plan.toml`: chains of runs, each for a stated reason."""

import tomllib
from pathlib import Path
from typing import Literal

from msgspec import Struct, convert, field

Ending = Literal["finish", "raise", "kill", "cancel"]
Params = dict[str, float | int | str | list[int]]


class Trial(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One run of the demo.

    Attributes:
        model: Key of `train.TRAINERS`.
        ending: How it ends: by itself, or because the demo stops it on purpose while it trains.
    """

    project: str
    experiment: str
    model: str
    why: str
    params: Params
    seed: int = 0
    tags: list[str] = field(default_factory=list)
    ending: Ending = "finish"

    def count(self, name: str, otherwise: int = 1) -> int:
        """Return a parameter that counts something."""
        value = self.params.get(name, otherwise)
        return value if isinstance(value, int) else otherwise

    @property
    def steps(self) -> int:
        """How many points the run's curves have."""
        return self.count("steps", self.count("stages"))


Chain = list[Trial]


def plan_chains() -> list[Chain]:
    """Return the chains of `plan.toml`, what their runs share filled in."""
    table = tomllib.loads((Path(__file__).parent / "plan.toml").read_text("utf-8"))
    chains = []
    for chain in table["chains"]:
        shared = {key: value for key, value in chain.items() if key != "runs"}
        runs = [{**shared, **run, "params": shared.get("params", {}) | run.get("params", {})} for run in chain["runs"]]
        chains.append(convert(runs, Chain))
    return chains
