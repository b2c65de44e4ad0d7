"""A run as the process that records it sees it.

Every method but `log` goes through `_guarded`: what goes wrong is told once and counted, and training goes on.
`log` is the journal's own closure, put into the instance so that calling it costs no bound method.
"""

import functools
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, ParamSpec, TypeVar, get_args

from everbloom.core.errors import InvalidInput
from everbloom.core.ids import RunId, check_name
from everbloom.core.records import Like, Link, Note, Params, Reference, Scalar, Set, Tag, Verdict
from everbloom.sdk.files import FileStore, guess_size
from everbloom.sdk.guard import Guard
from everbloom.sdk.recorder import Recorder
from everbloom.sdk.rows import RowLog, to_step
from everbloom.sdk.texts import check_text, check_url, fit_text, flatten_params, iter_portions

_P = ParamSpec("_P")
_T = TypeVar("_T")


def _guarded(method: Callable[..., None]) -> Callable[..., None]:
    """Keep a method of `Run` from raising into training."""

    @functools.wraps(method)
    def call(self: "Run", *arguments: Any, **options: Any) -> None:
        try:
            method(self, *arguments, **options)
        except Exception as error:  # noqa: BLE001 - the guard's edge
            self._guard.handle(error)

    return call


class Parameters(Mapping[str, Scalar]):
    """The run's parameters by flat name, such as `optimizer.lr`; set one or `update` many at any time.

    The last value counts, the earlier ones are history. Values that are no scalars are kept as their `repr`.
    """

    def __init__(self, record: Callable[[Any], dict[str, Scalar]]) -> None:
        self._record = record
        self._values: dict[str, Scalar] = {}

    def update(self, values: Any) -> None:
        """Record parameters: a mapping, nested or not, an `argparse.Namespace`, a dataclass."""
        self._values.update(self._record(values))

    def __setitem__(self, name: str, value: Any) -> None:
        self.update({name: value})

    def __getitem__(self, name: str) -> Scalar:
        return self._values[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __repr__(self) -> str:
        return repr(self._values)


class Run:
    """A run that is being recorded; made by `eb.init`. Use it as a context manager, or call `finish`.

    All methods may be called from any thread, and from forked children. None raises: what goes wrong is told once and
    counted. In strict mode (`EVERBLOOM_STRICT=1`) all of them do.

    Attributes:
        id: 32 lower-case hex digits.
        name: What people call it, such as `amber-heron-7c1e`.
        params: Its parameters.
        resumed_from: The checkpoint that it goes on from, as (path, step); None where it does not.
    """

    def __init__(
        self,
        run: RunId,
        name: str,
        *,
        recorder: Recorder,
        guard: Guard,
        files: FileStore,
        finish: Callable[["Run", BaseException | None], None],
        resumed_from: tuple[Path, int] | None = None,
    ) -> None:
        self.id = run
        self.name = name
        self.resumed_from = resumed_from
        self.params = Parameters(self._record_params)
        self._recorder = recorder
        self._guard = guard
        self._files = files
        self._finish = finish
        rows = RowLog(recorder, guard, files.log_media)
        self.__dict__["log"] = rows.log
        recorder.listen(lambda writer: self.__dict__.update(log=rows.build(writer)))

    def log(self, values: Mapping[str, Any], *, step: int | None = None, time: Any = None) -> None:
        """Record numbers, and media, under their names at one step; survives the process's death on return.

        Args:
            values: Names to numbers (Python, NumPy, 0-d arrays and tensors, booleans), `eb.Image` and its like,
                or nested mappings of them, whose names are joined with `/`.
            step: A whole number within int64; None counts: one more than the last call's, 0 at first. Repeated
                and out-of-order steps are kept.
            time: A datetime (a naive one is UTC) or seconds since 1970; None = now.

        Waits for neither disk nor network (media above 8 KiB are written as files). NaN and infinities are
        kept. What cannot be recorded is told once and counted; the other values of the call are kept.
        """
        raise AssertionError("replaced in every instance")

    def _record_params(self, values: Any) -> dict[str, Scalar]:
        try:
            flat = flatten_params(values, self._files.store_text, self._guard)
            for portion in iter_portions(flat):
                self._recorder.append(Params(values=portion))
        except Exception as error:  # noqa: BLE001 - the guard's edge
            self._guard.handle(error)
            return {}
        return flat

    def fit_text(self, text: str, path: str) -> str:
        """Return a text that fits into a record; a longer one is kept whole as a file of the run, and cut."""
        return fit_text(text, path, self._files.store_text)

    @_guarded
    def tag(self, *tags: str, remove: tuple[str, ...] | list[str] = ()) -> None:
        """Add tags to the run, and remove others."""
        add = [check_name(check_text(tag, "the tag"), what="tag") for tag in tags]
        self._recorder.append(Tag(add=add, remove=[check_text(tag, "the tag").strip() for tag in remove]))

    @_guarded
    def note(self, text: str, *, append: bool = False) -> None:
        """Set the run's note (Markdown), or append a paragraph to it."""
        checked = check_text(text, "the note")
        self._recorder.append(Note(text=self.fit_text(checked, "notes/note.md"), append=append))

    @_guarded
    def like(self, target: str = "", *, on: bool = True) -> None:
        """Like the run, or a part of it such as `metric:val/acc`; `on=False` takes it back."""
        self._recorder.append(Like(on=bool(on), target=check_text(target, "what is liked"), user=self._files.user))

    @_guarded
    def link(self, url: str, title: str = "", *, kind: str = "") -> None:
        """Link the run to something outside: a wiki page, a ticket, a pull request.

        The URL is of http, https, mailto or file, or has no scheme; it is clicked on in the web app.
        """
        check_text(title, "the link's title")
        check_text(kind, "the link's kind")
        self._recorder.append(Link(url=check_url(check_text(url, "the link")), title=title, kind=kind))

    @_guarded
    def conclude(self, text: str, *, verdict: Verdict | None = None) -> None:
        """Say what the run showed, and whether that supports what it was started for.

        The verdict is `supported`, `refuted` or `inconclusive`; with another one the text alone is recorded.
        """
        check_text(text, "the conclusion")
        fields: dict[str, Any] = {"conclusion": self.fit_text(text, "notes/conclusion.md")}
        is_known = verdict in get_args(Verdict)
        if is_known:
            fields["verdict"] = verdict
        self._recorder.append(Set(fields=fields))
        if not is_known and verdict is not None:
            raise InvalidInput(
                f"verdict {verdict!r} is none of {', '.join(map(repr, get_args(Verdict)))}; the text of the "
                f"conclusion is kept, give one of these with it.",
                code="verdict.unknown",
            )

    @_guarded
    def save(self, path: str | Path, name: str | None = None, *, kind: str = "file", step: int | None = None) -> None:
        """Keep a file, or every file below a folder, as it is now; the run has it for good.

        Args:
            path: A file or a folder; links to folders within it are not followed.
            name: What to call it within the run, with forward slashes; the path's last part otherwise.
            kind: What it is, such as `model`.
            step: The step that it belongs to.
        """
        check_text(kind, "the file's kind")
        self._files.save(Path(path), name, kind=kind, step=None if step is None else to_step(step))

    @_guarded
    def checkpoint(self, path: str | Path, step: int) -> None:
        """Keep a file or folder that training can go on from: `eb.init(resume=run)` gives it back.

        The record is written when all its files are, so a checkpoint is whole or absent.
        """
        self._files.save_checkpoint(Path(path), to_step(step))

    @_guarded
    def artifact(
        self, uri: str, *, name: str = "", kind: str = "", size: int | None = None, checksum: str = ""
    ) -> None:
        """Note something kept elsewhere that belongs to the run, without copying it.

        Args:
            uri: Where it is, such as `s3://bucket/data.parquet` or a path.
            name: What to call it within the run.
            kind: What it is, such as `dataset`.
            size: Its size in bytes; read from the file system where it is a file there.
            checksum: What identifies its content, such as an ETag or `sha256:…`.
        """
        if not uri:
            raise InvalidInput(
                "artifact() got an empty uri; say where the thing is, such as 's3://bucket/data.parquet'.",
                code="artifact.no_uri",
            )
        for value, what in ((uri, "uri"), (name, "name"), (kind, "kind"), (checksum, "checksum")):
            check_text(value, f"the artifact's {what}")
        known = guess_size(uri) if size is None else size
        self._recorder.append(Reference(uri=uri, path=name, size=known, checksum=checksum, kind=kind))

    def finish(self) -> None:
        """End the run as finished and write out what it printed. May be called again, and need not be."""
        self._finish(self, None)

    def __enter__(self) -> "Run":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._finish(self, error)

    def __repr__(self) -> str:
        return f"<everbloom run {self.name} {self.id}>"
