"""The description of one trainer for the rest of the tool: its function, its config, and its hooks."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, Literal, NamedTuple, Protocol, TypeVar

from ablate.extras import OptionalLibraries
from ablate.measurement import Metric
from ablate.trainers.checkpoints import Checkpoints
from ablate.trainers.limits import SplitLimits
from ablate.trainers.unread import ActsAs, UnreadIf

if TYPE_CHECKING:
    from pydantic import BaseModel

    from ablate.trainers.config import TrainerConfig
    from ablate.trainers.protocol import Trainer

ConfigT = TypeVar("ConfigT", bound="TrainerConfig")
"""The config class of a trainer."""

Config = Mapping[str, Any]
"""A config as plain values: {section: {key: value}}."""

LogLine = tuple[str, str]
"""A line of the log format: its key and its value. The key NOTE makes an indented note of the value."""

NOTE = "-"


class InputFile(NamedTuple):
    """A file that decides a result and that a config names by its path, such as initial weights."""

    section: str
    """Section of the config that holds the path."""
    field: str
    """Key of the path in the section. The key `FIELD_sha256` of the same section holds the hash of the file."""
    path: str
    """Path of the file."""
    remedy: str
    """Advice if the file cannot be read; it follows a semicolon."""

    @property
    def key(self) -> str:
        """The dotted key of the path, such as `model.pretrained`."""
        return f"{self.section}.{self.field}"


Tails = Literal["normal", "t5"]
"""The law of the shifts of runs: normal, or Student's t with 5 degrees of freedom, scaled to the same variance."""


@dataclass(frozen=True)
class TrueEffects:
    """The true values and spreads of one metric that a trainer knows of its rows, for `ablate plan --power`.

    Values, effects and SDs are in the metric's unit; on a log scale they are those of the logarithm.
    """

    base: float
    """Expected value with no effect active."""
    effects: tuple[float, ...]
    """Expected value of each row less `base`."""
    own_sd: tuple[float, ...]
    """SD of a run's own shift, for each row."""
    shared_sd: float
    """SD of the shift that all rows of one seed share."""
    tails: Tails
    """Law of the shifts."""
    examples: int | None = None
    """Examples of the test split, of a proportion or a mean."""
    discordance: float | None = None
    """Of a proportion: share of the examples on which two runs of equal rate disagree, in [0, 0.5]."""
    example_sd: float | None = None
    """Of a mean: SD of the difference that one example has between two runs of equal mean."""
    notes: Sequence[str] = ()
    """Simplifications that were made, a sentence each."""


@dataclass(frozen=True)
class CommandGroup:
    """Commands of a trainer for the command line, as `ablate NAME COMMAND`."""

    help: str
    """Help text of the group, a sentence."""
    commands: Mapping[str, Callable[..., None]] = field(default_factory=dict)
    """{command: function}; options and arguments are annotated as typer reads them."""


@dataclass(frozen=True)
class FirstStudy:
    """A first study file for data or code of a user's, as `ablate init` writes it."""

    text: str
    """The study file."""
    notes: Sequence[str] = ()
    """The guesses and their reasons, a sentence each."""
    to_do: Sequence[str] = ()
    """The work that is left to the user before the study can run, a sentence each."""
    list_text: str | None = None
    """The list of the data that the study file names, if one has to be written next to it."""
    is_own_code: bool = False
    """True if trials run code of the user's."""


