"""Where things lie below a store's root: pure functions from names to paths, nothing is touched.

<root>/runs/<run>/journal/<writer>/<n>.seg   what a run recorded, one folder per writer
<root>/runs/<run>/console/<stream>           spool of what it printed, until the watcher has recorded it
<root>/runs/<run>/blobs/<sha256>             its small files and media by content, until its pack holds them
<root>/edits/<n>.seg                         later edits of runs, shared by all under a lock
<root>/active/<run>.<writer>                 journals that hold bytes nobody has indexed yet, or live writers
<root>/fed/<database>                        a database that takes the store in; taken.txt: what one took off `active/`
<root>/names/runs.txt                        `<run id> <name>` a line, so that the SDK can resolve names
<root>/packs/<2 hex>/<run>.pack              closed runs, their small files and media among them
<root>/blobs/<2 hex>/<sha256>                large files and media by content, shared by all runs
<root>/index/<schema>/{index,series}.db      derived; may be deleted
<root>/workspace.db                          what is not a run's
<root>/store-id                              32 hex digits, where a database on a server holds index and workspace
<root>/locks/<name>.lock                     locks between processes
"""

from pathlib import Path

from everbloom.core.ids import RunId, WriterId


def run_dir(root: Path, run: RunId) -> Path:
    """Return the folder of a live run."""
    return root / "runs" / run


def journal_dir(root: Path, run: RunId, writer: WriterId) -> Path:
    """Return the folder of one writer's segments."""
    return root / "runs" / run / "journal" / writer


def segment_path(journal: Path, number: int) -> Path:
    """Return the path of segment `number` (0, 1, 2 …) in a journal or the edits folder."""
    return journal / f"{number}.seg"


def spool_dir(root: Path, run: RunId) -> Path:
    """Return the folder of a run's console spool."""
    return root / "runs" / run / "console"


def run_blobs_dir(root: Path, run: RunId) -> Path:
    """Return the folder of a run's own small blobs, each named by its SHA-256 in lower-case hex."""
    return root / "runs" / run / "blobs"


def edits_dir(root: Path) -> Path:
    """Return the folder of the store's edit journal."""
    return root / "edits"


def active_dir(root: Path) -> Path:
    """Return the folder that registers journals with news."""
    return root / "active"


def active_path(root: Path, run: RunId, writer: WriterId) -> Path:
    """Return the registration of one writer."""
    return root / "active" / f"{run}.{writer}"


def fed_dir(root: Path) -> Path:
    """Return the folder that names the databases which take the store in."""
    return root / "fed"


def taken_path(root: Path) -> Path:
    """Return the list of journals that one of several databases took off `active/`."""
    return root / "fed" / "taken.txt"


def names_path(root: Path) -> Path:
    """Return the file that maps run names to ids."""
    return root / "names" / "runs.txt"


def pack_path(root: Path, run: RunId) -> Path:
    """Return the pack of a closed run."""
    return root / "packs" / run[-2:] / f"{run}.pack"


def blob_path(root: Path, sha256: str) -> Path:
    """Return the path of a blob that runs share, by its SHA-256 in lower-case hex."""
    return root / "blobs" / sha256[:2] / sha256


def index_dir(root: Path, schema: int) -> Path:
    """Return the folder of the index with that schema number."""
    return root / "index" / str(schema)


def workspace_path(root: Path) -> Path:
    """Return the workspace's SQLite file."""
    return root / "workspace.db"


def store_id_path(root: Path) -> Path:
    """Return the file that tells stores apart which one server's databases hold."""
    return root / "store-id"


def lock_path(root: Path, name: str) -> Path:
    """Return a lock file by what it guards."""
    return root / "locks" / f"{name}.lock"
