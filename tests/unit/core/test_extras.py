"""What is not installed is told with the extra that brings it."""

import re
import tomllib
from pathlib import Path

import pytest

from everbloom.core.errors import Unavailable
from everbloom.core.extras import describe_missing, find_extra, import_optional

PROJECT = Path(__file__).parents[3] / "pyproject.toml"
IMPORTED_AS = {"scikit-learn": "sklearn"}


def test_each_package_of_an_extra_is_found_under_it():
    extras = tomllib.loads(PROJECT.read_text("utf-8"))["project"]["optional-dependencies"]
    for extra, needed in extras.items():
        for package in needed:
            name = re.match(r"[\w-]+", package)[0].lower()
            assert find_extra(IMPORTED_AS.get(name, name)) == extra


def test_a_look_into_a_parquet_file_says_what_to_install():
    error = describe_missing("pyarrow.parquet", purpose="A preview of a Parquet file")
    assert (error.code, error.fields["package"]) == ("package.missing", "pyarrow")
    assert "A preview of a Parquet file needs" in error.message
    assert "pip install 'everbloom[parquet]'" in error.message


def test_what_no_extra_brings_is_named_itself():
    with pytest.raises(Unavailable, match="pip install nowhere_to_be_found"):
        import_optional("nowhere_to_be_found.part", purpose="This test")