class TrainerEntry(Generic[ConfigT]):
    """A trainer by its name in study files. Its hooks do nothing unless a trainer overrides them.

    Every command imports the module of an entry, so that module imports nothing heavy. Hooks import it when they run.
    Hooks about many rows take configs as plain values, as validating takes time.
    """

    train: str
    """The training function as `module:function`, see `protocol.Trainer`. The code of this module and of all that it
    imports from the package is part of the identity of a trial.
    """
    shape: tuple[str, ...] = ()
    """Dotted config keys that decide how long a trial takes, by which a plan's duration is estimated. The name of a
    section means all its keys.
    """
    uses_gpus: bool = False
    """True if the trainer uses a GPU when there is one."""
    without_code: tuple[str, ...] = ()
    """Modules and packages whose code decides no result, such as that of the config: its values are in the identity."""
    data_name_key: str | None = None
    """Dotted config key that names the data set; None if the trainer has no data sets."""
    measures_listed: bool = False
    """True if its trainings can measure metrics that only a study file declares."""
    log_row: tuple[LogLine, ...] = ()
    """Lines that every row of the log format begins with."""
    libraries: OptionalLibraries | None = None
    """Libraries that its trainings import and that the package's core does not bring. A study can be planned and
    reported without them, so all other hooks must work without them.
    """
    stall_margin: float = 0.0
    """Seconds beyond `runtime.stall_seconds` after which a silent worker counts as hung: a trainer that watches its own
    process needs time to end it, and to read its results."""
    reports_on_the_way: bool = True
    """True if its trainings can give results before their end, by which a search may end them."""
    has_run_examples: bool = False
    """True if its trainings can give the value of each example without a file."""
    options: Mapping[str, Any] | None = None
    """Plain values from which another process makes the same entry; None if the registry has it."""
    title: str = ""
    """The user's script or function, of a trainer that a study file declares."""
    evaluates_apart: bool = True
    """True if the section `evaluate` of the config is read after the training only."""
    outputs_folder: str = "checkpoints"
    """The folder, next to the store, that has a folder for the files of each training."""
    counts_steps: bool = True
    """False if `reached` is a time, so that a newer state may hold no more work than the one before."""
    sources: Mapping[str, Any] = {}
    """The declared sources of the metrics, plain: other sources are another evaluation of the same training."""

    @property
    def config(self) -> type[ConfigT]:
        """The class of the trainer's config."""
        raise NotImplementedError

    @property
    def presets(self) -> Mapping[str, Config]:
        """Named values, plain, that the config of a study may start from."""
        return {}

    @property
    def unread(self) -> Sequence[UnreadIf]:
        """The config keys that nothing reads under some values of others. None are known of a trainer without a table.

        The identity of a trial leaves them out, and reports give no verdict on a factor that nothing read. So the table
        must be exact: it names a key only if no value of it can change the least bit of a result.
        """
        return ()

    @property
    def alike(self) -> Sequence[ActsAs]:
        """The config keys of which different values act alike, to the last bit, under some values of others."""
        return ()

    def load(self) -> "Trainer":
        """Import and return the training function."""
        module, _, name = self.train.partition(":")
        trainer: Trainer = getattr(import_module(module), name)
        return trainer

    def parsed(self, config: Config) -> Any:
        """Return a plain config as the training function takes it."""
        return self.config.model_validate(config, strict=False)

    def reached(self, folder: Path) -> int:
        """Return a number that grows with the newest saved state in the folder of a training; 0 if there is none."""
        return Checkpoints(folder, "").reached()

    def own_code(self) -> Mapping[str, str] | None:
        """Return {file of the user: hash} of the code that decides a result; None if that is code of this package.

        Nothing is imported or run for it. Raise AblateError with every file that is missing.
        """
        return None

    def commands(self) -> Mapping[str, CommandGroup]:
        """Return {name: commands} that the command line gets while this trainer is installed."""
        return {}

    def first_study(self, data: Path, study: str, list_path: Path) -> FirstStudy | None:
        """Return a first study of data of a user's; None if the trainer does not read such data.

        `data`: a file or a folder. `list_path`: the path of the list, if one is needed; the study file lies next to it.
        """
        return None

    def prepare_data(self, configs: Iterable[Config], warn: Callable[[str], None]) -> None:
        """Prepare the data that plain `configs` name; call `warn` with each warning.

        Every run prepares its data, so this must be quick if it was done before. Raise AblateError if it fails.
        """

    def faults(self, configs: Sequence[Config]) -> Sequence[Sequence[str]]:
        """Return, for each plain config, what keeps it from being trained or tested on its data: a sentence each.

        Plans and runs call it before anything is prepared or queued. So it must not need prepared data, it must not
        decode data, and it must import nothing heavy. Raise AblateError with every fault of the data sets themselves.
        """
        return [()] * len(configs)

    def metrics(self, configs: Sequence[Config]) -> Sequence[Metric]:
        """Return the metrics that trainings of plain configs measure; of no configs, all that the trainer knows.

        The first one is what verdicts are about if a study names no other. Costs of the training are not among them.
        """
        return ()

    def limits(self, configs: Sequence[Config]) -> Sequence[Sequence[SplitLimits]]:
        """Return, for each plain config, the limits of its test on each split; nothing for splits without known ones.

        This runs before any trial is queued, and for a plan, so it must read labels only.
        """
        return [()] * len(configs)

    def config_warnings(self, config: Config) -> Iterable[str]:
        """Return values of a plain config that are valid but hardly meant, a sentence each."""
        return ()

    def study_warnings(self, configs: Sequence[Config], searched: Sequence[str]) -> Iterable[str]:
        """Return warnings about all plain configs of a study; `searched` are the config keys that a search sets."""
        return ()

    def log_setting(self, config: Config, baseline: Mapping[str, object]) -> Sequence[LogLine]:
        """Return the lines of the log format's section `# setting` for the first row's plain config.

        `baseline` is {factor: name of its baseline level}. If there are no lines, the section names the trainer.
        """
        return ()

    def data_fingerprint(self, config: ConfigT) -> str | None:
        """Return the hash of the content of the data set, or None if the trainer has no data sets.

        It depends on the section of `data_name_key` alone.

        Raise UnpreparedDataError if the content is only known once the data are prepared, and DataError if the data
        cannot be read.
        """
        return None

    def input_files(self, config: ConfigT) -> Sequence[InputFile]:
        """Return the files that the config names and that decide its result."""
        return ()

    def true_effects(self, configs: Sequence[Config], metric: Metric) -> TrueEffects | None:
        """Return the true values of the rows' plain configs on a metric, or None if only training can show them."""
        return None


Fault = tuple[tuple[str | int, ...], str]
"""A fault of a declaration: the place below `trainer`, and the message."""


class DeclaredKind(Protocol):
    """A kind of trainers that study files declare, such as commands."""

    key_advice: str
    """How a trainer of this kind gets the value of the config key `{key}`, if results do not show it."""
    seed_advice: str
    """How it gets the seed, if results do not show it."""

    @property
    def spec(self) -> "type[BaseModel]":
        """The class of the declaration."""

    def advice(self, plain: Config) -> str:
        """Return the fault of a declaration that is written in a usual wrong way, with the right one; else nothing."""

    def key_faults(self, keys: Sequence[str]) -> "Iterable[tuple[str, str]]":
        """Return (key, fault) for each of the dotted config keys that a trainer of this kind cannot have."""

    def faults(self, spec: Any, folder: Path, config: Config) -> "Iterable[Fault]":
        """Return the faults of a valid declaration. `folder`: that of the study file; `config`: the study's, plain."""

    def entry(self, spec: Any, folder: Path, config: Config, sources: Sequence[Any]) -> TrainerEntry[Any]:
        """Return the trainer that a study file declares. `sources`: where its metrics are read from."""

    def from_options(self, options: Mapping[str, Any]) -> TrainerEntry[Any]:
        """Return the trainer whose `TrainerEntry.options` these are."""
