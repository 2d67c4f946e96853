"""Keep the results of every attempt, and the reasons why one is stale. Renew leases without comparing clocks."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

VIEW = """
CREATE VIEW results AS
SELECT p.study AS study, p.profile AS profile, r.label AS label, c.seed AS seed, c.trial_key AS trial,
       CASE WHEN e.attempt_id IS NOT NULL THEN 'done'
            WHEN t.state IN ('done', 'queued') THEN CASE WHEN c.stale THEN 'stale' ELSE 'queued' END
            ELSE t.state END AS state,
       CAST(h1.hits AS DOUBLE PRECISION) / NULLIF(s.queries, 0) AS top1,
       CAST(h5.hits AS DOUBLE PRECISION) / NULLIF(s.queries, 0) AS top5,
       CAST(h10.hits AS DOUBLE PRECISION) / NULLIF(s.queries, 0) AS top10,
       a.seconds AS seconds
FROM ablate_plans p
JOIN ablate_rows r ON r.plan_id = p.id AND r.kind = 'row'
JOIN ablate_cells c ON c.row_id = r.id
JOIN ablate_trials e ON e.key = c.trial_key
JOIN ablate_trainings t ON t.key = e.training_key
LEFT JOIN ablate_attempts a ON a.id = e.attempt_id
LEFT JOIN ablate_results s ON s.trial_key = e.key AND s.attempt_id = e.attempt_id AND s.split = 'test'
LEFT JOIN ablate_hits h1 ON h1.trial_key = e.key AND h1.attempt_id = e.attempt_id AND h1.split = 'test' AND h1.k = 1
LEFT JOIN ablate_hits h5 ON h5.trial_key = e.key AND h5.attempt_id = e.attempt_id AND h5.split = 'test' AND h5.k = 5
LEFT JOIN ablate_hits h10 ON h10.trial_key = e.key AND h10.attempt_id = e.attempt_id AND h10.split = 'test'
     AND h10.k = 10
"""


def upgrade() -> None:
    op.execute("DROP VIEW results")
    _trials()
    _trainings()
    op.add_column("ablate_attempts", sa.Column("resumed_at", sa.Integer, nullable=False, server_default="0"))
    op.add_column("ablate_attempts", sa.Column("step", sa.Integer))
    op.add_column("ablate_attempts", sa.Column("steps", sa.Integer))
    op.add_column("ablate_cells", sa.Column("stale", sa.Boolean, nullable=False, server_default=sa.false()))
    op.add_column("ablate_cells", sa.Column("changes", sa.JSON))
    _of_each_attempt()
    _declarations()
    op.execute(VIEW)


def _trials() -> None:
    op.add_column("ablate_trials", sa.Column("attempt_id", sa.Integer))
    op.execute(
        "UPDATE ablate_trials SET attempt_id = "
        "(SELECT max(s.attempt_id) FROM ablate_results s WHERE s.trial_key = ablate_trials.key)"
    )
    op.create_index("ablate_trials_standing", "ablate_trials", ["key", "attempt_id", "training_key"])


def _trainings() -> None:
    op.add_column("ablate_trainings", sa.Column("shape", sa.String(32)))
    op.add_column("ablate_trainings", sa.Column("process", sa.String(200)))
    op.add_column("ablate_trainings", sa.Column("beats", sa.Integer, nullable=False, server_default="0"))
    op.drop_column("ablate_trainings", "heartbeat")
    op.create_index("ablate_trainings_standing", "ablate_trainings", ["key", "state"])


def _of_each_attempt() -> None:
    """Create the tables of results and hits again with the attempt in their keys.

    No database can add a column to a primary key.
    """
    op.create_table(
        "ablate_results_new",
        sa.Column("trial_key", sa.String(32), sa.ForeignKey("ablate_trials.key"), primary_key=True),
        sa.Column("attempt_id", sa.Integer, sa.ForeignKey("ablate_attempts.id"), primary_key=True),
        sa.Column("split", sa.String(20), primary_key=True),
        sa.Column("queries", sa.Integer, nullable=False),
        sa.Column("gallery", sa.Integer),
        sa.Column("ranks", sa.LargeBinary),
    )
    op.create_table(
        "ablate_hits_new",
        sa.Column("trial_key", sa.String(32), sa.ForeignKey("ablate_trials.key"), primary_key=True),
        sa.Column("attempt_id", sa.Integer, sa.ForeignKey("ablate_attempts.id"), primary_key=True),
        sa.Column("split", sa.String(20), primary_key=True),
        sa.Column("k", sa.Integer, primary_key=True),
        sa.Column("hits", sa.Integer, nullable=False),
    )
    op.execute(
        "INSERT INTO ablate_results_new (trial_key, attempt_id, split, queries, gallery, ranks) "
        "SELECT trial_key, attempt_id, split, queries, gallery, ranks FROM ablate_results"
    )
    op.execute(
        "INSERT INTO ablate_hits_new (trial_key, attempt_id, split, k, hits) "
        "SELECT h.trial_key, e.attempt_id, h.split, h.k, h.hits "
        "FROM ablate_hits h JOIN ablate_trials e ON e.key = h.trial_key WHERE e.attempt_id IS NOT NULL"
    )
    for table in ("ablate_results", "ablate_hits"):
        op.drop_table(table)
        op.rename_table(f"{table}_new", table)


def _declarations() -> None:
    op.create_table(
        "ablate_declarations",
        sa.Column("declared", sa.String(32), primary_key=True),
        sa.Column("trial_key", sa.String(32), sa.ForeignKey("ablate_trials.key"), primary_key=True),
    )
    op.create_table(
        "ablate_acceptances",
        sa.Column("wanted_key", sa.String(32), primary_key=True),
        sa.Column("kept_key", sa.String(32), sa.ForeignKey("ablate_trials.key"), nullable=False),
        sa.Column("changes", sa.JSON, nullable=False),
        sa.Column("accepted", sa.Float, nullable=False),
    )
