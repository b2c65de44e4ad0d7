"""An index on a full disk says that the disk is full, whatever SQLite calls it."""

import subprocess
import sys
import textwrap

import pytest

pytestmark = pytest.mark.fault


def test_opening_an_index_on_a_full_disk_says_so(tmp_path):
    code = """
        import sys
        from pathlib import Path
        from everbloom.core.errors import Unavailable
        from everbloom.index.sqlite_engine import SqliteDatabase

        path = Path(sys.argv[1]) / "index.db"
        database = SqliteDatabase(path, read_only=False)
        database.execute("CREATE TABLE t (a INTEGER)")
        database.close()
        with open(path.parent / "ballast", "wb", buffering=0) as ballast:
            try:
                while ballast.write(bytes(4096)):
                    pass
            except OSError:
                pass
        try:
            SqliteDatabase(path, read_only=False).execute("INSERT INTO t VALUES (1)")
        except Unavailable as error:
            print(error.code, error.message)
    """
    place = tmp_path / "small"
    place.mkdir()
    inner = f'mount -t tmpfs -o size=256K none "{place}" && exec "$@"'
    own = ["unshare", "--mount", "--map-root-user", "sh", "-c", inner, "sh"]
    if subprocess.run([*own, "true"], capture_output=True, check=False).returncode:
        pytest.xfail("mounting a small file system needs the right to mount")
    done = subprocess.run(
        [*own, sys.executable, "-c", textwrap.dedent(code), str(place)], capture_output=True, text=True, check=False
    )
    assert done.stdout.startswith("disk.full "), done.stdout + done.stderr
    assert "free space" in done.stdout
