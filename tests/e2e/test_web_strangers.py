"""Another site in the same browser, a rebound name, another user of the machine: none of them reads or writes."""

import http.server
import os
import shutil
import subprocess
import sys
import tempfile
import threading
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from everbloom.testing.browser import open_web_app
from everbloom.testing.recorded import list_runs, run_script

pytestmark = pytest.mark.browser

OTHER_SITE = "evil.example"  # resolves to this machine, see conftest.py
SECRET = "the-secret-run"

_TRAIN = f"""
    import everbloom as eb
    with eb.init(project="private", name={SECRET!r}, tags=["mine"]) as run:
        run.log({{"loss": 1.0}})
"""


class _Site(http.server.BaseHTTPRequestHandler):
    """Another site: an empty page, whatever is asked for."""

    def do_GET(self):
        self.send_response(200)
        self.send_header("content-type", "text/html")
        self.end_headers()
        self.wfile.write(b"<!doctype html><title>another site</title><body>another site</body>")

    def log_message(self, *_):
        pass


@pytest.fixture(scope="module")
def other_port():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Site)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server.server_address[1]
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(scope="module")
def store():
    # Not below pytest's folder, which no other user may enter: here the token's own mode must do.
    folder = Path(tempfile.mkdtemp(prefix="everbloom-strangers-"))
    folder.chmod(0o755)
    ended = run_script(folder / "store", _TRAIN)
    assert ended.returncode == 0, ended.stderr
    yield folder / "store"
    shutil.rmtree(folder)


@pytest.fixture(scope="module")
def link(store):
    with open_web_app(store) as address:
        yield address


@pytest.fixture(scope="module")
def server(link):
    return link.partition("/login")[0]


@pytest.fixture(params=[OTHER_SITE, "127.0.0.1"], ids=["another site", "another port"])
def other_page(browser, link, other_port, request):
    """A page of somebody else's, in a browser that has been let in: its cookie is there to be abused."""
    mine = browser.open(link, "/local/private/runs")
    mine.role("link", SECRET).wait()
    other = browser.open(f"http://{request.param}:{other_port}/", "/", beside=mine)
    other.text("another site").wait()
    yield other
    mine.close()


def read_back(link):
    with httpx.Client(trust_env=False, follow_redirects=True) as client:
        client.get(link)
        server = link.partition("/login")[0]
        (row,) = client.get(f"{server}/api/v1/runs", params={"project": "private"}).json()["rows"]
        views = client.get(f"{server}/api/v1/views", params={"namespace": "local", "project": "private"})
        return row["tags"], row["likes"], row["is_archived"], row["note"], views.text


def test_another_sites_script_reads_nothing(other_page, server):
    asked = f"""(async () => {{
        const said = [];
        for (const path of ['/api/v1/runs', '/api/v1/session', '/api/v1/events', '/', '/local/private/runs']) {{
            for (const mode of ['cors', 'no-cors']) {{
                try {{
                    const answer = await fetch({server!r} + path, {{mode, credentials: 'include'}});
                    said.push(answer.type + ' ' + (await answer.text()).length);
                }} catch (error) {{
                    said.push('refused');
                }}
            }}
        }}
        return said;
    }})()"""
    before = len(other_page.requests())
    assert set(other_page.evaluate(asked)) <= {"refused", "opaque 0"}
    sent = other_page.requests(server, after=before)
    assert sent
    assert {one.status for one in sent} <= {0, 401, 403}


def test_another_sites_script_cannot_load_script_picture_or_stream(other_page, server, store):
    (run,) = list_runs(store)
    asked = f"""(async () => {{
        const load = (name, attributes) => new Promise((done) => {{
            const node = Object.assign(document.createElement(name), attributes);
            node.onload = () => done(name + ' loaded');
            node.onerror = () => done(name + ' refused');
            document.body.append(node);
        }});
        const stream = new Promise((done) => {{
            const source = new EventSource({server!r} + '/api/v1/events', {{withCredentials: true}});
            source.onopen = () => done('stream opened');
            source.onerror = () => {{ source.close(); done('stream refused'); }};
        }});
        const socket = new Promise((done) => {{
            const opened = new WebSocket({server!r}.replace('http', 'ws') + '/api/v1/events');
            opened.onopen = () => done('socket opened');
            opened.onerror = () => done('socket refused');
        }});
        return Promise.all([load('script', {{src: {server!r} + '/api/v1/runs'}}),
                            load('img', {{src: {server!r} + '/api/v1/runs/{run}'}}), stream, socket]);
    }})()"""
    assert other_page.evaluate(asked) == ["script refused", "img refused", "stream refused", "socket refused"]


