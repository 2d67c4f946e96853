"""Add mAP and mAP@R of every trial next to its hits. Earlier results have none."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

VIEW = """
CREATE VIEW results AS
SELECT p.study AS study, p.profile AS profile, r.label AS label, c.seed AS seed, c.trial_key AS trial,
       CASE WHEN e.attempt_id IS NOT NULL THEN 'done'
            WHEN t.state IN ('done', 'queued', 'pruned') THEN CASE WHEN c.stale THEN 'stale' ELSE 'queued' END
            ELSE t.state END AS state,
       CAST(h1.hits AS DOUBLE PRECISION) / NULLIF(s.queries, 0) AS top1,
       CAST(h5.hits AS DOUBLE PRECISION) / NULLIF(s.queries, 0) AS top5,
       CAST(h10.hits AS DOUBLE PRECISION) / NULLIF(s.queries, 0) AS top10,
       a.seconds AS seconds, m.mean AS map, mr.mean AS map_at_r
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
LEFT JOIN ablate_precisions m ON m.trial_key = e.key AND m.attempt_id = e.attempt_id AND m.split = 'test'
     AND m.metric = 'map'
LEFT JOIN ablate_precisions mr ON mr.trial_key = e.key AND mr.attempt_id = e.attempt_id AND mr.split = 'test'
     AND mr.metric = 'map_at_r'
"""


def upgrade() -> None:
    op.execute("DROP VIEW results")
    op.create_table(
        "ablate_precisions",
        sa.Column("trial_key", sa.String(32), sa.ForeignKey("ablate_trials.key"), primary_key=True),
        sa.Column("attempt_id", sa.Integer, sa.ForeignKey("ablate_attempts.id"), primary_key=True),
        sa.Column("split", sa.String(20), primary_key=True),
        sa.Column("metric", sa.String(20), primary_key=True),
        sa.Column("mean", sa.Float, nullable=False),
        sa.Column("of_queries", sa.LargeBinary, nullable=False),
    )
    op.execute(VIEW)
