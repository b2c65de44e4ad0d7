"""Take the pictures of the README: `make screenshots` trains the demo and looks at it in the system's Chromium.

Always the same pages in the same size, so that a new picture differs by what the app shows and by nothing else. With
`--root` a store that is there is taken instead of the demo's. Left out: anything but lossless packing of the files.
"""

import argparse
import struct
import subprocess
import sys
import tempfile
import zlib
from collections.abc import Iterator
from pathlib import Path

from everbloom.core.settings import Settings
from everbloom.query.reader import Run, RunQuery, open_reader
from everbloom.testing.browser import Browser, Tab, open_browser, open_web_app
from everbloom.testing.command_line import cli_environment

IMAGES = Path(__file__).parents[1] / "docs" / "images"
SIZE = {"width": 1440, "height": 880}  # a README shows it at about half of that, so one pixel a pixel is sharp
PROJECT = "digits"
METRIC = "val/acc"
FILTER = "state = finished and params.model in (mlp, sgd)"  # those with curves worth comparing
COMPARED = 5
MOST_BYTES = 250_000
_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_KEPT = (b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND")


def main() -> int:
    """Take all pictures; returns 1 where one is too large for a README."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--root", type=Path, help="a store with the demo's projects; left out: the demo is trained")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="everbloom-screenshots-") as folder:
        root = given.root or _train_demo(Path(folder) / "store")
        return _take_all(root)


def _train_demo(root: Path) -> Path:
    command = [sys.executable, "-m", "everbloom.cli", "demo", "--root", str(root)]
    subprocess.run(command, check=True, env=cli_environment(root))
    return root


def _take_all(root: Path) -> int:
    IMAGES.mkdir(parents=True, exist_ok=True)
    is_small = True
    with open_web_app(root) as link, open_browser("--hide-scrollbars") as browser:
        for name, tab in _show_pages(browser, link, _find_best(root)):
            path = IMAGES / f"{name}.png"
            tab.save_picture(path)
            size = pack_png(path)
            is_small &= size <= MOST_BYTES
            sys.stdout.write(f"{path.relative_to(IMAGES.parents[1])}  {size / 1000:.0f} kB\n")
            tab.close()
    return 0 if is_small else 1


def _find_best(root: Path) -> list[Run]:
    with open_reader(Settings(root=root)) as reader:
        query = RunQuery(FILTER, project=PROJECT, sort=f"-metrics.{METRIC}.max", limit=COMPARED)
        return list(reader.list_runs(query).runs)


def _show_pages(browser: Browser, link: str, best: list[Run]) -> Iterator[tuple[str, Tab]]:
    ids = [run.id for run in best]
    for theme in ("light", "dark"):
        tab = _open(browser, link, f"/local/{PROJECT}/runs?sort=-metrics.{METRIC}.max", theme)
        tab.role("grid").role("link", best[0].name).wait()
        for run in best[:3]:
            tab.role("checkbox", f"Select {run.name}").click()
        yield f"runs-{theme}", _still(tab)
        tab = _open(browser, link, f"/local/{PROJECT}/compare?runs={','.join(ids)}", theme)
        tab.until("Object.keys(counts.draws).length > 1")
        yield f"compare-{theme}", _still(tab)
    tab = _open(browser, link, f"/r/{ids[0]}", "light")
    tab.matching("link", "^Curves").click()
    tab.until("Object.keys(counts.draws).length > 1")
    yield "run-light", _still(tab)


def _open(browser: Browser, link: str, path: str, theme: str) -> Tab:
    return browser.open(link, path, theme=theme, **SIZE, reducedMotion="reduce")


def _still(tab: Tab) -> Tab:
    """Wait until nothing loads, and move the pointer out of the picture."""
    tab.move(SIZE["width"] / 2, SIZE["height"] - 1)
    tab.settle(quiet_ms=600)
    return tab


def pack_png(path: Path) -> int:
    """Pack a PNG file as small as zlib can, its pixels unchanged; returns its bytes."""
    data = path.read_bytes()
    chunks = list(_iter_chunks(data))
    pixels = zlib.decompress(b"".join(body for kind, body in chunks if kind == b"IDAT"))
    packed = zlib.compress(pixels, 9)
    written = bytearray(_SIGNATURE)
    for kind, body in chunks:
        if kind == b"IEND":
            written += _to_chunk(b"IDAT", packed)
        if kind in _KEPT and kind != b"IDAT":
            written += _to_chunk(kind, body)
    path.write_bytes(written)
    return len(written)


def _iter_chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    at = len(_SIGNATURE)
    while at < len(data):
        (length,) = struct.unpack_from(">I", data, at)
        yield data[at + 4 : at + 8], data[at + 8 : at + 8 + length]
        at += 12 + length


def _to_chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


if __name__ == "__main__":
    sys.exit(main())
