"""Settings: arguments beat the environment, that beats everbloom.toml, that beats the defaults."""

from pathlib import Path

import pytest

from everbloom.core.addresses import hide_password
from everbloom.core.errors import InvalidInput
from everbloom.core.settings import CaptureSettings, environment_value, load_settings


def load(folder: Path, toml: str | None = None, *, root: str | None = None, **environ: str):
    if toml is not None:
        (folder / "everbloom.toml").write_text(toml, "utf-8")
    return load_settings(
        root=root, environ={f"EVERBLOOM_{name}": value for name, value in environ.items()}, start=folder
    )


def test_without_anything_the_defaults_hold(tmp_path):
    settings = load(tmp_path)
    assert settings.root == Path("~/.everbloom").expanduser()
    assert (settings.namespace, settings.project, settings.strict, settings.database) == ("local", None, False, None)
    assert settings.capture == CaptureSettings()


def test_arguments_beat_the_environment_and_that_beats_the_file(tmp_path):
    toml = 'root = "store"\nproject = "from-file"\nnamespace = "team"'
    assert load(tmp_path, toml).root == tmp_path / "store"
    assert load(tmp_path, ROOT="/from/env").root == Path("/from/env")
    assert load(tmp_path, ROOT="/from/env", root="/from/argument").root == Path("/from/argument")
    assert load(tmp_path).project == "from-file"
    assert load(tmp_path, PROJECT="from-env").project == "from-env"
    assert load(tmp_path, PROJECT="").project == "from-file"  # empty is unset
    assert load(tmp_path, PROJECT="from-env").namespace == "team"


def test_the_nearest_file_above_counts_and_its_root_is_beside_it(tmp_path):
    below = tmp_path / "a" / "b"
    below.mkdir(parents=True)
    (tmp_path / "everbloom.toml").write_text('root = "outer"')
    assert load(below).root == tmp_path / "outer"
    (tmp_path / "a" / "everbloom.toml").write_text('root = "~/inner"')
    assert load(below).root == Path("~/inner").expanduser()


def test_a_relative_root_is_taken_from_the_working_directory(tmp_path):
    assert load(tmp_path, ROOT="here").root == Path.cwd() / "here"
    assert load(tmp_path, root="~/there").root == Path("~/there").expanduser()


def test_parts_of_capture_are_switched_off_by_file_and_by_environment(tmp_path):
    assert load(tmp_path, "[capture]\nconsole = false").capture == CaptureSettings(console=False)
    assert load(tmp_path, CAPTURE="none").capture == CaptureSettings(False, False, False, False)
    only = load(tmp_path, CAPTURE="command, watcher").capture
    assert only == CaptureSettings(console=False, resources=False)


@pytest.mark.parametrize(
    ("toml", "told"),
    [
        ("colour = 1", "colour"),
        ("[capture]\nconsole = 3", r"\$.capture.console"),
        ("[capture]\nsound = true", "sound"),
        ("project = [1]", r"\$.project"),
    ],
)
def test_a_setting_that_does_not_fit_is_named_with_its_file(tmp_path, toml, told):
    with pytest.raises(InvalidInput, match=told) as raised:
        load(tmp_path, toml)
    assert raised.value.code == "settings.invalid"
    assert "everbloom.toml" in str(raised.value)


def test_an_unknown_part_of_capture_is_named(tmp_path):
    with pytest.raises(InvalidInput, match=r"the environment has a setting that does not fit: .*sound"):
        load(tmp_path, CAPTURE="console,sound")


@pytest.mark.parametrize("content", [b"root = ", b"\xff\xfe", b"a = 1\na = 2"])
def test_a_file_that_is_no_toml_is_named(tmp_path, content):
    (tmp_path / "everbloom.toml").write_bytes(content)
    with pytest.raises(InvalidInput, match="is not valid TOML") as raised:
        load(tmp_path)
    assert raised.value.code == "settings.syntax"


def test_strict_is_on_by_one_and_off_by_anything_else(tmp_path):
    assert [load(tmp_path, STRICT=text).strict for text in ("1", "0", "", "yes")] == [True, False, False, False]


def test_an_unset_variable_is_none():
    assert environment_value("EVERBLOOM_SURELY_UNSET") is None
    assert environment_value("EVERBLOOM_STRICT") == "1"  # as all tests run


@pytest.mark.parametrize("address", ["mysql://ann:secret@host/db", "nonsense", "index.db", "password=secret"])
def test_a_database_that_is_no_postgresql_address_is_refused_without_its_password(tmp_path, address):
    with pytest.raises(InvalidInput, match=r"EVERBLOOM_DATABASE is .* PostgreSQL address") as refused:
        load(tmp_path, DATABASE=address)
    assert refused.value.code == "settings.database"
    assert "secret" not in str(refused.value)
    with pytest.raises(InvalidInput, match=r"database in .*everbloom\.toml is"):
        load(tmp_path, f'database = "{address}"')


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("postgresql://ann:s3/c:ret@host:5432/db", "postgresql://ann:***@host:5432/db"),
        (
            "postgres://ann@host/db?password=secret&sslmode=require",
            "postgres://ann@host/db?password=***&sslmode=require",
        ),
        ("host=/run/pg dbname=x password='se cret' user=ann", "host=/run/pg dbname=x password=*** user=ann"),
        ("service=team", "service=team"),
        ("postgresql:///db?host=/run/pg", "postgresql:///db?host=/run/pg"),
    ],
)
def test_a_postgresql_address_is_taken_in_any_form_and_shown_without_its_password(tmp_path, address, shown):
    assert load(tmp_path, DATABASE=address).database == address
    assert hide_password(address) == shown
