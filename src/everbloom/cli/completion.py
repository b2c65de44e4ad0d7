"""`everbloom completion`: the script that makes a shell complete commands, runs, metrics and filters."""

import click

from everbloom.core.settings import environment_value

SHELLS = ("bash", "zsh", "fish")


@click.command()
@click.argument("shell", type=click.Choice(SHELLS), required=False)
def completion(shell: str | None) -> None:
    """Print the completion script of SHELL; without it, of the shell that runs now.

    \b
    bash:  eval "$(everbloom completion bash)"       in ~/.bashrc
    zsh:   eval "$(everbloom completion zsh)"        in ~/.zshrc
    fish:  everbloom completion fish > ~/.config/fish/completions/everbloom.fish
    """  # noqa: D301 - \b is click's sign for a paragraph that is not to be wrapped
    from click.shell_completion import get_completion_class

    chosen = shell or (environment_value("SHELL") or "").rpartition("/")[2]
    kind = get_completion_class(chosen)
    if kind is None or chosen not in SHELLS:
        raise click.UsageError(f"the shell is {chosen or 'unknown'!r}; name one of {', '.join(SHELLS)}.")
    root = click.get_current_context().find_root().command
    source = kind(root, {}, "everbloom", "_EVERBLOOM_COMPLETE").source_template
    names = {"complete_func": "_everbloom_completion", "complete_var": "_EVERBLOOM_COMPLETE", "prog_name": "everbloom"}
    click.echo(source % names)
