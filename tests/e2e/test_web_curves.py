"""What is drawn is what was logged: no spike is lost, smoothing knows every point, what is no number is marked."""

import json
import random
import struct

import numpy as np
import pytest

from everbloom.testing.browser import open_web_app
from everbloom.testing.recorded import list_runs, run_script

pytestmark = pytest.mark.browser

POINTS = 1_000_000
SPIKE_AT = 654_321
NOISY = 20_000
WEIGHT = 0.9

_TRAIN = f"""
    import math, random
    import everbloom as eb
    with eb.init(project="curves", name="long") as run:
        for step in range({POINTS}):
            run.log({{"spiky": 50.0 if step == {SPIKE_AT} else (step * 7919 % 1000) / 1000}}, step=step)
    with eb.init(project="curves", name="noisy") as run:
        draw = random.Random(5)
        for step in range({NOISY}):
            run.log({{"noise": draw.random()}}, step=step)
    odd = {{10: math.nan, 20: math.nan, 30: math.inf, 40: -math.inf}}
    for name in ("odd", "even"):
        with eb.init(project="curves", name=name) as run:
            for step in range(200):
                run.log({{"loss": odd.get(step, 1.0 / (step + 1)), "nothing": math.nan}}, step=step)
                run.log({{f"extra/m{{i:02}}": step * i for i in range(30)}}, step=step)
"""


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    root = tmp_path_factory.mktemp("curves")
    ended = run_script(root, _TRAIN)
    assert ended.returncode == 0, ended.stderr
    return root


@pytest.fixture(scope="module")
def link(store):
    with open_web_app(store) as address:
        yield address


@pytest.fixture(scope="module")
def runs(store):
    return dict(zip(("long", "noisy", "odd", "even"), list_runs(store), strict=True))


@pytest.fixture
def open_page(browser, link):
    tabs = []

    def open_at(path, metric):
        tab = browser.open(link, path)
        tabs.append(tab)
        tab.until(f"counts.draws[{json.dumps(metric)}]?.base > 0")
        tab.settle()
        return tab

    yield open_at
    for tab in tabs:
        assert tab.problems == []
        tab.close()


