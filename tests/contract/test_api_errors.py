"""One shape for every error, on every route, whatever is wrong."""

import pytest
from litestar.routes import HTTPRoute

from everbloom.api.app import build_routes
from everbloom.api.store import Store
from everbloom.core.settings import Settings
from everbloom.testing.served import open_client
from everbloom.testing.stores import RunSpec, record_run

FILLED = {"run": "0" * 32, "ns": "local", "project": "p", "name": "n", "path": "a/b", "sha256": "0" * 64, "place": "x"}


def list_routes():
    """Return (method, address with its parameters filled in) of every route."""
    app = build_routes(Store(Settings(root="/nowhere")))
    found = []
    for route in app.routes:
        if isinstance(route, HTTPRoute):
            parts = [part if isinstance(part, str) else FILLED[part.name] for part in route.path_components]
            found += [(method, "/" + "/".join(parts)) for method in route.methods if method not in ("OPTIONS", "HEAD")]
    return sorted(found)


ROUTES = list_routes()


def check_error(answer):
    assert answer.status_code >= 400, answer.text
    assert answer.headers["content-type"] == "application/json"
    body = answer.json()
    assert set(body) == {"error"}
    assert set(body["error"]) == {"code", "message", "fields"}
    assert "." in body["error"]["code"]
    assert body["error"]["message"]
    assert "something went wrong" not in body["error"]["message"].lower()
    return body["error"]


@pytest.fixture
def client(tmp_path):
    with open_client(tmp_path / "store") as opened:
        yield opened


def test_there_are_routes_to_walk():
    assert len(ROUTES) > 25
    assert ("GET", "/api/v1/runs") in ROUTES


@pytest.mark.parametrize(("method", "path"), [route for route in ROUTES if route[1].startswith("/api/")])
def test_a_method_that_a_route_does_not_know_is_refused_in_the_one_shape(client, method, path):
    known = {other for other, place in ROUTES if place == path}
    unknown = next(m for m in ("DELETE", "PUT", "POST", "PATCH") if m not in known)
    error = check_error(client.request(unknown, path))
    assert error["code"] in ("route.method", "route.unknown")


@pytest.mark.parametrize("path", [p for m, p in ROUTES if m in ("POST", "PUT", "PATCH") and p.startswith("/api/")])
@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b'"x"', b'{"edits": 3, "order": {}, "runs": 1, "series": 1}', b"\xff"]
)
def test_a_body_that_cannot_be_read_is_refused_in_the_one_shape(client, path, body):
    method = next(m for m, p in ROUTES if p == path and m in ("POST", "PUT", "PATCH"))
    answer = client.request(method, path, content=body, headers={"content-type": "application/json"})
    assert check_error(answer)["code"] == "request.invalid"


@pytest.mark.parametrize(
    "path", [p for m, p in ROUTES if m == "GET" and ("0" * 32) in p and not p.endswith(("/preview", "/param"))]
)
def test_a_run_that_is_not_there_is_not_found_on_every_route(client, path):
    error = check_error(client.get(path))
    assert error["code"] == "run.unknown"


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("/api", "route.unknown"),
        ("/api/", "route.unknown"),
        ("/api/v2/runs", "route.unknown"),
        ("/api/v1", "route.unknown"),
        ("/api/v1/none/<b>", "route.unknown"),
        ("/assets/none.js", "route.unknown"),
        ("/api/v1/runs?limit=x", "request.invalid"),
        ("/api/v1/runs?limit=100000", "request.invalid"),
        ("/api/v1/runs?offset=-1", "request.invalid"),
        ("/api/v1/runs?archived=maybe", "request.invalid"),
        ("/api/v1/runs?f=a%20%3D", "filter.unknown_key"),
        ("/api/v1/runs?sort=,", "sort.syntax"),
        ("/api/v1/runs?cols=nothing.here", "sort.unknown_key"),
        ("/api/v1/runs/facets", "request.invalid"),
        ("/api/v1/runs/facets?key=a,b", "sort.unknown_key"),
        ("/api/v1/runs/facets?key=state,name", "facet.key"),
        ("/api/v1/runs/best?metrics=none", "metric.unknown"),
        ("/api/v1/runs/amber-heron", "run.unknown"),
        ("/api/v1/compare?runs=x", "run.unknown"),
    ],
)
def test_what_cannot_be_answered_says_which_rule_it_met(client, path, code):
    assert check_error(client.get(path))["code"] == code


def test_a_bug_is_answered_in_the_one_shape_and_logged(tmp_path, caplog):
    with open_client(tmp_path / "store", raises=False) as client:
        (tmp_path / "store").mkdir(exist_ok=True)
        (tmp_path / "store" / "workspace.db").mkdir()
        error = check_error(client.get("/api/v1/views"))
    assert error["code"] in ("workspace.unreachable", "server.bug")


def test_a_place_that_no_file_can_have_is_a_page_of_the_app(client):
    assert client.get("/%00").status_code == 200


def test_a_part_of_x_beyond_all_steps_holds_nothing(client, tmp_path):
    run = record_run(tmp_path / "store", RunSpec(metrics={"loss": [1.0]}))
    asked = {"axis": "step", "columns": 10, "series": [{"run": run, "metric": "loss"}]}
    for ends in ({"low": 1e30, "high": 2e30}, {"low": -2e30, "high": -1e30}):
        answer = client.post("/api/v1/series", json=asked | ends)
        assert answer.status_code == 200, answer.text
        assert b'"n":0' in answer.content
