"""What a person's signal handler raises inside of `log()` is theirs and reaches training; recording goes on."""

import pytest

from everbloom.testing.recorded import read_recorded, run_script

_SCRIPT = """
    import signal, time
    import everbloom as eb

    class Late(Exception):
        pass

    class Handler:
        def __call__(self, *_):
            raise Late

        def method(self, *_):
            raise Late

    def function(*_):
        raise Late

    with eb.init(project="p") as run:
        handlers = {"function": function, "method": Handler().method, "object": Handler()}
        signal.signal(signal.SIGALRM, handlers[WAY])
        raised = step = 0
        deadline = time.monotonic() + 30
        while raised < 20 and time.monotonic() < deadline:
            try:
                signal.setitimer(signal.ITIMER_REAL, 0.001)  # once, so that none comes outside of this block
                while True:
                    run.log(VALUES, step=step)
                    step += 1
            except Late:
                raised += 1
        run.log({"after": 1.0})
        print(raised, step)
"""


@pytest.mark.fault
@pytest.mark.parametrize("strict", ["0", "1"])
@pytest.mark.parametrize("way", ["function", "method", "object"])
def test_an_exception_of_a_signal_handler_reaches_training(tmp_path, way, strict):
    script = _SCRIPT.replace("WAY", repr(way)).replace("VALUES", '{"loss": 1.0}')
    ended = run_script(tmp_path, script, variables={"EVERBLOOM_STRICT": strict})
    assert ended.returncode == 0, ended.stderr
    raised, steps = map(int, ended.stdout.split())
    assert raised == 20
    logged = [row for row in read_recorded(tmp_path).rows if "loss" in row[1]]
    assert len(logged) >= steps  # every call that returned; one that was broken off may be there too
    assert len(logged) <= steps + raised


@pytest.mark.fault
def test_an_exception_of_a_signal_handler_reaches_training_from_the_slow_way_too(tmp_path):
    script = _SCRIPT.replace("WAY", "'function'").replace("VALUES", '{"nested": {"loss": 1, "flag": True}}')
    ended = run_script(tmp_path, script, variables={"EVERBLOOM_STRICT": "0"})
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.split()[0] == "20"
    assert "everbloom:" not in ended.stderr


@pytest.mark.parametrize("value", ["True", "False", "1", "2.5"])
def test_booleans_are_recorded_as_numbers_however_they_come(tmp_path, value):
    script = f"""
        import everbloom as eb
        with eb.init(project="p") as run:
            for _ in range(3):
                run.log({{"x": {value}, "y": 0.5}})
    """
    ended = run_script(tmp_path, script)
    assert ended.returncode == 0, ended.stderr
    rows = read_recorded(tmp_path).rows
    assert [row[1]["x"] for row in rows] == [float(eval(value))] * 3
