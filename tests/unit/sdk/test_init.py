"""What init() checks and records, and what a run's methods write."""

import argparse
import dataclasses
import os
import shutil
import threading

import pytest

import everbloom as eb
from everbloom.artifacts.names import check_artifact_path
from everbloom.core.errors import Ambiguous, EverbloomError, InvalidInput, NotFound
from everbloom.core.layout import run_blobs_dir
from everbloom.core.records import File, Like, Link, Note, Params, Reference, Rewind, Start, Tag
from everbloom.journal.blobs import read_blob
from everbloom.journal.names import read_names, register_name
from everbloom.sdk.names import resolve_reference
from everbloom.testing.recorded import list_runs, read_recorded


def test_what_is_given_is_recorded(store):
    with eb.init(
        "news",
        experiment="headlines",
        why="does it help?",
        params={"lr": 3e-4, "model": {"depth": 6, "name": "x"}},
        name="my run",
        group="folds",
        tags=["a", "b c"],
        seed=7,
        domain="text",
        objectives={"val/acc": "max"},
        total_steps=100,
        namespace="team",
    ) as run:
        assert run.name == "my run"
        assert dict(run.params) == {"lr": 3e-4, "model.depth": 6, "model.name": "x"}
    recorded = read_recorded(store)
    fields = recorded.fields
    created = fields.pop("created")
    assert abs(created - recorded.journals[0].times[0] if recorded.journals[0].times else 0) < 10**10
    assert fields == {
        "project": "news",
        "experiment": "headlines",
        "why": "does it help?",
        "name": "my run",
        "group": "folds",
        "seed": 7,
        "domain": "text",
        "objectives": {"val/acc": "max"},
        "total_steps": 100,
        "namespace": "team",
        "user": fields["user"],
    }
    assert recorded.params == {"lr": 3e-4, "model.depth": 6, "model.name": "x"}
    assert recorded.records(Tag) == [Tag(add=["a", "b c"])]


def test_defaults_are_recorded_too(store):
    run = eb.init()
    run.finish()
    fields = read_recorded(store).fields
    assert (fields["namespace"], fields["project"], fields["experiment"]) == ("local", "default", "default")
    assert fields["name"] == run.name
    assert run.name.endswith(run.id[-4:])
    start = read_recorded(store).journals[0].start
    assert (start.kind, start.pid, start.rank) == ("process", os.getpid(), 0)


def test_settings_of_the_project_count_where_nothing_is_given(store, tmp_path):
    (tmp_path / "everbloom.toml").write_text('project = "news"\nnamespace = "team"\n')
    eb.init().finish()
    assert (read_recorded(store).fields["project"], read_recorded(store).fields["namespace"]) == ("news", "team")


@dataclasses.dataclass
class Config:
    lr: float
    layers: tuple


@pytest.mark.parametrize(
    ("params", "expected"),
    [
        (argparse.Namespace(lr=0.1, name="x"), {"lr": 0.1, "name": "x"}),
        (Config(0.1, (1, 2)), {"lr": 0.1, "layers": "(1, 2)"}),
        ({"a": {"b": {"c": None}}, 5: True}, {"a.b.c": None, "5": True}),
        ({"big": 2**70, "nan": float("inf")}, {"big": str(2**70), "nan": float("inf")}),
        ({"emoji 🌸": "half \ud83c"}, {"emoji 🌸": "half \\ud83c"}),
    ],
)
def test_parameters_of_every_kind_are_kept(store, params, expected):
    with eb.init(params=params) as run:
        assert dict(run.params) == expected
    assert read_recorded(store).params == expected


def test_parameters_that_resist_are_kept_as_a_line_that_says_so(store):
    class Hostile:
        def __repr__(self):
            raise RuntimeError

    cyclic = []
    cyclic.append(cyclic)
    with eb.init(params={"hostile": Hostile(), "cyclic": cyclic, "lr": 1}):
        pass
    assert read_recorded(store).params == {
        "hostile": "<Hostile: repr raised RuntimeError>",
        "cyclic": "[[...]]",
        "lr": 1,
    }


def test_a_mapping_of_parameters_that_holds_itself_costs_only_itself(store, lenient, capsys):
    params = {"lr": 1}
    params["self"] = params
    params["depth"] = 3
    with eb.init(params=params) as run:
        run.log({"x": 1.0})
    assert read_recorded(store).params == {"lr": 1, "self": "{'lr': 1, 'self': {...}, 'depth': 3}", "depth": 3}
    assert capsys.readouterr().err == ""


