"""Who may ask: not another user of the machine, not another site in the browser, not a name that was rebound."""

import os
import stat

import pytest

from everbloom.api.security import HEADERS, derive_cookie, ensure_token, loopback_hosts
from everbloom.core.errors import Unavailable
from everbloom.core.records import ExceptionInfo, Note
from everbloom.testing.served import HOST, TOKEN, open_client
from everbloom.testing.stores import RunSpec, record_run

SCRIPT = "<script>alert(1)</script>"


@pytest.fixture
def stranger(tmp_path):
    with open_client(tmp_path / "store", is_let_in=False) as client:
        yield client


@pytest.fixture
def client(tmp_path):
    with open_client(tmp_path / "store") as opened:
        yield opened


# ── other users of the machine ────────────────────────────────────────────────────────────────────────────────────


def test_the_token_is_for_its_owners_eyes_alone_and_long_enough(tmp_path):
    token = ensure_token(tmp_path)
    assert len(bytes.fromhex(token)) == 32
    assert stat.S_IMODE((tmp_path / "ui.token").stat().st_mode) == 0o600
    assert ensure_token(tmp_path) == token
    assert [path.name for path in tmp_path.iterdir()] == ["ui.token"]


@pytest.mark.parametrize("mode", [0o644, 0o660, 0o604])
def test_a_token_that_others_could_read_or_write_is_replaced(tmp_path, mode):
    token = ensure_token(tmp_path)
    (tmp_path / "ui.token").chmod(mode)
    assert ensure_token(tmp_path) != token
    assert stat.S_IMODE((tmp_path / "ui.token").stat().st_mode) == 0o600


def test_a_token_file_that_is_a_link_or_holds_something_else_is_replaced(tmp_path):
    (tmp_path / "elsewhere").write_text("a" * 64)
    (tmp_path / "elsewhere").chmod(0o600)
    (tmp_path / "ui.token").symlink_to(tmp_path / "elsewhere")
    token = ensure_token(tmp_path)
    assert token != "a" * 64
    assert not (tmp_path / "ui.token").is_symlink()
    (tmp_path / "ui.token").write_text("short")
    assert len(ensure_token(tmp_path)) == 64


def test_a_store_that_cannot_be_written_says_so(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(Unavailable, match="token file"):
        ensure_token(tmp_path / "file" / "store")


@pytest.mark.parametrize("path", ["/api/v1/runs", "/api/v1/session", "/api/v1/events", "/api/none", "/api"])
def test_nothing_of_the_api_answers_without_the_cookie(stranger, path):
    answer = stranger.get(path)
    assert (answer.status_code, answer.json()["error"]["code"]) == (401, "auth.missing")


@pytest.mark.parametrize(
    "path", ["/", "/r/0123", "/assets/index.js", "/index.html", "/login", "/login?token=", "/login?token=x"]
)
def test_pages_without_the_cookie_say_how_to_get_in_and_nothing_else(stranger, path):
    answer = stranger.get(path)
    assert answer.status_code == 401
    assert "everbloom ui" in answer.text
    assert "set-cookie" not in answer.headers


def test_a_wrong_cookie_is_as_good_as_none(stranger):
    name, value = derive_cookie(TOKEN)
    for given in ("", value[:-1], value.upper(), TOKEN):
        assert stranger.get("/api/v1/session", headers={"cookie": f"{name}={given}"}).status_code == 401
    assert stranger.get("/api/v1/session", headers={"cookie": f"odd=\x7f{{; {name}={value}; x"}).status_code == 200


def test_the_link_gives_a_cookie_that_scripts_and_other_sites_cannot_use(stranger):
    answer = stranger.get(f"/login?token={TOKEN}", follow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    cookie = answer.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    assert TOKEN not in cookie
    assert stranger.get("/api/v1/session").status_code == 200


@pytest.mark.parametrize(
    ("wanted", "place"),
    [
        ("/local/news/runs?f=a%3D1", "/local/news/runs?f=a%3D1"),
        ("//evil.example/x", "/"),
        ("https://evil.example", "/"),
        ("/\\evil.example", "/"),
        ("evil", "/"),
        ("/a\r\nset-cookie: x=1", "/a%0D%0Aset-cookie:%20x=1"),
    ],
)
def test_the_link_leads_to_this_server_alone(stranger, wanted, place):
    answer = stranger.get("/login", params={"token": TOKEN, "next": wanted}, follow_redirects=False)
    assert answer.headers["location"] == place


# ── other sites in the browser ────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "evil.example:4870",
        "127.0.0.1",
        "127.0.0.1:9999",
        "localhost.evil.example:4870",
        "",
        "0.0.0.0:4870",
    ],
)
def test_a_name_that_was_rebound_to_this_address_is_refused(client, host):
    answer = client.get("/api/v1/session", headers={"host": host})
    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "auth.host")
    assert client.get("/", headers={"host": host}).status_code == 403
    assert client.get(f"/login?token={TOKEN}", headers={"host": host}).status_code == 403


