"""The API's description is what the server answers, and the web app's copy of it is the present one."""

import json
from pathlib import Path

from everbloom.api.schema import write_schema

ROOT = Path(__file__).parents[2]


def test_the_web_apps_copy_of_the_schema_is_the_present_one():
    copy = (ROOT / "web" / "src" / "api" / "openapi.json").read_text("utf-8")
    assert copy == write_schema(), "run `python -m everbloom.api.schema > web/src/api/openapi.json`"


def test_the_schema_is_openapi_3_1_and_says_what_every_address_is_for():
    schema = json.loads(write_schema())
    assert schema["openapi"].startswith("3.1")
    for path, item in schema["paths"].items():
        for method, operation in item.items():
            if method in ("get", "put", "post", "patch", "delete"):
                assert operation.get("description"), (method, path)


def test_the_reference_names_every_address_and_no_other():
    text = (ROOT / "docs" / "reference" / "rest.md").read_text("utf-8")
    rows = [line.split("|")[1].strip().strip("`") for line in text.splitlines() if line.startswith("| `")]
    schema = json.loads(write_schema())
    methods = ("get", "put", "post", "patch", "delete")
    found = [
        f"{method.upper()} {path.removeprefix('/api/v1')}"
        for path, item in schema["paths"].items()
        for method in item
        if method in methods
    ]
    assert sorted(rows) == sorted(found)