def test_parameters_can_be_set_and_updated_later(store):
    with eb.init() as run:
        run.params["lr"] = 0.1
        run.params.update({"opt": {"beta": 0.9}})
        run.params["lr"] = 0.2
        assert dict(run.params) == {"lr": 0.2, "opt.beta": 0.9}
        assert len(run.params) == 2
        assert repr(run.params) == "{'lr': 0.2, 'opt.beta': 0.9}"
    assert [record.values for record in read_recorded(store).records(Params)] == [
        {"lr": 0.1},
        {"opt.beta": 0.9},
        {"lr": 0.2},
    ]


def test_long_texts_are_kept_whole_as_files_and_cut_in_place(store):
    text = "x" * 100_000
    with eb.init(params={"prompt": text, "odd/../name": text}, why=text) as run:
        run.note(text)
        run.conclude(text)
    recorded = read_recorded(store)
    files = {file.path: file for file in recorded.records(File)}
    assert set(files) >= {"params/prompt.txt", "notes/note.md", "notes/why.md", "notes/conclusion.md"}
    assert all(read_blob(store, run.id, file.sha256).decode() == text for file in files.values())
    assert recorded.params["prompt"].startswith("x" * 4096 + "…")
    assert files["params/prompt.txt"].sha256 in recorded.params["prompt"]
    assert len(recorded.fields["why"]) < 5_000
    assert all(check_artifact_path(path) == path for path in files)


def test_thousands_of_parameters_are_spread_over_records(store):
    params = {f"p{n}": "v" * 100 for n in range(5_000)}
    eb.init(params=params).finish()
    assert read_recorded(store).params == params
    assert len(read_recorded(store).records(Params)) > 5


def test_methods_of_a_run_write_their_records(store, tmp_path):
    with eb.init() as run:
        run.tag("good", "better", remove=["bad"])
        run.note("first")
        run.note("second", append=True)
        run.like()
        run.like("metric:val/acc", on=False)
        run.link("https://wiki.example/page", "Page", kind="wiki")
        run.conclude("it helps", verdict="supported")
        run.artifact("s3://bucket/data", name="data", kind="dataset", checksum="etag:1")
    recorded = read_recorded(store)
    assert recorded.records(Tag)[-1] == Tag(add=["good", "better"], remove=["bad"])
    assert recorded.records(Note) == [Note(text="first"), Note(text="second", append=True)]
    assert [(like.on, like.target) for like in recorded.records(Like)] == [(True, ""), (False, "metric:val/acc")]
    assert recorded.records(Link) == [Link(url="https://wiki.example/page", title="Page", kind="wiki")]
    assert (recorded.fields["conclusion"], recorded.fields["verdict"]) == ("it helps", "supported")
    assert recorded.records(Reference) == [
        Reference(uri="s3://bucket/data", path="data", kind="dataset", checksum="etag:1")
    ]


def test_files_and_folders_are_saved_by_content(store, tmp_path):
    (tmp_path / "out" / "deep").mkdir(parents=True)
    (tmp_path / "out" / "a.txt").write_text("a")
    (tmp_path / "out" / "deep" / "b.bin").write_bytes(b"b")
    with eb.init() as run:
        run.save(tmp_path / "out")
        run.save(tmp_path / "out" / "a.txt", "renamed.txt", kind="report", step=3)
    files = read_recorded(store).records(File)
    assert [(f.path, f.kind, f.step) for f in files] == [
        ("out/a.txt", "file", None),
        ("out/deep/b.bin", "file", None),
        ("renamed.txt", "report", 3),
    ]
    assert files[0].media_type == "text/plain"
    assert [read_blob(store, run.id, f.sha256) for f in files] == [b"a", b"b", b"a"]


def test_a_folder_of_very_many_files_or_bytes_is_told_once_with_how_many(store, lenient, tmp_path, capsys):
    many, large = tmp_path / "many", tmp_path / "large"
    (many / "below").mkdir(parents=True)
    (many / "one").write_text("x")
    for number in range(9_999):
        (many / "below" / str(number)).symlink_to(many / "one")
    large.mkdir()
    with open(large / "sparse", "wb") as file:
        file.truncate(1_000_000_001)
    run = eb.init()
    shutil.rmtree(store)  # so that nothing is copied, which would take long
    run.save(many)
    assert "save.large" not in capsys.readouterr().err
    (many / "another").write_text("x")
    run.save(many)
    run.save(large)
    run.checkpoint(large, 1)
    told = [line for line in capsys.readouterr().err.splitlines() if "save.large" in line]
    assert len(told) == 1
    assert "copies 10,001 files of 0.0 GB in all" in told[0]