@pytest.mark.parametrize(
    "origin",
    ["http://evil.example", "null", "http://127.0.0.1:9999", "https://127.0.0.1:4870", "http://localhost:4870"],
)
@pytest.mark.parametrize("method", ["GET", "POST", "PATCH", "PUT", "DELETE"])
def test_what_another_sites_page_asks_for_is_refused(client, origin, method):
    answer = client.request(method, "/api/v1/runs/bulk", headers={"origin": origin}, json={"edits": []})
    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "auth.origin")


def test_this_servers_own_pages_may_ask(client):
    answer = client.post("/api/v1/compare", headers={"origin": f"http://{HOST}"}, json={"runs": []})
    assert answer.status_code == 200


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_a_page_of_another_port_or_site_cannot_load_from_here(client, site):
    headers = {"sec-fetch-site": site, "sec-fetch-mode": "no-cors"}
    assert client.get("/api/v1/runs", headers=headers).status_code == 403
    link = {"sec-fetch-site": site, "sec-fetch-mode": "navigate"}
    assert client.get("/", headers=link).status_code == 200


def test_no_answer_allows_another_origin_to_read_it(client):
    for path in ("/", "/api/v1/runs", "/api/none"):
        answer = client.get(path, headers={"origin": f"http://{HOST}"})
        assert not [name for name in answer.headers if name.startswith("access-control-")]


def test_a_browser_on_this_machine_may_use_any_of_its_names():
    assert {"127.0.0.1:4870", "localhost:4870", "[::1]:4870"} == loopback_hosts(4870)
    assert "localhost" in loopback_hosts(80)


# ── what browsers are told ────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("path", ["/", "/api/v1/runs", "/api/none", "/assets/none.js", "/login?token=x"])
def test_every_answer_carries_the_security_headers(client, path):
    answer = client.get(path)
    assert {name: answer.headers.get(name) for name in HEADERS} == HEADERS


def test_the_policy_allows_no_script_but_the_apps_own_files():
    policy = dict(part.strip().split(" ", 1) for part in HEADERS["content-security-policy"].split(";"))
    assert policy["default-src"] == policy["script-src"] == policy["style-src"] == "'self'"
    assert policy["object-src"] == policy["base-uri"] == policy["frame-ancestors"] == "'none'"


def test_markup_in_what_runs_say_is_answered_as_data(tmp_path, client):
    run = record_run(
        tmp_path / "store",
        RunSpec(
            fields={"name": SCRIPT, "project": SCRIPT, "why": SCRIPT},
            params={SCRIPT: SCRIPT},
            tags=[SCRIPT],
            console=f"{SCRIPT}\n",
            end="failed",
            exception=ExceptionInfo(type="E", message=SCRIPT, traceback=SCRIPT),
            records=[Note(text=SCRIPT)],
        ),
    )
    paths = ["/projects", "/runs", "/runs/columns", f"/runs/{run}", f"/runs/{run}/console", "/search?q=script"]
    paths += [f"/compare?runs={run}", f"/runs/{run}/console/search?q=script", f"/complete?text={SCRIPT}"]
    for path in paths:
        answer = client.get(f"/api/v1{path}")
        assert answer.status_code == 200, path
        assert answer.headers["content-type"] == "application/json", path
        assert answer.headers["x-content-type-options"] == "nosniff"
    log = client.get(f"/api/v1/runs/{run}/console/download")
    assert log.headers["content-type"] == "text/plain; charset=utf-8"
    assert log.headers["content-disposition"].startswith("attachment")


def test_markup_in_an_address_is_answered_as_data(client):
    for path in (f"/api/{SCRIPT}", f"/api/v1/runs/{SCRIPT}", f"/api/v1/runs?f={SCRIPT}", f"/api/v1/views/{SCRIPT}"):
        answer = client.delete(path) if "views" in path else client.get(path)
        assert answer.status_code in (400, 404)
        assert answer.headers["content-type"] == "application/json"


def test_the_token_belongs_to_whoever_runs_the_server(tmp_path):
    ensure_token(tmp_path)
    assert (tmp_path / "ui.token").stat().st_uid == os.getuid()