def read_frame(tab, metric):
    """The frame that the page drew a metric from: its buckets' x and arrays."""
    asked = [one for one in tab.requests("/api/v1/series") if json.loads(one.sent)["series"][0]["metric"] == metric]
    data = tab.body(asked[-1])
    (length,) = struct.unpack("<I", data[:4])
    header = json.loads(data[4 : 4 + length])
    at = -(-(4 + length) // 8) * 8
    x = np.frombuffer(data, "<f8", header["n"], at)
    at += x.nbytes
    arrays = {}
    for name in header["series"][0]["arrays"]:
        kind = "<u4" if name in ("count", "nan", "pinf", "ninf") else "<f8"
        arrays[name] = np.frombuffer(data, kind, header["n"], at)
        at += arrays[name].nbytes
    return x, arrays


# Where along the plot's width, 0 to 1, the upper half of a chart has anything in colour: grid and words are grey.
_COLOUR_ABOVE = """(() => {
    const canvas = document.querySelector('[role=slider][aria-label*="Cursor of NAME:"] canvas:not(.overlay)');
    const { width, height } = canvas;
    const pixels = canvas.getContext('2d').getImageData(0, 0, width, Math.floor(height / 2)).data;
    const found = new Set();
    for (let at = 0; at < pixels.length; at += 4) {
        const [r, g, b] = pixels.subarray(at, at + 3);
        if (pixels[at + 3] > 8 && Math.max(r, g, b) - Math.min(r, g, b) > 60) found.add((at / 4) % width);
    }
    return { columns: [...found], width };
})()"""


def find_colour(tab, name):
    return tab.evaluate(_COLOUR_ABOVE.replace("NAME", name))


@pytest.mark.parametrize("look", ["ema=0&band=off", "ema=0.9&raw=off"], ids=["as the line", "in the band"])
def test_one_point_in_a_million_is_drawn(open_page, runs, look):
    tab = open_page(f"/compare?runs={runs['long']}&{look}", "spiky")
    found = find_colour(tab, "spiky")
    assert found["columns"]
    # The plot begins behind the words of the vertical axis, some 40 px from the left.
    places = [column / found["width"] for column in found["columns"]]
    assert max(places) - min(places) < 0.02
    assert min(places) == pytest.approx(SPIKE_AT / POINTS, abs=0.06)
    x, arrays = read_frame(tab, "spiky")
    assert arrays["max"].max() == 50.0
    assert len(x) <= 3000


def test_smoothing_goes_over_every_point_and_never_over_buckets(open_page, runs):
    draw = random.Random(5)
    values = [draw.random() for _ in range(NOISY)]
    reference, total, weight = [], 0.0, 0.0
    for value in values:
        total, weight = WEIGHT * total + value, WEIGHT * weight + 1.0
        reference.append(total / weight)
    tab = open_page(f"/compare?runs={runs['noisy']}&ema={WEIGHT}", "noise")
    x, arrays = read_frame(tab, "noise")
    assert len(x) < NOISY / 10
    ends = np.cumsum(arrays["count"], dtype=np.int64) - 1
    assert ends[-1] == NOISY - 1
    np.testing.assert_allclose(arrays["smoothed"], np.asarray(reference)[ends], rtol=1e-9)
    # What a person reads at the end is the last of these, the raw value beside it.
    slider = tab.role("slider", "Cursor of noise")
    slider.press("End")
    assert f"{reference[-1]:.4f}" in tab.css(".tooltip").read()
    assert f"{values[-1]:.4f}" in tab.css(".tooltip").read()


def test_what_is_no_number_is_marked_and_counted(open_page, runs):
    tab = open_page(f"/compare?runs={runs['odd']}&top=loss&ema=0", "loss")
    card = tab.role("region", "loss")
    assert card.text("2 NaN").count() == 1
    assert card.text("2 inf").count() == 1
    # The triangle that hangs from the upper edge at step 30, where 1 / 31 draws nothing.
    found = find_colour(tab, "loss")
    assert any(abs(column / found["width"] - 0.06 - 30 / 200) < 0.05 for column in found["columns"])
    even = open_page(f"/compare?runs={runs['even']}&top=nothing&ema=0", "nothing")
    assert even.role("region", "nothing").text("200 NaN").count() == 1


def test_pointing_at_a_chart_draws_overlays_alone_and_only_those_in_view(open_page, runs):
    tab = open_page(f"/compare?runs={runs['odd']},{runs['even']}&top=loss", "loss")
    box = tab.role("slider", "Cursor of loss").box()
    before = tab.draws()
    for place in range(20):
        tab.move(box["x"] + 60 + place * 15, box["y"] + box["height"] / 2)
    tab.until(f"counts.draws.loss.overlay > {before['loss']['overlay'] + 3}")
    after = tab.draws()
    assert {name: drawn["base"] for name, drawn in after.items()} == {n: d["base"] for n, d in before.items()}
    moved = [name for name in after if after[name]["overlay"] > before[name]["overlay"]]
    assert len(moved) > 3  # one cursor for all
    assert all(after[name]["overlay"] - before[name]["overlay"] <= 21 for name in moved)
    assert "extra/m29" not in after  # beyond the screen's edge nothing is drawn, on either canvas
    assert len(tab.requests("/api/v1/series")) == len(after)


def test_a_zoom_asks_for_the_part_at_full_detail_and_draws_each_chart_in_view_once_or_twice(open_page, runs):
    tab = open_page(f"/compare?runs={runs['long']}", "spiky")
    box = tab.role("slider", "Cursor of spiky").box()
    found = find_colour(tab, "spiky")
    middle = box["x"] + box["width"] * found["columns"][0] / found["width"]
    before = tab.draws()["spiky"]["base"]
    tab.move(middle - 12, box["y"] + 100)
    tab.mouse("down")
    tab.move(middle, box["y"] + 100)
    tab.move(middle + 12, box["y"] + 100)
    tab.mouse("up")
    tab.until("location.search.includes('zoom=')")
    tab.settle()
    asked = json.loads(tab.requests("/api/v1/series")[-1].sent)
    assert asked["low"] < SPIKE_AT < asked["high"]
    assert asked["high"] - asked["low"] < POINTS / 10
    x, arrays = read_frame(tab, "spiky")
    assert x[np.nanargmax(arrays["max"])] == pytest.approx(SPIKE_AT, abs=POINTS / 5000)
    assert tab.draws()["spiky"]["base"] - before <= 3
