"""The views of a store of the newest revision, for people who read it with SQL."""

VIEWS = {
    "results": """
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
""",
    "metrics": """
CREATE VIEW metrics AS
SELECT p.study AS study, p.profile AS profile, r.label AS label, c.seed AS seed, c.trial_key AS trial,
       'done' AS state, m.split AS split, m.metric AS metric, m.value AS value, m.n AS n
FROM ablate_plans p
JOIN ablate_rows r ON r.plan_id = p.id AND r.kind = 'row'
JOIN ablate_cells c ON c.row_id = r.id
JOIN ablate_trials e ON e.key = c.trial_key
JOIN ablate_measurements m ON m.trial_key = e.key AND m.attempt_id = e.attempt_id
""",
}
"""{name: its statement}. Each migration has the text of its own time; that of the newest is equal to this."""
