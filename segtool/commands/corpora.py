"""`segtool corpora`: list, show and remove embedded corpora."""

from typing import Annotated

import typer

from segtool.command_group import CommandGroup, pass_options
from segtool.commands.clean import removed_content
from segtool.completion import complete_corpora
from segtool.options import DryRunOption, JsonOption, WorkspaceOption
from segtool.output import note, show

corpora_app = CommandGroup()


@corpora_app.callback()
def corpora(
    context: typer.Context, workspace: WorkspaceOption = None, as_json: JsonOption = False
) -> None:
    """List the embedded corpora, show a corpus, or remove corpora.

    Example: segtool corpora
    """
    if context.invoked_subcommand is None:
        list_all(workspace=workspace, as_json=as_json)
    else:
        pass_options(context)


@corpora_app.command("list")
def list_all(workspace: WorkspaceOption = None, as_json: JsonOption = False) -> None:
    """List the embedded corpora, oldest first.

    Example: segtool corpora list --json
    """
    from segclf.tasks.describe_corpus import describe_corpus
    from segclf.workspace.workspace import Workspace
    from segtool.tables.corpora import print_corpora

    opened = Workspace(workspace)
    content = {"corpora": [describe_corpus(opened, name) for name in opened.corpus_names()]}
    show(content, print_corpora, as_json)


@corpora_app.command("show")
def show_corpus(
    name: Annotated[
        str | None,
        typer.Argument(
            help="Name of a corpus. [default: the latest]", autocompletion=complete_corpora
        ),
    ] = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show the source, the splits, the encoders and the runs of a corpus.

    Example: segtool corpora show novel
    """
    from segclf.tasks.describe_corpus import describe_corpus
    from segclf.workspace.workspace import Workspace
    from segtool.tables.corpora import print_corpus

    show(describe_corpus(Workspace(workspace), name), print_corpus, as_json)


@corpora_app.command("remove")
def remove(
    names: Annotated[
        list[str],
        typer.Argument(metavar="NAME", help="Names of corpora.", autocompletion=complete_corpora),
    ],
    dry_run: DryRunOption = False,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Remove corpora, but not their vectors. The command does not ask for confirmation.

    Example: segtool corpora remove novel --dry-run
    """
    from segclf.tasks.clean import remove_corpora
    from segclf.workspace.runs import list_runs
    from segclf.workspace.workspace import Workspace
    from segtool.tables.removal import print_removed

    opened = Workspace(workspace)
    removed = remove_corpora(opened, names, dry_run=dry_run)
    show(removed_content(removed, dry_run), print_removed, as_json)
    if trained := [run.name for run in list_runs(opened) if run.record.corpus in names]:
        note(
            "notice: without its corpus, a run can segment texts but can only be scored on another "
            f"corpus: {', '.join(trained)}"
        )
    note("hint: segtool clean --vectors removes vectors that no corpus uses")
