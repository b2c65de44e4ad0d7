"""The edge: errors become one clear message and an exit code; hostile text, odd places, closed pipes."""

import signal
import subprocess

import pytest

from everbloom.core.clock import now_us
from everbloom.core.ids import new_run_id
from everbloom.core.records import Params, Set
from everbloom.core.version import __version__
from everbloom.testing.command_line import SCRIPT, cli_environment, run_cli, run_cli_on_terminal
from everbloom.testing.journals import open_journal
from everbloom.testing.stores import RunSpec, record_run

HOSTILE = "evil\x1b[2J\x1b]0;owned\x07\u202egpj.exe"


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    root = tmp_path_factory.mktemp("store")
    record_run(root, RunSpec(fields={"name": "amber"}, params={"lr": 0.1}, metrics={"loss": [2.0, 1.0]}))
    return root


@pytest.fixture(scope="module")
def hostile(tmp_path_factory):
    """A run that another program wrote: its texts try to control the terminal."""
    root = tmp_path_factory.mktemp("hostile")
    writer = open_journal(root, run=new_run_id(now_us()))
    writer.append(Set(fields={"name": HOSTILE, "why": HOSTILE, "conclusion": HOSTILE}))
    writer.append(Params(values={HOSTILE: HOSTILE}))
    writer.append_row(0, None, {HOSTILE: 1.0})
    writer.close()
    record_run(
        root, RunSpec(fields={"name": "loud"}, note=HOSTILE, tags=[HOSTILE], console=f"\x1b[32mok\x1b[0m {HOSTILE}\n")
    )
    return root


def list_runs_but(root, name):
    return [run["id"] for run in run_cli(root, "ls", f"name != {name}", "--json").data]


def test_version_is_told(tmp_path):
    for flag in ("--version", "-V"):
        assert run_cli(tmp_path, flag).out == f"everbloom {__version__}\n"


def test_help_lists_every_command_without_importing_one(tmp_path):
    code = (
        "import sys; from everbloom.cli.main import main; main(['--help']);"
        "print(*(m for m in sys.modules if m.startswith(('everbloom.', 'numpy', 'sqlite3'))))"
    )
    done = subprocess.run(
        [SCRIPT.with_name("python"), "-c", code], env=cli_environment(tmp_path), capture_output=True, text=True
    )
    assert "  compare  " in done.stdout
    loaded = done.stdout.splitlines()[-1]
    assert "everbloom.cli.ls" not in loaded
    assert "numpy" not in loaded


def test_no_arguments_are_help(tmp_path):
    answer = run_cli(tmp_path)
    assert answer.code == 0
    assert answer.out == run_cli(tmp_path, "--help").out


def test_the_module_is_the_same_as_the_script(tmp_path):
    done = subprocess.run(
        [SCRIPT.with_name("python"), "-m", "everbloom.cli", "--help"],
        env=cli_environment(tmp_path),
        capture_output=True,
        text=True,
    )
    assert done.stdout == run_cli(tmp_path, "--help").out


def test_an_unknown_command_says_what_was_perhaps_meant(tmp_path):
    answer = run_cli(tmp_path, "compair")
    assert answer.code == 2
    assert answer.err.startswith("error: there is no command 'compair'. Did you mean `compare`")


@pytest.mark.parametrize("arguments", [["ls", "--sorted"], ["ls", "-x"], ["ls", "-n", "many"], ["show"], ["compare"]])
def test_bad_usage_is_one_error_with_the_usage_line(store, arguments):
    answer = run_cli(store, *arguments)
    assert answer.code == 2
    assert answer.out == ""
    assert answer.err.startswith("error: ")
    assert "Usage: everbloom" in answer.err


def test_a_bad_filter_points_at_the_place(store):
    answer = run_cli(store, "ls", "params.lr < 1 and los > 1")
    assert answer.code == 2
    first, text, carets = answer.err.splitlines()
    assert first == "error: filter, column 19: `los` is not a key. Did you mean `metrics.loss`?"
    assert text == "  params.lr < 1 and los > 1"
    assert carets == "                    ^^^ [filter.unknown_key]"


@pytest.mark.parametrize(
    "arguments", [["ls", "-s", "los"], ["ls", "-c", "nam"], ["best", "--filter", "los > 1"], ["tree", "los > 1"]]
)
def test_bad_keys_anywhere_are_input_errors(store, arguments):
    assert run_cli(store, *arguments).code == 2


