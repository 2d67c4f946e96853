"""Replace hits, ranks and precisions by measurements of any metric, with the value of each example, and artifacts.

Nothing is lost: hits become a value, its n and the examples of the ranks; ranks an artifact; precisions two means.
"""

from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa
from alembic import op

from ablate.packed_arrays import inflate, pack_examples, unpack

revision = "0005"
down_revision = "0004"

KEY = ("trial_key", "attempt_id", "split")
BATCH = 500

RESULTS = """
CREATE VIEW results AS
SELECT p.study AS study, p.profile AS profile, r.label AS label, c.seed AS seed, c.trial_key AS trial,
       CASE WHEN e.attempt_id IS NOT NULL THEN 'done'
            WHEN t.state IN ('done', 'queued', 'pruned') THEN CASE WHEN c.stale THEN 'stale' ELSE 'queued' END
            ELSE t.state END AS state,
       m1.value AS top1, m5.value AS top5, m10.value AS top10, a.seconds AS seconds, m.value AS map,
       mr.value AS map_at_r
FROM ablate_plans p
JOIN ablate_rows r ON r.plan_id = p.id AND r.kind = 'row'
JOIN ablate_cells c ON c.row_id = r.id
JOIN ablate_trials e ON e.key = c.trial_key
JOIN ablate_trainings t ON t.key = e.training_key
LEFT JOIN ablate_attempts a ON a.id = e.attempt_id
LEFT JOIN ablate_measurements m1 ON m1.trial_key = e.key AND m1.attempt_id = e.attempt_id AND m1.split = 'test'
     AND m1.metric = 'top1'
LEFT JOIN ablate_measurements m5 ON m5.trial_key = e.key AND m5.attempt_id = e.attempt_id AND m5.split = 'test'
     AND m5.metric = 'top5'
LEFT JOIN ablate_measurements m10 ON m10.trial_key = e.key AND m10.attempt_id = e.attempt_id AND m10.split = 'test'
     AND m10.metric = 'top10'
LEFT JOIN ablate_measurements m ON m.trial_key = e.key AND m.attempt_id = e.attempt_id AND m.split = 'test'
     AND m.metric = 'map'
LEFT JOIN ablate_measurements mr ON mr.trial_key = e.key AND mr.attempt_id = e.attempt_id AND mr.split = 'test'
     AND mr.metric = 'map_at_r'
"""

METRICS = """
CREATE VIEW metrics AS
SELECT p.study AS study, p.profile AS profile, r.label AS label, c.seed AS seed, c.trial_key AS trial,
       'done' AS state, m.split AS split, m.metric AS metric, m.value AS value, m.n AS n
FROM ablate_plans p
JOIN ablate_rows r ON r.plan_id = p.id AND r.kind = 'row'
JOIN ablate_cells c ON c.row_id = r.id
JOIN ablate_trials e ON e.key = c.trial_key
JOIN ablate_measurements m ON m.trial_key = e.key AND m.attempt_id = e.attempt_id
"""


def upgrade() -> None:
    connection = op.get_bind()
    op.execute("DROP VIEW results")
    _create_tables()
    _move_hits(connection)
    _move_precisions(connection)
    _move_interims()
    _move_results(connection)
    for table in ("hits", "precisions", "interims", "results"):
        op.drop_table(f"ablate_{table}")
    for table in ("interims", "results"):
        op.rename_table(f"ablate_{table}_new", f"ablate_{table}")
    op.execute(RESULTS)
    op.execute(METRICS)


def _create_tables() -> None:
    op.create_table(
        "ablate_example_sets",
        sa.Column("key", sa.String(32), primary_key=True),
        sa.Column("ids", sa.LargeBinary),
        sa.Column("clusters", sa.LargeBinary),
    )
    op.create_table(
        "ablate_measurements",
        *_of_trial(),
        sa.Column("split", sa.String(20), primary_key=True),
        sa.Column("metric", sa.String(200), primary_key=True),
        sa.Column("value", sa.Float),
        sa.Column("n", sa.Integer),
        sa.Column("examples", sa.LargeBinary),
        sa.Column("example_set", sa.String(32), sa.ForeignKey("ablate_example_sets.key")),
    )
    op.create_table(
        "ablate_artifacts",
        *_of_trial(),
        sa.Column("name", sa.String(200), primary_key=True),
        sa.Column("content", sa.LargeBinary, nullable=False),
    )
    op.create_table(
        "ablate_interims_new",
        sa.Column("training_key", sa.String(32), sa.ForeignKey("ablate_trainings.key"), primary_key=True),
        sa.Column("fraction", sa.Float, primary_key=True),
        sa.Column("metric", sa.String(200), primary_key=True),
        sa.Column("value", sa.Float),
        sa.Column("n", sa.Integer),
    )
    op.create_table(
        "ablate_results_new",
        *_of_trial(),
        sa.Column("split", sa.String(20), primary_key=True),
        sa.Column("sizes", sa.JSON, nullable=False),
    )


