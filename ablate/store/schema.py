"""The tables. Their names have a prefix so that a store can share a database with other programs."""

from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    TypeDecorator,
    UniqueConstraint,
    false,
)
from sqlalchemy.engine import Dialect

QUEUED, RUNNING, DONE, FAILED = "queued", "running", "done", "failed"
STALE = "stale"  # a further state of a row and seed: its result is older than the defaults, data or code
DIVERGED = "diverged"  # a training that ended for good without a result, as its values are not finite
PRUNED = "pruned"  # a training that a search has stopped early; it continues from there if its result is needed
LOST, ABANDONED, INTERRUPTED = "lost", "abandoned", "interrupted"
"""Further ends of an attempt: its worker died, its runner died, its runner was asked to stop."""

metadata = MetaData()


class SafeText(TypeDecorator[str]):
    """Text of any origin, like error messages. NUL and lone surrogates, which databases refuse, are escaped."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        return value and value.encode("utf-8", "backslashreplace").decode().replace("\0", "\\x00")


def _key(name: str, table: str) -> Column[str]:
    return Column(name, String(32), ForeignKey(f"ablate_{table}.key"), nullable=False)


plans = Table(
    "ablate_plans",  # the last resolved plan of each study and profile
    metadata,
    Column("id", Integer, primary_key=True),
    Column("study", String(200), nullable=False),
    Column("profile", String(200), nullable=False),
    Column("document", JSON, nullable=False),  # question, factors, alpha, ...
    Column("imported", Boolean, nullable=False),
    Column("updated", Float, nullable=False),  # seconds since the epoch, as all times here
    UniqueConstraint("study", "profile", name="ablate_plans_study_profile"),
)

rows = Table(
    "ablate_rows",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("plan_id", Integer, ForeignKey("ablate_plans.id", ondelete="CASCADE"), nullable=False),
    Column("position", Integer, nullable=False),
    Column("kind", String(20), nullable=False),  # row, or reference: printed next to the rows, compared with none
    Column("label", Text, nullable=False),
    Column("title", Text),
    Column("levels", JSON, nullable=False),  # {factor: level}
    Column("lines", JSON(none_as_null=True)),  # an imported row's `key: value` lines, as they were spelled
    UniqueConstraint("plan_id", "label", name="ablate_rows_plan_label"),
)

trainings = Table(
    "ablate_trainings",
    metadata,
    Column("key", String(32), primary_key=True),
    Column("trainer", String(200), nullable=False),
    Column("config", JSON, nullable=False),  # hashed into the key, with seed, data and code
    Column("seed", Integer, nullable=False),
    Column("shape", String(32)),  # trainings of one shape take about the same time
    Column("data", String(64)),
    Column("code", JSON, nullable=False),  # {file: hash}
    Column("state", String(20), nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("lease", String(32)),
    Column("owner", String(200)),  # host:pid of the runner that holds the lease
    Column("process", String(200)),  # that process, as `process_identity.is_gone` reads it
    Column(
        "beats", Integer, nullable=False, server_default="0"
    ),  # increases while the runner lives, so that no two clocks are compared
    Index("ablate_trainings_state", "state"),
    Index("ablate_trainings_standing", "key", "state"),  # so that counting does not read configs
)

trials = Table(
    "ablate_trials",  # an evaluation of a training
    metadata,
    Column("key", String(32), primary_key=True),
    _key("training_key", "trainings"),
    Column("evaluate", JSON, nullable=False),
    Column("attempt_id", Integer),  # the attempt with the valid result; null if there is none
    Index("ablate_trials_training", "training_key"),
    Index("ablate_trials_standing", "key", "attempt_id", "training_key"),
)

declarations = Table(
    "ablate_declarations",  # all trials of one declaration in a study file, under changing defaults, data, code
    metadata,
    Column("declared", String(32), primary_key=True),
    Column("trial_key", String(32), ForeignKey("ablate_trials.key"), primary_key=True),
)

acceptances = Table(
    "ablate_acceptances",  # stale results that a user accepted in place of running the planned trial
    metadata,
    Column("wanted_key", String(32), primary_key=True),
    _key("kept_key", "trials"),
    Column("changes", JSON, nullable=False),  # ["schedule.lr: 0.001 -> 0.002", ...]
    Column("accepted", Float, nullable=False),
)

cells = Table(
    "ablate_cells",  # the trial of each row and seed
    metadata,
    Column("row_id", Integer, ForeignKey("ablate_rows.id", ondelete="CASCADE"), primary_key=True),
    Column("seed", Integer, primary_key=True),
    _key("trial_key", "trials"),
    Column(
        "stale", Boolean, nullable=False, server_default=false()
    ),  # when planned, it had a result under older defaults, data or code
    Column("changes", JSON(none_as_null=True)),  # changes since an accepted stale result
    Index("ablate_cells_trial", "trial_key"),
)

attempts = Table(
    "ablate_attempts",  # every attempt at a training, with its end
    metadata,
    Column("id", Integer, primary_key=True),
    _key("training_key", "trainings"),
    Column("number", Integer, nullable=False),
    Column("state", String(20), nullable=False),
    Column("reason", SafeText),
    Column("traceback", SafeText),
    Column("owner", String(200), nullable=False),
    Column(
        "resumed_at", Integer, nullable=False, server_default="0"
    ),  # step of the checkpoint from which it continued; 0: from the start
    Column("step", Integer),  # the step that its runner recorded last
    Column("steps", Integer),
    Column("started", Float, nullable=False),
    Column("ended", Float),
    Column("seconds", Float),  # the trainer's own time
    Column(
        "environment", JSON(none_as_null=True)
    ),  # library versions, device, threads: recorded, not part of the identity
    Column("curve", JSON(none_as_null=True)),  # [[step, loss], ...]
    Index("ablate_attempts_training", "training_key"),
)

results = Table(
    "ablate_results",  # the splits of each result; results of earlier attempts stay next to the valid ones
    metadata,
    Column("trial_key", String(32), ForeignKey("ablate_trials.key"), primary_key=True),
    Column("attempt_id", Integer, ForeignKey("ablate_attempts.id"), primary_key=True),
    Column("split", String(20), primary_key=True),
    Column("sizes", JSON, nullable=False),  # {word: number} of what the split has, in the trainer's words
)

example_sets = Table(
    "ablate_example_sets",  # names and clusters of the examples of a measurement, each set once
    metadata,
    Column("key", String(32), primary_key=True),
    Column("ids", LargeBinary),  # see `packed_arrays.py`; null if examples have no names
    Column("clusters", LargeBinary),  # null if examples are independent
)

measurements = Table(
    "ablate_measurements",  # the value of each metric of a result
    metadata,
    Column("trial_key", String(32), ForeignKey("ablate_trials.key"), primary_key=True),
    Column("attempt_id", Integer, ForeignKey("ablate_attempts.id"), primary_key=True),
    Column("split", String(20), primary_key=True),
    Column("metric", String(200), primary_key=True),
    Column("value", Float),  # in the metric's unit; null if it is not a number
    Column("n", Integer),  # number of examples that the value is the mean over; null if it is not known
    Column("examples", LargeBinary),  # the value of each example, see `packed_arrays.py`; null if not known
    Column("example_set", String(32), ForeignKey("ablate_example_sets.key")),  # null: examples are known by position
)

artifacts = Table(
    "ablate_artifacts",  # further results that only their trainer reads, such as whole rankings
    metadata,
    Column("trial_key", String(32), ForeignKey("ablate_trials.key"), primary_key=True),
    Column("attempt_id", Integer, ForeignKey("ablate_attempts.id"), primary_key=True),
    Column("name", String(200), primary_key=True),
    Column("content", LargeBinary, nullable=False),
)

interims = Table(
    "ablate_interims",  # results on the validation split during a training, by which a search prunes
    metadata,
    Column("training_key", String(32), ForeignKey("ablate_trainings.key"), primary_key=True),
    Column("fraction", Float, primary_key=True),  # the part of the training that was done
    Column("metric", String(200), primary_key=True),
    Column("value", Float),  # null if it is not a number
    Column("n", Integer),
)

searches = Table(
    "ablate_searches",  # the search with the highest number of a study and profile continues; earlier ones are history
    metadata,
    Column("id", Integer, primary_key=True),
    Column("study", String(200), nullable=False),
    Column("profile", String(200), nullable=False),
    Column("number", Integer, nullable=False),
    Column("declared", JSON, nullable=False),  # may not change while it continues: space, sampler, metrics, ...
    Column("context", String(32), nullable=False),  # digest of the rest of every candidate: config, data, code
    Column("why", Text),  # why the search before this one does not continue
    Column("began", Float, nullable=False),
    Column("seconds", Float, nullable=False),  # working time of `ablate search`, over all its runs
    UniqueConstraint("study", "profile", "number", name="ablate_searches_number"),
)

candidates = Table(
    "ablate_candidates",  # the points that a search tries or has tried
    metadata,
    Column("search_id", Integer, ForeignKey("ablate_searches.id", ondelete="CASCADE"), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("known", Boolean, nullable=False),  # the study had run it before; it costs the search nothing
    Column("point", JSON, nullable=False),  # {dimension: value}
    _key("trial_key", "trials"),
    Column("notes", JSON, nullable=False),  # values that the sampler keeps for its next proposals
    Column("state", String(20), nullable=False),  # running, done, pruned, failed, diverged: as reported to the sampler
    Column("scores", JSON(none_as_null=True)),  # {metric: value on the validation split}
    Column("told", Integer),  # position in the order in which candidates ended
    Index("ablate_candidates_trial", "trial_key"),
)

looks = Table(
    "ablate_looks",  # each look, an interim analysis of a study; never changed afterwards
    metadata,
    Column("id", Integer, primary_key=True),
    Column("study", String(200), nullable=False),
    Column("profile", String(200), nullable=False),
    Column("family", Integer, nullable=False),  # its looks share one error rate; if trials change, a new family begins
    Column("number", Integer, nullable=False),
    Column("seeds", Integer, nullable=False),
    Column("rules", JSON, nullable=False),  # looks, alpha, delta, primary, family: declared beforehand
    Column("why", Text),  # why the family before this one ended
    Column("seen", JSON, nullable=False),  # the result of each contrast or effect
    Column("asked", JSON, nullable=False),  # {row: number of seeds that it has until the next look}
    Column("trials", JSON, nullable=False),  # {row: {levels, seeds: {seed: [trial, value or null]}}} at this look
    Column("taken", Float, nullable=False),
    UniqueConstraint("study", "profile", "family", "number", name="ablate_looks_number"),
)
