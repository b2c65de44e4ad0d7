"""What the process that trains tells its watcher: one JSON argument and fixed file descriptors.

The two share no code but this and the spool: neither part imports the other.
"""

import msgspec
from msgspec import Struct

# The watcher's descriptors. Training writes to the control pipe when the run has ended; the alive pipe's other
# end tells training whether the watcher still lives; the process descriptor stands for training itself, so that
# its death is seen however early it comes.
CONTROL_FD = 3
ALIVE_FD = 4
PROCESS_FD = 5
FIRST_TARGET_FD = 6  # then one per spool that is to be copied, in the order of `WatchOrder.spools`
FINISHED = b"F"  # training said itself how the run ended
EXITING = b"E"  # the interpreter exits, with what code it does not know


class SpoolOrder(Struct, frozen=True):
    """One stream to record.

    Attributes:
        name: The spool file's name in the run's console folder.
        stream: `out`, `err` or `both`.
        is_copied: Whether it must be copied to the descriptor that training's output went to before.
    """

    name: str
    stream: str
    is_copied: bool


class WatchOrder(Struct, frozen=True):
    """What to watch.

    Attributes:
        root: The store.
        run: The run's id.
        pid: The process that trains.
        process_start: Its start in clock ticks since boot, so that another process of that id is not taken
            for it; 0 where unknown.
        created_us: When the run began; resources are counted in whole seconds from here.
        rank: The process's rank.
        session: Which of the run's sessions the process belongs to.
        has_resources: Whether to record resources.
        has_handle: Whether `PROCESS_FD` is a pidfd of the process; else it is opened by its id.
        spools: What it prints.
        memory_group: The folder of its control group for memory; empty where there is none. Like the next, from the
            process itself: it may be dead before its watcher can look.
        oom_kills: How often the kernel had killed for memory in that group when the run began.
        is_tidied: Whether to catch the store's index up at last, and pack what is closed.
    """

    root: str
    run: str
    pid: int
    process_start: int
    created_us: int
    rank: int = 0
    session: int = 0
    has_resources: bool = True
    has_handle: bool = False
    spools: list[SpoolOrder] = []
    memory_group: str = ""
    oom_kills: int = 0
    is_tidied: bool = False


def encode_order(order: WatchOrder) -> str:
    """Return the order as one command-line argument."""
    return msgspec.json.encode(order).decode()


def parse_order(text: str) -> WatchOrder:
    """Read an order back."""
    return msgspec.json.decode(text, type=WatchOrder)
