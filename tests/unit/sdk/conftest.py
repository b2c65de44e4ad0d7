"""Runs recorded within the test's process, with nothing captured, into a store of their own."""

import pytest

import everbloom as eb


@pytest.fixture
def store(tmp_path, monkeypatch):
    monkeypatch.setenv("EVERBLOOM_ROOT", str(tmp_path / "store"))
    monkeypatch.setenv("EVERBLOOM_CAPTURE", "none")
    monkeypatch.chdir(tmp_path)
    yield tmp_path / "store"
    while eb.current_run() is not None:
        eb.finish()


@pytest.fixture
def lenient(monkeypatch):
    """Recording as training has it: errors are told and counted, never raised."""
    monkeypatch.setenv("EVERBLOOM_STRICT", "0")
