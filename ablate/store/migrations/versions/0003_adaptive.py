"""Add searches with their candidates, pruned trainings with their interim results, and looks."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

VIEW = """
CREATE VIEW results AS
SELECT p.study AS study, p.profile AS profile, r.label AS label, c.seed AS seed, c.trial_key AS trial,
       CASE WHEN e.attempt_id IS NOT NULL THEN 'done'
            WHEN t.state IN ('done', 'queued', 'pruned') THEN CASE WHEN c.stale THEN 'stale' ELSE 'queued' END
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
    op.create_table(
        "ablate_interims",
        sa.Column("training_key", sa.String(32), sa.ForeignKey("ablate_trainings.key"), primary_key=True),
        sa.Column("part", sa.Integer, primary_key=True),
        sa.Column("k", sa.Integer, primary_key=True),
        sa.Column("hits", sa.Integer, nullable=False),
        sa.Column("queries", sa.Integer, nullable=False),
    )
    _searches()
    _looks()
    op.execute(VIEW)


def _searches() -> None:
    op.create_table(
        "ablate_searches",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("study", sa.String(200), nullable=False),
        sa.Column("profile", sa.String(200), nullable=False),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("declared", sa.JSON, nullable=False),
        sa.Column("context", sa.String(32), nullable=False),
        sa.Column("why", sa.Text),
        sa.Column("began", sa.Float, nullable=False),
        sa.Column("seconds", sa.Float, nullable=False),
        sa.UniqueConstraint("study", "profile", "number", name="ablate_searches_number"),
    )
    op.create_table(
        "ablate_candidates",
        sa.Column("search_id", sa.Integer, sa.ForeignKey("ablate_searches.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("number", sa.Integer, primary_key=True),
        sa.Column("known", sa.Boolean, nullable=False),
        sa.Column("point", sa.JSON, nullable=False),
        sa.Column("trial_key", sa.String(32), sa.ForeignKey("ablate_trials.key"), nullable=False),
        sa.Column("notes", sa.JSON, nullable=False),
        sa.Column("state", sa.String(20), nullable=False),
        sa.Column("scores", sa.JSON),
        sa.Column("told", sa.Integer),
    )
    op.create_index("ablate_candidates_trial", "ablate_candidates", ["trial_key"])


def _looks() -> None:
    op.create_table(
        "ablate_looks",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("study", sa.String(200), nullable=False),
        sa.Column("profile", sa.String(200), nullable=False),
        sa.Column("family", sa.Integer, nullable=False),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("seeds", sa.Integer, nullable=False),
        sa.Column("rules", sa.JSON, nullable=False),
        sa.Column("why", sa.Text),
        sa.Column("seen", sa.JSON, nullable=False),
        sa.Column("asked", sa.JSON, nullable=False),
        sa.Column("trials", sa.JSON, nullable=False),
        sa.Column("taken", sa.Float, nullable=False),
        sa.UniqueConstraint("study", "profile", "family", "number", name="ablate_looks_number"),
    )
