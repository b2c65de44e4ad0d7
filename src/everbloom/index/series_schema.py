"""The tables of the series store. A schema number lives in the database's path or schema, not in here.

A *group* is (run, writer, key set): rows logged with the same names share one axis. A *piece* is one metric
of a group. A piece's points are in chunks, cut by arrival at a fixed number of rows, and in the raw tail.
"""

CREATE = (
    "CREATE TABLE IF NOT EXISTS series_groups (id {serial}, run {text} NOT NULL, writer {text} NOT NULL, "
    "rank {int} NOT NULL, digest {blob} NOT NULL, names {blob} NOT NULL, chunks {int} NOT NULL, "
    "UNIQUE (run, writer, digest))",
    # A summary is bytes (`summary.encode_summary`): SQLite would store a NaN as NULL.
    "CREATE TABLE IF NOT EXISTS series_pieces (run {text} NOT NULL, metric {text} NOT NULL, rank {int} NOT NULL, "
    "writer {text} NOT NULL, group_id {int} NOT NULL, place {int} NOT NULL, summary {blob} NOT NULL, "
    "PRIMARY KEY (run, metric, rank, group_id))",
    "CREATE INDEX IF NOT EXISTS series_pieces_group ON series_pieces (group_id, place)",
    # Raw rows in arrival order: axis as int64 (3, rows), data as float64 (metrics, rows), little-endian.
    "CREATE TABLE IF NOT EXISTS series_tails (group_id {int} NOT NULL, seq {int} NOT NULL, rows {int} NOT NULL, "
    "axis {blob} NOT NULL, data {blob} NOT NULL, PRIMARY KEY (group_id, seq))",
    # The encoded bytes stand in series_values, of the axis under AXIS_PLACE; once they stand in the run's pack
    # they are deleted there, and their places are noted here and in series_blocks.
    "CREATE TABLE IF NOT EXISTS series_chunks (group_id {int} NOT NULL, seq {int} NOT NULL, rows {int} NOT NULL, "
    "low_step {int} NOT NULL, high_step {int} NOT NULL, low_time {int} NOT NULL, high_time {int} NOT NULL, "
    "is_time_sorted {int} NOT NULL, axis_at {int}, axis_bytes {int}, bounds {blob} NOT NULL, "
    "PRIMARY KEY (group_id, seq))",
    "CREATE TABLE IF NOT EXISTS series_blocks (group_id {int} NOT NULL, place {int} NOT NULL, seq {int} NOT NULL, "
    "data_at {int}, data_bytes {int}, summary {blob} NOT NULL, odd {blob}, levels {blob} NOT NULL, "
    "PRIMARY KEY (group_id, place, seq))",
    "CREATE TABLE IF NOT EXISTS series_values (group_id {int} NOT NULL, place {int} NOT NULL, seq {int} NOT NULL, "
    "data {blob} NOT NULL, PRIMARY KEY (group_id, place, seq))",
)

# Tables with a group_id, in the order in which a run's rows are deleted.
BY_GROUP = ("series_values", "series_blocks", "series_chunks", "series_tails", "series_pieces")

# The place in series_values of a chunk's axis; metrics have 0, 1, 2 …
AXIS_PLACE = -1