@pytest.mark.parametrize("name", ["../../evil", "/etc/passwd", "a/../../b", "c:\\x", "nul\0"])
def test_a_name_that_leads_out_of_the_run_is_refused(store, tmp_path, name):
    (tmp_path / "file").write_text("x")
    with eb.init() as run, pytest.raises(InvalidInput, match=r"artifact\.path"):
        run.save(tmp_path / "file", name)
    assert read_recorded(store).records(File) == []


def test_a_file_that_is_missing_breaks_nothing(store, lenient, tmp_path, capsys):
    with eb.init() as run:
        run.save(tmp_path / "absent")
        run.checkpoint(tmp_path / "absent", 1)
        run.log({"x": 1.0})
    err = capsys.readouterr().err
    assert f"'{tmp_path / 'absent'}' cannot be saved: No such file or directory. Give a file or folder" in err
    assert "artifact.missing" in err
    assert read_recorded(store).values("x") == [(0, 1.0)]


@pytest.mark.parametrize(
    "options",
    [
        {"project": ""},
        {"project": 5},
        {"experiment": "a\nb"},
        {"name": " "},
        {"tags": "one"},
        {"tags": [5]},
        {"namespace": "api"},
        {"objectives": {"acc": "up"}},
        {"objectives": ["acc"]},
        {"seed": "x"},
        {"total_steps": "x"},
        {"params": 5},
        {"params": "lr=1"},
        {"why": 5},
        {"resume": 5},
        {"fork": "x"},
        {"resume": "a" * 32, "fork": ("a" * 32, 1)},
    ],
)
def test_an_argument_that_cannot_be_right_is_refused_before_anything_is_written(store, options):
    with pytest.raises(EverbloomError) as caught:
        eb.init(**options)
    assert isinstance(caught.value, InvalidInput)
    assert not store.exists()
    assert eb.current_run() is None


@pytest.mark.parametrize("name", ["seed", "total_steps"])
def test_a_number_that_is_none_is_refused_by_its_name_and_value(store, name):
    with pytest.raises(InvalidInput, match=rf"{name} 'x' of type str is no whole number; give an int\. \[init"):
        eb.init(**{name: "x"})


def test_parameters_that_have_no_names_are_refused_with_what_would_do(store):
    with pytest.raises(InvalidInput, match=r"params 'lr=1' is of type str; give a mapping such as"):
        eb.init(params="lr=1")


def test_a_dataclass_with_slots_is_taken_as_parameters(store):
    @dataclasses.dataclass(slots=True)
    class Config:
        lr: float = 0.5

    with eb.init(params=Config()) as run:
        pass
    assert read_recorded(store, run.id).params == {"lr": 0.5}


@pytest.mark.parametrize(
    "tell",
    [
        lambda run: run.note(5),
        lambda run: run.conclude(5),
        lambda run: run.tag(5),
        lambda run: run.tag(remove=[5]),
        lambda run: run.like(5),
        lambda run: run.link(5),
        lambda run: run.link("https://a", 5),
        lambda run: run.artifact(5),
        lambda run: run.artifact("s3://a", kind=5),
    ],
)
def test_what_should_be_text_and_is_not_is_told_with_its_value_and_breaks_nothing(store, lenient, capsys, tell):
    with eb.init() as run:
        tell(run)
        run.log({"x": 1.0})
    assert (
        " 5 is of type int and is not kept; it has to be text. Use str(...). [text.not_text]" in capsys.readouterr().err
    )
    assert read_recorded(store).values("x") == [(0, 1.0)]


def test_the_current_run_is_the_newest_that_is_not_finished(store):
    assert eb.current_run() is None
    first = eb.init()
    second = eb.init()
    assert eb.current_run() is second
    first.finish()
    assert eb.current_run() is second
    eb.finish()
    assert eb.current_run() is None
    eb.finish()


