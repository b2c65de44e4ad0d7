"""`everbloom settings`: what is in force, and where each value is from. Passwords in addresses are not shown."""

from pathlib import Path
from typing import Any

import click

from everbloom.cli.invocation import Invocation, store_options
from everbloom.cli.output.table import Cell, Column, build_table
from everbloom.core.addresses import hide_password
from everbloom.core.settings import ENVIRONMENT, environment_value, find_settings_file


@click.command()
@store_options
def settings(invocation: Invocation) -> None:
    """Show the settings in force, and where each is from."""
    rows = list_settings(invocation)
    if invocation.as_json:
        from everbloom.cli.output.exact_json import write_json

        write_json(invocation.screen, [{"name": n, "value": v, "from": origin} for n, v, origin in rows])
        return
    columns = [Column("setting"), Column("value", least=12), Column("from", least=10)]
    cells = [
        [Cell(name), Cell("–" if value is None else _spell(value)), Cell(origin, "dim")] for name, value, origin in rows
    ]
    invocation.screen.write(*build_table(invocation.screen, columns, cells).lines)


def list_settings(invocation: Invocation) -> list[tuple[str, Any, str]]:
    """Return (name, value, where it is from) of every setting."""
    context = click.get_current_context()
    in_force, path = invocation.settings, find_settings_file()
    stated = _read_stated(path)
    capture = [part for part in in_force.capture.__struct_fields__ if getattr(in_force.capture, part)]
    values: dict[str, Any] = {
        "root": str(in_force.root),
        "namespace": in_force.namespace,
        "project": in_force.project,
        "database": None if in_force.database is None else hide_password(in_force.database),
        "capture": ", ".join(capture) or "nothing",
        "strict": in_force.strict,
    }
    rows = []
    for name, value in values.items():
        variable = f"EVERBLOOM_{name.upper()}"
        if context.params.get(name) is not None:
            origin = f"--{name}"
        elif variable in ENVIRONMENT and environment_value(variable) is not None:
            origin = variable
        elif name in stated:
            origin = str(path)
        else:
            origin = "default"
        rows.append((name, value, origin))
    is_named = environment_value("EVERBLOOM_USER") is not None
    return [*rows, ("user", invocation.user, "EVERBLOOM_USER" if is_named else "the system")]


def _read_stated(path: Path | None) -> dict[str, Any]:
    if path is None:
        return {}
    import tomllib

    return tomllib.loads(path.read_text("utf-8"))


def _spell(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
