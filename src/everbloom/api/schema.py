"""Print the API's OpenAPI document: `python -m everbloom.api.schema > web/src/api/openapi.json`.

The committed copy is what the web app's types are generated from; a test fails where it differs.
"""

import json
import sys
from pathlib import Path

from everbloom.api.app import build_routes, describe
from everbloom.api.store import Store
from everbloom.core.settings import Settings


def write_schema() -> str:
    """Return the OpenAPI document as JSON text; no store is opened."""
    document = describe(build_routes(Store(Settings(root=Path("/nowhere")))))
    document["info"]["version"] = "1"  # of the API, not of the package: a release changes nothing here
    return json.dumps(document, indent=1, ensure_ascii=False, sort_keys=True) + "\n"


if __name__ == "__main__":
    sys.stdout.write(write_schema())