def _of_trial() -> tuple[sa.Column[Any], sa.Column[Any]]:
    return (
        sa.Column("trial_key", sa.String(32), sa.ForeignKey("ablate_trials.key"), primary_key=True),
        sa.Column("attempt_id", sa.Integer, sa.ForeignKey("ablate_attempts.id"), primary_key=True),
    )


def _move_hits(connection: sa.Connection) -> None:
    """Turn hits into values, and the ranks of queries into artifacts and into the examples of these values."""
    op.execute(
        "INSERT INTO ablate_measurements (trial_key, attempt_id, split, metric, value, n) "
        "SELECT h.trial_key, h.attempt_id, h.split, 'top' || h.k, "
        "CAST(h.hits AS DOUBLE PRECISION) / NULLIF(r.queries, 0), r.queries FROM ablate_hits h "
        "JOIN ablate_results r ON r.trial_key = h.trial_key AND r.attempt_id = h.attempt_id AND r.split = h.split"
    )
    hits, measurements = _table(connection, "hits"), _table(connection, "measurements")
    adding = sa.insert(_table(connection, "artifacts"))
    same = [measurements.c[name] == sa.bindparam(f"of_{name}") for name in (*KEY, "metric")]
    filling = sa.update(measurements).where(*same).values(examples=sa.bindparam("of_examples"))
    results = _table(connection, "results")
    for batch in _batches(connection, results, results.c.ranks.is_not(None)):
        artifacts, examples = [], []
        for row in batch:
            key = {name: getattr(row, name) for name in KEY}
            of_trial = {"trial_key": row.trial_key, "attempt_id": row.attempt_id}
            artifacts.append({**of_trial, "name": f"ranks/{row.split}", "content": row.ranks})
            ranks = unpack(row.ranks)
            ks = connection.execute(sa.select(hits.c.k).where(*[hits.c[name] == key[name] for name in KEY])).scalars()
            for k in ks.all():
                blob = pack_examples((ranks > 0) & (ranks <= k))
                of_metric = {f"of_{name}": value for name, value in key.items()}
                examples.append({**of_metric, "of_metric": f"top{k}", "of_examples": blob})
        connection.execute(adding, artifacts)
        if examples:
            connection.execute(filling, examples)


def _move_precisions(connection: sa.Connection) -> None:
    """Turn precisions into means over queries."""
    precisions, results = _table(connection, "precisions"), _table(connection, "results")
    adding = sa.insert(_table(connection, "measurements"))
    for batch in _batches(connection, precisions):
        rows = []
        for row in batch:
            key = {name: getattr(row, name) for name in KEY}
            of_queries = inflate(row.of_queries, "<f4")
            same = [results.c[name] == key[name] for name in KEY]
            n = connection.execute(sa.select(results.c.queries).where(*same)).scalar()
            blob = pack_examples(of_queries) if len(of_queries) else None
            rows.append({**key, "metric": row.metric, "value": row.mean, "n": n, "examples": blob})
        connection.execute(adding, rows)


def _move_interims() -> None:
    op.execute(
        "INSERT INTO ablate_interims_new (training_key, fraction, metric, value, n) "
        "SELECT training_key, part / 10.0, 'top' || k, CAST(hits AS DOUBLE PRECISION) / NULLIF(queries, 0), queries "
        "FROM ablate_interims"
    )


def _move_results(connection: sa.Connection) -> None:
    """Keep the numbers of queries and of gallery items as sizes."""
    adding = sa.insert(_table(connection, "results_new"))
    for batch in _batches(connection, _table(connection, "results")):
        rows = []
        for row in batch:
            sizes = {"queries": row.queries, "gallery": row.gallery}
            rows.append({**{name: getattr(row, name) for name in KEY}, "sizes": sizes})
        connection.execute(adding, rows)


def _table(connection: sa.Connection, name: str) -> sa.Table:
    return sa.Table(f"ablate_{name}", sa.MetaData(), autoload_with=connection)


def _batches(connection: sa.Connection, table: sa.Table, *where: Any) -> Iterator[list[Any]]:
    """Yield the rows of a table in batches, as blobs of all rows may not fit in memory."""
    columns = list(table.primary_key.columns)
    last: tuple[Any, ...] | None = None
    while True:
        query = sa.select(table).where(*where).order_by(*columns).limit(BATCH)
        if last is not None:
            query = query.where(sa.tuple_(*columns) > sa.tuple_(*last))
        batch = list(connection.execute(query))
        if not batch:
            return
        yield batch
        last = tuple(getattr(batch[-1], column.name) for column in columns)
