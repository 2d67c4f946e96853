"""The first tables, and the view `results` of the contract with users."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

VIEW = """
CREATE VIEW results AS
SELECT p.study AS study, p.profile AS profile, r.label AS label, c.seed AS seed, c.trial_key AS trial,
       CASE WHEN s.queries IS NOT NULL THEN 'done'
            WHEN t.state = 'done' THEN 'queued' ELSE t.state END AS state,
       1.0 * h1.hits / NULLIF(s.queries, 0) AS top1,
       1.0 * h5.hits / NULLIF(s.queries, 0) AS top5,
       1.0 * h10.hits / NULLIF(s.queries, 0) AS top10,
       a.seconds AS seconds
FROM ablate_plans p
JOIN ablate_rows r ON r.plan_id = p.id AND r.kind = 'row'
JOIN ablate_cells c ON c.row_id = r.id
JOIN ablate_trials e ON e.key = c.trial_key
JOIN ablate_trainings t ON t.key = e.training_key
LEFT JOIN ablate_results s ON s.trial_key = e.key AND s.split = 'test'
LEFT JOIN ablate_attempts a ON a.id = s.attempt_id
LEFT JOIN ablate_hits h1 ON h1.trial_key = e.key AND h1.split = 'test' AND h1.k = 1
LEFT JOIN ablate_hits h5 ON h5.trial_key = e.key AND h5.split = 'test' AND h5.k = 5
LEFT JOIN ablate_hits h10 ON h10.trial_key = e.key AND h10.split = 'test' AND h10.k = 10
"""


def upgrade() -> None:
    op.create_table(
        "ablate_plans",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("study", sa.String(200), nullable=False),
        sa.Column("profile", sa.String(200), nullable=False),
        sa.Column("document", sa.JSON, nullable=False),
        sa.Column("imported", sa.Boolean, nullable=False),
        sa.Column("updated", sa.Float, nullable=False),
        sa.UniqueConstraint("study", "profile", name="ablate_plans_study_profile"),
    )
    op.create_table(
        "ablate_rows",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("plan_id", sa.Integer, sa.ForeignKey("ablate_plans.id", ondelete="CASCADE"), nullable=False),
        sa.Column("position", sa.Integer, nullable=False),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("label", sa.Text, nullable=False),
        sa.Column("title", sa.Text),
        sa.Column("levels", sa.JSON, nullable=False),
        sa.Column("lines", sa.JSON),
        sa.UniqueConstraint("plan_id", "label", name="ablate_rows_plan_label"),
    )
    op.create_table(
        "ablate_trainings",
        sa.Column("key", sa.String(32), primary_key=True),
        sa.Column("trainer", sa.String(200), nullable=False),
        sa.Column("config", sa.JSON, nullable=False),
        sa.Column("seed", sa.Integer, nullable=False),
        sa.Column("data", sa.String(64)),
        sa.Column("code", sa.JSON, nullable=False),
        sa.Column("state", sa.String(20), nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("lease", sa.String(32)),
        sa.Column("owner", sa.String(200)),
        sa.Column("heartbeat", sa.Float),
    )
    op.create_index("ablate_trainings_state", "ablate_trainings", ["state"])
    op.create_table(
        "ablate_trials",
        sa.Column("key", sa.String(32), primary_key=True),
        sa.Column("training_key", sa.String(32), sa.ForeignKey("ablate_trainings.key"), nullable=False),
        sa.Column("evaluate", sa.JSON, nullable=False),
    )
    op.create_index("ablate_trials_training", "ablate_trials", ["training_key"])
    op.create_table(
        "ablate_cells",
        sa.Column("row_id", sa.Integer, sa.ForeignKey("ablate_rows.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("seed", sa.Integer, primary_key=True),
        sa.Column("trial_key", sa.String(32), sa.ForeignKey("ablate_trials.key"), nullable=False),
    )
    op.create_index("ablate_cells_trial", "ablate_cells", ["trial_key"])
    op.create_table(
        "ablate_attempts",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("training_key", sa.String(32), sa.ForeignKey("ablate_trainings.key"), nullable=False),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("state", sa.String(20), nullable=False),
        sa.Column("reason", sa.Text),
        sa.Column("traceback", sa.Text),
        sa.Column("owner", sa.String(200), nullable=False),
        sa.Column("started", sa.Float, nullable=False),
        sa.Column("ended", sa.Float),
        sa.Column("seconds", sa.Float),
        sa.Column("environment", sa.JSON),
        sa.Column("curve", sa.JSON),
    )
    op.create_index("ablate_attempts_training", "ablate_attempts", ["training_key"])
    op.create_table(
        "ablate_results",
        sa.Column("trial_key", sa.String(32), sa.ForeignKey("ablate_trials.key"), primary_key=True),
        sa.Column("split", sa.String(20), primary_key=True),
        sa.Column("attempt_id", sa.Integer, sa.ForeignKey("ablate_attempts.id"), nullable=False),
        sa.Column("queries", sa.Integer, nullable=False),
        sa.Column("gallery", sa.Integer),
        sa.Column("ranks", sa.LargeBinary),
    )
    op.create_table(
        "ablate_hits",
        sa.Column("trial_key", sa.String(32), sa.ForeignKey("ablate_trials.key"), primary_key=True),
        sa.Column("split", sa.String(20), primary_key=True),
        sa.Column("k", sa.Integer, primary_key=True),
        sa.Column("hits", sa.Integer, nullable=False),
    )
    op.execute(VIEW)
