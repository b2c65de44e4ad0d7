"""`everbloom ui` as a process: its link, its token file, live events from a training script, and how it ends."""

import json
import signal
import socket
import stat
import subprocess
import sys
from contextlib import contextmanager

import httpx
import pytest

from everbloom.testing.recorded import run_script, script_environment, wait_until


@contextmanager
def running_ui(root, *options):
    """Yield the address, a client that opened the link, and the process."""
    command = [sys.executable, "-m", "everbloom.cli", "ui", "--no-browser", "--json", *options]
    process = subprocess.Popen(
        command, env=script_environment(root), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        line = process.stdout.readline()
        assert line, process.stderr.read()
        link = json.loads(line)["url"]
        address = link.partition("/login")[0]
        with httpx.Client(base_url=address, timeout=30, trust_env=False) as client:
            assert client.get(link).status_code == 303
            yield address, client, process
    finally:
        process.kill()
        process.communicate()


@pytest.fixture
def port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return str(probe.getsockname()[1])


def test_the_link_lets_in_and_nothing_else_does(tmp_path, port):
    root = tmp_path / "store"
    with running_ui(root, "--port", port) as (address, client, _):
        assert client.get("/api/v1/session").json()["is_local"] is True
        assert httpx.get(f"{address}/api/v1/session", trust_env=False).status_code == 401
        assert client.get("/api/v1/session", headers={"host": "evil.example"}).status_code == 403
        assert stat.S_IMODE((root / "ui.token").stat().st_mode) == 0o600


def test_a_browser_stays_in_when_the_server_is_started_again(tmp_path, port):
    root = tmp_path / "store"
    with running_ui(root, "--port", port) as (_, client, _):
        cookies = dict(client.cookies)
    with running_ui(root, "--port", port) as (address, _, _):
        assert httpx.get(f"{address}/api/v1/session", cookies=cookies, trust_env=False).status_code == 200


def test_rows_and_curves_grow_while_a_script_trains(tmp_path, port):
    root = tmp_path / "store"
    with running_ui(root, "--port", port) as (_, client, _), client.stream("GET", "/api/v1/events") as stream:
        lines = stream.iter_lines()
        assert next(line for line in lines if line.startswith("event")) == "event: hello"
        run_script(root, "import everbloom as eb\nwith eb.init(project='news') as r:\n    r.log({'loss': 0.5})")
        data = next(line for line in lines if line.startswith("data:") and "runs" in line)
        assert json.loads(data.removeprefix("data: "))["watermark"] > 0
        (row,) = wait_until(lambda: client.get("/api/v1/runs?project=news").json()["rows"], "the run's row")
        body = {"series": [{"run": row["id"], "metric": "loss"}]}
        assert client.post("/api/v1/series", json=body).content[4:].startswith(b'{"n":1')


def test_two_servers_of_one_store_do_not_fight(tmp_path):
    root = tmp_path / "store"
    with running_ui(root, "--port", "0") as (_, first, _), running_ui(root, "--port", "0") as (_, second, _):
        run_script(root, "import everbloom as eb\nwith eb.init(project='news') as r:\n    r.log({'loss': 0.5})")
        runs = [wait_until(lambda c=c: c.get("/api/v1/runs").json()["rows"], "the row") for c in (first, second)]
        run = runs[0][0]["id"]
        for number, client in enumerate((first, second, first, second)):
            edits = [{"kind": "tag", "add": [f"t{number}"]}]
            assert client.patch(f"/api/v1/runs/{run}", json={"edits": edits}).status_code == 200
        for client in (first, second):
            assert client.get(f"/api/v1/runs/{run}").json()["row"]["tags"] == ["t0", "t1", "t2", "t3"]


def test_it_ends_at_once_with_a_browser_still_listening(tmp_path, port):
    with (
        running_ui(tmp_path / "store", "--port", port) as (_, client, process),
        client.stream("GET", "/api/v1/events") as stream,
    ):
        lines = stream.iter_lines()
        next(lines)
        process.send_signal(signal.SIGINT)
        rest = list(lines)
        assert process.wait(30) in (0, 130)
        assert "Traceback" not in process.stderr.read()
        assert not [line for line in rest if "error" in line]


def test_a_port_that_is_taken_is_said(tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        command = [sys.executable, "-m", "everbloom.cli", "ui", "--no-browser", "--port", port]
        answer = subprocess.run(
            command, env=script_environment(tmp_path), capture_output=True, text=True, timeout=60, check=False
        )
    assert answer.returncode == 5
    assert f"port {port} is taken" in answer.stderr
