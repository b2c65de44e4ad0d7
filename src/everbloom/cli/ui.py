"""`everbloom ui`: the web app on this machine's store, for whoever started it and nobody else."""

import sys
import webbrowser

import click

from everbloom.cli.invocation import Invocation, store_options
from everbloom.core.settings import environment_value


@click.command()
@click.option("--port", type=click.IntRange(0, 65535), metavar="N", help="Listen there.  [4870, or the next free one]")
@click.option("--no-browser", is_flag=True, help="Print the link and open nothing.")
@store_options
def ui(invocation: Invocation, *, port: int | None, no_browser: bool) -> None:
    """Look at the store in a browser, on this machine alone, until Ctrl-C.

    The link that is printed lets the browser that opens it in, and no other user of this machine.
    """
    from everbloom.api.server import serve

    def announce(link: str) -> None:
        if invocation.as_json:
            from everbloom.cli.output.exact_json import write_json

            write_json(invocation.screen, {"url": link, "root": str(invocation.settings.root)}, indent=0)
        else:
            invocation.screen.write(f"Everbloom shows {invocation.settings.root} at", "", f"  {link}", "")
            invocation.tell("Ctrl-C stops it.")
        sys.stdout.flush()
        if not no_browser and _has_display():
            webbrowser.open(link)

    serve(invocation.settings, port=port, on_ready=announce)


def _has_display() -> bool:
    """Tell whether a browser would get a window; without one, a text browser would take the terminal over."""
    return sys.platform == "darwin" or any(environment_value(name) for name in ("DISPLAY", "WAYLAND_DISPLAY"))
