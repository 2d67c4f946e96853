"""The words by which files, sections and keys are understood."""


def words(text: str) -> frozenset[str]:
    """Return the words of a text."""
    return frozenset(text.split())


SETTING_SECTIONS = words(
    "config cfg conf args arguments params parameters hparams hyperparameters hyperparams hyper_parameters settings "
    "options opts flags configuration experiment_config train_config"
)
"""The names of sections that hold settings."""
RESULT_SECTIONS = words(
    "metrics metric results result scores score summary performance outcome outcomes history curves"
)
"""The names of sections that hold metrics. They do not become a part of the metrics' names."""
SPLITS = words(
    "train training val valid validation test testing dev eval evaluation holdout final best ood iid overall"
)
"""The names of sections that hold the metrics of a part of the data. They stay in the metrics' names."""
CIRCUMSTANCE_SECTIONS = words(
    "environment env system git versions version_info metadata meta host machine slurm hardware provenance"
)
"""The names of sections that hold circumstances."""
SEEDS = words("seed random_seed rng_seed manual_seed random_state seed_everything")
"""The names of keys that hold a seed, even among results."""
COUNTERS = words("epoch step global_step iteration iter timestamp _timestamp _step epochs_trained")
"""Numbers next to results which are no results."""
IDS = words("run exp experiment version v job trial id idx index task worker rank attempt ckpt epoch step")
"""The keys of parts of names that number the runs, and are no settings."""
CONFIG_FILES = words(
    "hyperparameters hyperparams configuration arguments settings options parameters hparams params config flags args "
    "opts cfg conf opt"
)
"""The words in the names of files that hold settings."""
RESULT_FILES = words(
    "evaluation results metrics performance summary scores result metric eval score stats statistics progress history "
    "report log logs"
)
"""The words in the names of files that hold results."""
NEUTRAL_FOLDERS = words("results result metrics output outputs logs eval evaluation")
"""The names of folders that belong to the run of the folder above."""
PLAIN_FOLDERS = words("runs results outputs output out exps experiments logs jobs checkpoints sweep multirun trials")
"""The names of folders that say nothing about the runs in them."""
NO_RUNS = words(
    "package package-lock tsconfig pyproject setup environment requirements dvc docker-compose tokenizer vocab "
    "tokenizer_config special_tokens_map added_tokens generation_config merges mkdocs multirun optimization_results"
)
"""The names of files of tools and models, which describe no run."""
NAME_COLUMNS = words("metric name key measure")
"""The columns of tables with a line for each metric that hold its name."""
TIME_COLUMNS = words("time date datetime timestamp created started ended")
"""The words of columns of tables that hold times."""
VALUE_COLUMNS = words("value score result mean")
"""The columns of such tables that hold its value."""


def is_seed(key: str) -> bool:
    """Return True if the last part of a dotted key is the usual name of a seed."""
    return key.rpartition(".")[2].lower() in SEEDS