def test_another_sites_forms_and_scripts_write_nothing(other_page, server, store, link):
    (run,) = list_runs(store)
    before = read_back(link)
    edit = f'{{"ids": ["{run}"], "edits": [{{"kind": "like", "on": true}}, {{"kind": "tag", "add": ["stolen"]}}]}}'
    asked = f"""(async () => {{
        const said = [];
        for (const [method, path, body] of [
            ['POST', '/api/v1/runs/bulk', {edit!r}],
            ['PATCH', '/api/v1/runs/{run}', {edit!r}],
            ['PUT', '/api/v1/views/stolen', '{{}}'],
            ['DELETE', '/api/v1/views/stolen', null],
        ]) {{
            for (const type of ['text/plain', 'application/json']) {{
                for (const mode of ['cors', 'no-cors']) {{
                    const options = {{method, mode, body, headers: {{'content-type': type}}, credentials: 'include'}};
                    try {{
                        said.push((await fetch({server!r} + path, options)).type);
                    }} catch (error) {{
                        said.push('refused');
                    }}
                }}
            }}
        }}
        for (const enctype of ['text/plain', 'application/x-www-form-urlencoded']) {{
            const action = {server!r} + '/api/v1/runs/bulk';
            const form = Object.assign(document.createElement('form'), {{method: 'post', enctype, action}});
            form.target = 'for ' + enctype;
            form.append(Object.assign(document.createElement('input'), {{name: {edit!r}}}));
            const frame = Object.assign(document.createElement('iframe'), {{name: form.target}});
            document.body.append(frame, form);
            await new Promise((done) => {{ frame.onload = done; form.submit(); }});
        }}
        return said;
    }})()"""
    asked_before = len(other_page.requests())
    assert set(other_page.evaluate(asked)) <= {"refused", "opaque"}
    other_page.settle()
    sent = [one for one in other_page.requests(server, after=asked_before) if one.method != "OPTIONS"]
    assert any(one.method == "POST" for one in sent)
    assert {one.status for one in sent} <= {0, 401, 403}
    assert read_back(link) == before


def test_a_link_on_another_sites_page_opens_for_whom_was_let_in(other_page, server):
    other_page.evaluate(
        f"""document.body.append(Object.assign(document.createElement('a'),
            {{href: '{server}/local/private/runs', innerText: 'the runs'}}))"""
    )
    other_page.role("link", "the runs").click()
    other_page.role("grid").role("link", SECRET).wait()


def test_another_sites_page_cannot_frame_ours(other_page, server):
    other_page.evaluate(
        f"document.body.append(Object.assign(document.createElement('iframe'), {{src: '{server}/', id: 'ours'}}))"
    )
    other_page.settle()
    # A frame that was refused holds the browser's own error page, whose document nobody may see.
    assert other_page.evaluate("ours.contentDocument") is None
    assert any("frame" in problem.lower() for problem in other_page.problems)


def test_a_name_that_was_rebound_to_this_machine_gets_nothing(browser, link, server):
    port = urlsplit(server).port
    tab = browser.open(f"http://{OTHER_SITE}:{port}/", "/local/private/runs")
    said = tab.css("body").read()
    assert "auth.host" in said
    assert SECRET not in said
    tab.close()


def test_another_user_of_the_machine_can_neither_read_the_token_nor_ask_without_it(store, server):
    code = f"""
import urllib.request, urllib.error
for what in ("/api/v1/runs", "/", "/local/private/runs", "/api/v1/events"):
    try:
        print(what, urllib.request.build_opener(urllib.request.ProxyHandler({{}})).open({server!r} + what).status)
    except urllib.error.HTTPError as error:
        print(what, error.code)
try:
    print("token", open({str(store / "ui.token")!r}).read())
except PermissionError:
    print("token refused")
"""
    # Only root can become somebody else; everybody else is asked what they get without the token's cookie.
    stranger = {"user": 65534, "group": 65534, "extra_groups": []} if os.getuid() == 0 else {}
    python = shutil.which("python3", path="/usr/bin:/usr/local/bin") or sys.executable
    done = subprocess.run([python, "-c", code], capture_output=True, text=True, timeout=60, cwd="/", **stranger)
    said = done.stdout.splitlines()
    assert said[:4] == ["/api/v1/runs 401", "/ 401", "/local/private/runs 401", "/api/v1/events 401"], done.stderr
    if stranger:
        assert said[4] == "token refused"
    assert (store / "ui.token").stat().st_mode & 0o077 == 0