def test_finish_may_be_called_again_and_from_many_threads(store):
    run = eb.init()
    threads = [threading.Thread(target=run.finish) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    run.finish()
    recorded = read_recorded(store)
    assert sum(type(r).__name__ == "End" for r in recorded.journals[0].records) == 1
    assert recorded.journals[0].is_closed


def test_a_block_ends_the_run_and_lets_the_exception_through(store):
    with pytest.raises(ZeroDivisionError), eb.init() as run:
        run.log({"x": 1 / 0})
    assert read_recorded(store).end.exception.type == "ZeroDivisionError"


def test_names_of_the_store_find_runs(store):
    first = eb.init(name="alpha")
    second = eb.init(name="beta", parent="alpha")
    third = eb.init(parent=first.id[-8:])
    for run in (first, second, third):
        run.finish()
    assert read_recorded(store, second.id).fields["parent"] == first.id
    assert read_recorded(store, third.id).fields["parent"] == first.id
    assert read_names(store) == {first.id: "alpha", second.id: "beta", third.id: third.name}


def test_an_ambiguous_reference_lists_what_it_means(tmp_path):
    runs = ["0" * 22 + f"{n}abcdef0{n % 2}"[-10:].rjust(10, "0") for n in (1, 2, 3)]
    for run in runs:
        register_name(tmp_path, run, "twin")
    with pytest.raises(Ambiguous) as caught:
        resolve_reference(tmp_path, "twin")
    assert caught.value.fields["candidates"] == sorted(runs, reverse=True)
    with pytest.raises(Ambiguous):
        resolve_reference(tmp_path, "abcdef01")
    assert resolve_reference(tmp_path, runs[0]) == runs[0]


@pytest.mark.parametrize("reference", ["nobody", "abcde", "ABCDEF12", ""])
def test_a_reference_that_fits_nothing_says_what_would(tmp_path, reference):
    with pytest.raises(NotFound, match="at least 6 hex"):
        resolve_reference(tmp_path, reference)


def test_torn_and_foreign_lines_in_the_names_are_passed_over(tmp_path):
    register_name(tmp_path, "a" * 32, "good one")
    with open(tmp_path / "names" / "runs.txt", "ab") as names:
        names.write(b"\xff\xfe garbage\n\n" + b"b" * 32 + b"\n" + b"c" * 20)
    assert read_names(tmp_path) == {"a" * 32: "good one"}


def test_a_fork_names_where_it_comes_from(store):
    first = eb.init(name="first")
    first.finish()
    with eb.init(fork=("first", 10)) as run:
        run.log({"x": 1.0})
    recorded = read_recorded(store, run.id)
    assert recorded.values("x") == [(11, 1.0)]
    assert recorded.fields["parent"] == first.id
    (reference,) = recorded.records(Reference)
    assert (reference.uri, reference.kind) == (f"everbloom:{first.id}", "fork")


def test_a_fork_takes_what_is_not_given_from_the_other(store):
    told = {"lr": 1.0, "model": {"depth": 3}}
    with eb.init("vision", experiment="depth", params=told, name="first", group="a") as first:
        first.params["lr"] = 0.5
        first.log({"x": 1.0})
    with eb.init(fork=("first", 0), params={"model": {"depth": 4}, "new": True}) as run:
        assert dict(run.params) == {"lr": 0.5, "model.depth": 4, "new": True}
    recorded = read_recorded(store, run.id)
    assert recorded.params == {"lr": 0.5, "model.depth": 4, "new": True}
    fields = recorded.fields
    assert (fields["project"], fields["experiment"], fields["parent"]) == ("vision", "depth", first.id)
    assert "group" not in fields
    with eb.init("sound", experiment="other", parent=run.id, fork=("first", 0)) as given:
        pass
    fields = read_recorded(store, given.id).fields
    assert (fields["project"], fields["experiment"], fields["parent"]) == ("sound", "other", run.id)


def test_resuming_without_a_checkpoint_goes_on_counting(store):
    with eb.init(name="first", params={"lr": 1}) as first:
        for _ in range(5):
            first.log({"x": 1.0})
    with eb.init(resume="first") as run:
        assert run.id == first.id
        assert run.name == "first"
        assert run.resumed_from is None
        run.log({"x": 2.0})
    recorded = read_recorded(store)
    assert sorted(recorded.values("x")) == [(0, 1.0), (1, 1.0), (2, 1.0), (3, 1.0), (4, 1.0), (5, 2.0)]
    assert [j.start.kind for j in recorded.journals] == ["process", "process"]
    assert recorded.records(Rewind) == []
    assert len([r for j in recorded.journals for r in j.records if type(r).__name__ == "Set"]) == 1


def test_resuming_at_a_step_records_a_rewind(store):
    with eb.init() as first:
        for _ in range(100):
            first.log({"x": 1.0})
    with eb.init(resume=(first.id, 40)) as run:
        run.log({"x": 2.0})
    recorded = read_recorded(store)
    assert recorded.records(Rewind) == [Rewind(step=40)]
    assert (41, 2.0) in recorded.values("x")


def test_resuming_takes_the_newest_whole_checkpoint(store, tmp_path):
    model, folder = tmp_path / "model.pt", tmp_path / "state"
    folder.mkdir()
    with eb.init() as first:
        for step in (10, 20, 30):
            model.write_text(f"weights {step}")
            (folder / "optimizer").write_text(f"state {step}")
            first.log({"x": 1.0}, step=step)
            first.checkpoint(model if step < 30 else folder, step)
    with eb.init(resume=first.id) as run:
        path, step = run.resumed_from
        assert (step, path.name, (path / "optimizer").read_text()) == (30, "state", "state 30")
        run.log({"x": 2.0})
    with eb.init(resume=(first.id, 10)) as run:
        path, step = run.resumed_from
        assert (step, path.read_text()) == (10, "weights 10")
    recorded = read_recorded(store)
    assert sorted(record.step for record in recorded.records(Rewind)) == [10, 30]
    assert (31, 2.0) in recorded.values("x")


def test_a_checkpoint_whose_file_is_gone_or_damaged_is_passed_over(store, tmp_path):
    model = tmp_path / "model.pt"
    with eb.init() as first:
        for step in (1, 2, 3):
            model.write_text(f"weights {step}")
            first.checkpoint(model, step)
    files = {file.step: file for file in read_recorded(store).records(File)}
    folder = run_blobs_dir(store, first.id)
    (folder / files[3].sha256).unlink()
    (folder / files[2].sha256).write_text("damaged!!")
    with eb.init(resume=first.id) as run:
        assert run.resumed_from[1] == 1


def test_resuming_a_run_of_another_store_is_refused(store):
    with pytest.raises(NotFound, match=r"run\.missing"):
        eb.init(resume="a" * 32)
    assert list_runs(store) == []


def test_command_is_recorded_where_it_is_captured(store, monkeypatch):
    monkeypatch.setenv("EVERBLOOM_CAPTURE", "command")
    eb.init().finish()
    kinds = [type(record).__name__ for record in read_recorded(store).journals[0].records]
    assert kinds == ["Set", "Command", "End"]


def test_an_unknown_part_to_capture_is_refused(store, monkeypatch):
    monkeypatch.setenv("EVERBLOOM_CAPTURE", "telemetry")
    with pytest.raises(InvalidInput, match="telemetry"):
        eb.init()


@pytest.mark.parametrize(
    ("name", "value"), [("EVERBLOOM_RUN_ID", "xyz"), ("EVERBLOOM_RANK", "-1"), ("EVERBLOOM_RANK", "one")]
)
def test_a_malformed_rank_or_shared_run_is_refused(store, monkeypatch, name, value):
    monkeypatch.setenv(name, value)
    with pytest.raises(InvalidInput, match=name):
        eb.init()


def test_every_writer_begins_with_its_start(store):
    eb.init().finish()
    assert isinstance(read_recorded(store).journals[0].start, Start)


def test_a_verdict_that_is_none_costs_only_itself(store, lenient, capsys):
    with eb.init() as run:
        run.conclude("it works", verdict="bogus")
    recorded = read_recorded(store)
    assert recorded.fields["conclusion"] == "it works"
    assert "verdict" not in recorded.fields
    told = capsys.readouterr().err
    assert "verdict.unknown" in told
    assert "'supported', 'refuted', 'inconclusive'" in told


def test_verdicts_and_addresses_that_cannot_be_right_are_refused(store):
    with eb.init() as run:
        with pytest.raises(InvalidInput, match="bogus"):
            run.conclude("x", verdict="bogus")
        with pytest.raises(InvalidInput, match="empty uri"):
            run.artifact("")
        for url in ("javascript:alert(1)", "data:text/html,x", " java\nscript:alert(1)", "vbscript:x", "JAVASCRIPT:1"):
            with pytest.raises(InvalidInput, match="scheme"):
                run.link(url)
        urls = ["https://a.b/c", "HTTP://a", "mailto:a@b.c", "file:///x", "wiki/page", "//a/b:c"]
        for url in urls:
            run.link(url)
    recorded = read_recorded(store)
    assert [link.url for link in recorded.records(Link)] == urls
    assert recorded.records(Reference) == []


def test_a_parameter_without_a_usable_name_is_kept_under_a_safe_one(store, capsys):
    with eb.init(params={"": 1, "two\nlines": 2, "a" * 2000 + "x": 3, "a" * 2000 + "y": 4, "fine": 5}) as run:
        pass
    recorded = read_recorded(store)
    assert sorted(recorded.params.values()) == [1, 2, 3, 4, 5]
    assert recorded.params["(empty)"] == 1
    assert recorded.params["two\\nlines"] == 2
    assert max(map(len, recorded.params)) == 1024
    assert run.params["fine"] == 5
    assert capsys.readouterr().err.count("param.name") == 1