@pytest.mark.parametrize(
    "arguments",
    [
        ["show", "amberr"],
        ["logs", "amberr"],
        ["tag", "amberr", "+x"],
        ["compare", "amber", "amberr"],
        ["files", "amberr"],
    ],
)
def test_an_unknown_run_is_not_found_and_a_near_name_is_offered(store, arguments):
    answer = run_cli(store, *arguments)
    assert answer.code == 3
    assert "Did you mean amber?" in answer.err
    assert answer.err.count("error:") == 1


def test_an_unknown_metric_is_not_found(store):
    answer = run_cli(store, "series", "amber", "los")
    assert answer.code == 3
    assert "'loss'" in answer.err


def test_an_unknown_file_is_not_found(store, tmp_path):
    answer = run_cli(store, "get", "amber", "model.pt", "-o", str(tmp_path))
    assert answer.code == 3
    assert list(tmp_path.iterdir()) == []


def test_an_empty_store_says_how_to_record_the_first_run(tmp_path):
    answer = run_cli(tmp_path, "ls")
    assert answer.code == 0
    assert f"{tmp_path} holds no run yet" in answer.out
    assert answer.out.count("\n    ") >= 8
    assert list(tmp_path.iterdir()) == []


def test_the_ten_lines_that_an_empty_store_shows_record_a_run(tmp_path):
    shown = run_cli(tmp_path, "ls").out.splitlines()
    code = "\n".join(line[4:] for line in shown if line.startswith("    ") or not line)
    done = subprocess.run(
        [SCRIPT.with_name("python"), "-c", code],
        env=cli_environment(tmp_path, {"EVERBLOOM_CAPTURE": "none"}), capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    (run,) = run_cli(tmp_path, "ls", "--json").data
    assert run["verdict"] == "supported"
    assert run["metrics"]["loss"]["last"] < 1e-6


@pytest.mark.parametrize("command", [["ls"], ["best"], ["tree"], ["search", "x"], ["storage"], ["ls", "--json"]])
def test_a_missing_root_is_an_empty_store_and_is_not_made(tmp_path, command):
    root = tmp_path / "nowhere"
    answer = run_cli(root, *command)
    assert answer.code == 0, answer.err
    assert not root.exists()


def test_root_can_be_given_as_an_option(store, tmp_path):
    assert [run["name"] for run in run_cli(tmp_path, "ls", "--root", str(store), "--json").data] == ["amber"]


def test_bad_settings_are_named(store, tmp_path):
    (tmp_path / "everbloom.toml").write_text("rooot = 1\n")
    answer = run_cli(store, "ls", folder=tmp_path)
    assert answer.code == 2
    assert "rooot" in answer.err
    assert "everbloom.toml" in answer.err


READ_ONLY = 'mount --bind "$1" "$1" && mount -o remount,bind,ro "$1" && shift && exec "$@"'


def run_read_only(root, *arguments):
    """Run a command in a mount namespace where the store cannot be written, not even by root."""
    command = ["unshare", "--mount", "--map-root-user", "sh", "-c", READ_ONLY, "sh", str(root), str(SCRIPT), *arguments]
    return subprocess.run(command, env=cli_environment(root), capture_output=True, text=True)


def test_a_read_only_store_is_read_and_says_what_is_not_shown(tmp_path):
    record_run(tmp_path, RunSpec(fields={"name": "amber"}))
    run_cli(tmp_path, "ls")
    record_run(tmp_path, RunSpec(fields={"name": "later"}))
    done = run_read_only(tmp_path, "ls")
    assert done.returncode == 0, done.stderr
    assert "amber" in done.stdout
    assert "newer records are not shown yet" in done.stderr


def test_a_read_only_store_is_not_packed_and_says_that_it_is_read_only(tmp_path):
    record_run(tmp_path, RunSpec(fields={"name": "amber"}))
    run_cli(tmp_path, "ls")
    done = run_read_only(tmp_path, "storage", "--pack")
    assert done.returncode == 5, done.stderr
    assert "make the file and its folder writable" in done.stderr
    assert "[index.readonly]" in done.stderr


def test_a_read_only_store_refuses_edits_by_name(tmp_path):
    record_run(tmp_path, RunSpec(fields={"name": "amber"}))
    run_cli(tmp_path, "ls")
    done = run_read_only(tmp_path, "tag", "amber", "+x")
    assert done.returncode == 5, done.stderr
    assert done.stderr.startswith("error: ")
    assert "read-only" in done.stderr


@pytest.mark.parametrize(
    "command",
    [
        ["ls"],
        ["show", "loud"],
        ["search", "evil"],
        ["logs", "loud"],
        ["tag", "loud"],
        ["note", "loud"],
        ["ls", "--json"],
        ["tree"],
        ["best", "--min", HOSTILE],
        ["show", "ID"],
        ["metrics", "ID"],
    ],
)
def test_no_text_of_a_run_can_control_the_terminal(hostile, command):
    (run,) = list_runs_but(hostile, "loud")
    words = [run if word == "ID" else word for word in command]
    answer = run_cli_on_terminal(hostile, *words, variables={"NO_COLOR": "1"})
    assert answer.code == 0, answer.out
    assert all(c.isprintable() or c == "\n" for c in answer.out), repr(answer.out)


@pytest.mark.parametrize("command", [["ls"], ["show", "loud"], ["search", "evil"], ["tree"]])
def test_tables_in_a_pipe_hold_no_control_characters_either(hostile, command):
    out = run_cli(hostile, *command).out
    assert all(c.isprintable() or c == "\n" for c in out)


def test_console_in_a_pipe_is_byte_for_byte_what_was_printed(hostile):
    assert run_cli(hostile, "logs", "loud").out == f"\x1b[32mok\x1b[0m {HOSTILE}\n"


def test_console_colours_survive_on_a_terminal_and_nothing_else_does(hostile):
    out = run_cli_on_terminal(hostile, "logs", "loud").out
    assert "\x1b[32mok\x1b[0m" in out
    assert "\x1b]" not in out
    assert "\x1b[2J" not in out


def test_error_messages_cannot_control_the_terminal(store):
    answer = run_cli_on_terminal(store, "show", "x\x1b[2Jy")
    assert answer.code == 3
    assert "\x1b[2J" not in answer.out


def test_a_reader_that_has_seen_enough_is_no_error(tmp_path):
    for _ in range(3):
        record_run(tmp_path, RunSpec(console="x" * 99 + "\n" * 20_000))
    name = run_cli(tmp_path, "ls", "--json").data[0]["name"]
    pipe = f'"{SCRIPT}" logs {name} | head -n 1; echo "${{PIPESTATUS[0]}}"'
    done = subprocess.run(["bash", "-c", pipe], env=cli_environment(tmp_path), capture_output=True, text=True)
    assert done.stdout == "x" * 99 + "\n0\n"
    assert done.stderr == ""


def test_interrupting_exits_with_130_and_no_traceback(store):
    process = subprocess.Popen(
        [SCRIPT, "ls", "--follow"],
        env=cli_environment(store),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout.readline().startswith("name")
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=30)
    assert process.returncode == 130
    assert "Traceback" not in err


def test_a_bug_is_told_in_a_line_with_the_place_of_its_traceback(store, tmp_path):
    # A folder's name of more bytes than the system takes is nothing that the edge knows.
    answer = run_cli(
        store, "ls", "--root", f"/{'a' * 300}", variables={"EVERBLOOM_STRICT": "0", "TMPDIR": str(tmp_path)}
    )
    assert answer.code == 1
    (line,) = answer.err.splitlines()
    assert "this is a bug in everbloom: OSError: [Errno 36] File name too long" in line
    (written,) = tmp_path.glob("everbloom-error-*.txt")
    assert str(written) in line
    assert written.read_text().startswith("Traceback")


def test_settings_are_shown_where_the_working_directory_is_gone(store):
    done = run_in_shell(store, 'cd "$(mktemp -d)" && rmdir "$PWD" && "$1" settings')
    assert (done.returncode, done.stderr) == (0, "")
    assert str(store) in done.stdout


def test_output_in_a_locale_without_unicode_is_ascii(store):
    answer = run_cli(store, "show", "amber", variables={"PYTHONIOENCODING": "ascii"})
    assert answer.code == 0
    assert answer.out.isascii()
    assert "+ finished" in answer.out


def run_in_shell(root, line):
    return subprocess.run(
        ["/bin/sh", "-c", line, "sh", str(SCRIPT)], env=cli_environment(root), capture_output=True, text=True
    )


@pytest.mark.parametrize("command", ["ls", "ls --json", "show amber", "doctor", "--help"])
@pytest.mark.parametrize(
    ("where", "says"), [(">/dev/full", "cannot be written: No space left"), (">&-", "standard output is closed")]
)
def test_an_answer_that_cannot_be_written_is_one_line_on_standard_error(store, command, where, says):
    done = run_in_shell(store, f'"$1" {command} {where}')
    assert done.returncode == 5
    (line,) = done.stderr.splitlines()
    assert says in line


def test_with_both_outputs_closed_the_exit_code_says_it(store):
    done = run_in_shell(store, '"$1" ls >&- 2>&-')
    assert (done.returncode, done.stdout, done.stderr) == (5, "", "")


def test_an_answer_is_given_where_only_standard_error_is_closed(store):
    assert "amber" in run_in_shell(store, '"$1" ls 2>&-').stdout


@pytest.mark.parametrize("command", ["storage", "reindex", "doctor"])
def test_commands_about_a_whole_store_offer_no_project(store, command):
    for option in ("--project", "--namespace"):
        assert run_cli(store, command, option, "x").code == 2
        assert option not in run_cli(store, command, "--help").out


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_scripts_are_printed(store, shell):
    out = run_cli(store, "completion", shell).out
    assert "_EVERBLOOM_COMPLETE" in out
    assert "%(" not in out


def complete(root, *words):
    """Ask for what bash would offer behind these words."""
    line = " ".join(["everbloom", *words])
    answer = run_cli(
        root, variables={"_EVERBLOOM_COMPLETE": "bash_complete", "COMP_WORDS": line, "COMP_CWORD": str(len(words))}
    )
    assert answer.code == 0, answer.err
    return [offer.partition(",")[2] for offer in answer.lines if offer]


@pytest.fixture(scope="module")
def indexed(store):
    run_cli(store, "ls")
    return store


def test_commands_complete(indexed):
    assert complete(indexed, "com") == ["compare", "completion"]


def test_run_names_complete(indexed):
    assert complete(indexed, "show", "am") == ["amber"]
    assert complete(indexed, "compare", "amber", "am") == ["amber"]
    assert complete(indexed, "show", "zz") == []


def test_metrics_of_the_run_named_before_complete(indexed):
    assert complete(indexed, "series", "amber", "lo") == ["loss"]


def test_filter_keys_complete(indexed):
    assert "params.lr" in complete(indexed, "ls", "params.l")
    assert "name,metrics.loss" in complete(indexed, "ls", "-s", "name,metrics.lo")


def test_descending_sort_keys_complete(indexed):
    assert complete(indexed, "ls", "-s", "-cr") == ["-created"]
    assert "-metrics.loss.max" in complete(indexed, "ls", "--sort", "-metrics.loss.")


def test_projects_namespaces_experiments_and_tags_complete(tmp_path):
    fields = {"namespace": "team", "project": "digits", "experiment": 'wide "and" deep'}
    record_run(tmp_path, RunSpec(fields={"name": "amber", **fields}, tags=["baseline", "best of all"]))
    record_run(tmp_path, RunSpec(fields={"name": "birch", "project": "other"}))
    run_cli(tmp_path, "ls")
    assert complete(tmp_path, "ls", "-p", "di") == ["digits"]
    assert complete(tmp_path, "best", "--project", "di") == ["digits"]
    assert complete(tmp_path, "ls", "--namespace", "team", "-p", "") == ["digits"]
    assert complete(tmp_path, "ls", "--namespace", "t") == ["team"]
    assert complete(tmp_path, "tree", "-e", "wi") == ['wide "and" deep']
    assert complete(tmp_path, "ls", "-p", "other", "-e", "wi") == []
    assert complete(tmp_path, "tag", "amber", "+b") == ["+baseline", "+best of all"]
    assert complete(tmp_path, "tag", "amber", "--add", "base") == ["baseline"]
    assert complete(tmp_path, "tag", "am") == ["amber"]


def test_options_complete(indexed):
    assert "--everywhere" in complete(indexed, "ls", "--ev")


def test_completion_in_an_empty_place_offers_nothing_and_says_nothing(tmp_path):
    answer = run_cli(
        tmp_path / "nowhere",
        variables={"_EVERBLOOM_COMPLETE": "bash_complete", "COMP_WORDS": "everbloom show a", "COMP_CWORD": "2"},
    )
    assert (answer.code, answer.out.strip(), answer.err) == (0, "", "")
    assert list(tmp_path.iterdir()) == []


def test_a_store_that_is_a_file_is_refused_by_name(tmp_path):
    place = tmp_path / "file"
    place.write_text("not a folder")
    answer = run_cli(place, "ls")
    assert answer.code == 5
    assert f"the store {place} is a file" in answer.err


def test_a_list_without_a_match_says_how_many_archived_runs_match(tmp_path):
    for name in ("one", "two"):
        record_run(tmp_path, RunSpec(fields={"name": name, "archived": True}, metrics={"loss": [1.0]}))
    record_run(tmp_path, RunSpec(fields={"name": "three"}, metrics={"loss": [1.0]}))
    answer = run_cli(tmp_path, "ls", "name in (one, two)")
    assert "2 archived (--archived shows them)" in answer.out
