"""Ablation studies that show what each factor changes, how sure that is, and what is confounded.

The names below are the public interface. Each is imported when it is first used, so `import ablate` is fast:

    import ablate

    summary = ablate.run_study("study.yaml", "results.db")
    analysis = ablate.analyse_study(summary.study, "results.db")
    print(ablate.render(analysis, "markdown"))
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from ablate.version import VERSION

if TYPE_CHECKING:
    from ablate.analysis.analysis import Analysis, analyse
    from ablate.analysis.reproduction.comparison import Comparison, compare
    from ablate.analysis.results import StudyResults
    from ablate.api.check import StudyCheck, check_study
    from ablate.api.export import ResultsExport, export_results
    from ablate.api.imports import ImportedResults, import_results, read_results
    from ablate.api.init import StudyStart, init_from_import, init_study
    from ablate.api.log_import import ImportedLog, import_log
    from ablate.api.plan import StudyPlan, plan_study
    from ablate.api.reset import reset_rows
    from ablate.api.results import analyse_study, draw, load_results, render
    from ablate.api.run import RunSummary, run_study
    from ablate.api.search import SearchRunSummary, search_study
    from ablate.errors import (
        AblateError,
        DataError,
        LogError,
        SourceError,
        StoreBusyError,
        StoreError,
        StoreFullError,
        StoreGoneError,
        StudyError,
    )
    from ablate.imports.source import Request
    from ablate.measurement import Direction, Interim, Kind, Measurement, Metric, Result, Scale
    from ablate.run.observer import Observer, RunOutline
    from ablate.store.database import Store, find_store, open_store
    from ablate.study.model import Study
    from ablate.study.reading.study_reader import read_study
    from ablate.trainers.protocol import Progress

__version__ = VERSION

_MODULES = {
    "ablate.analysis.analysis": ("Analysis", "analyse"),
    "ablate.analysis.reproduction.comparison": ("Comparison", "compare"),
    "ablate.analysis.results": ("StudyResults",),
    "ablate.api.check": ("StudyCheck", "check_study"),
    "ablate.api.export": ("ResultsExport", "export_results"),
    "ablate.api.imports": ("ImportedResults", "import_results", "read_results"),
    "ablate.api.init": ("StudyStart", "init_from_import", "init_study"),
    "ablate.api.log_import": ("ImportedLog", "import_log"),
    "ablate.api.plan": ("StudyPlan", "plan_study"),
    "ablate.api.reset": ("reset_rows",),
    "ablate.api.results": ("analyse_study", "draw", "load_results", "render"),
    "ablate.api.run": ("RunSummary", "run_study"),
    "ablate.api.search": ("SearchRunSummary", "search_study"),
    "ablate.errors": (
        "AblateError",
        "DataError",
        "LogError",
        "SourceError",
        "StoreBusyError",
        "StoreError",
        "StoreFullError",
        "StoreGoneError",
        "StudyError",
    ),
    "ablate.imports.source": ("Request",),
    "ablate.measurement": ("Direction", "Interim", "Kind", "Measurement", "Metric", "Result", "Scale"),
    "ablate.run.observer": ("Observer", "RunOutline"),
    "ablate.store.database": ("Store", "find_store", "open_store"),
    "ablate.study.model": ("Study",),
    "ablate.study.reading.study_reader": ("read_study",),
    "ablate.trainers.protocol": ("Progress",),
}
_MODULE_OF = {name: module for module, names in _MODULES.items() for name in names}

__all__ = [
    "AblateError",
    "Analysis",
    "Comparison",
    "DataError",
    "Direction",
    "ImportedLog",
    "ImportedResults",
    "Interim",
    "Kind",
    "LogError",
    "Measurement",
    "Metric",
    "Observer",
    "Progress",
    "Request",
    "Result",
    "ResultsExport",
    "RunOutline",
    "RunSummary",
    "Scale",
    "SearchRunSummary",
    "SourceError",
    "Store",
    "StoreBusyError",
    "StoreError",
    "StoreFullError",
    "StoreGoneError",
    "Study",
    "StudyCheck",
    "StudyError",
    "StudyPlan",
    "StudyResults",
    "StudyStart",
    "__version__",
    "analyse",
    "analyse_study",
    "check_study",
    "compare",
    "draw",
    "export_results",
    "find_store",
    "import_log",
    "import_results",
    "init_from_import",
    "init_study",
    "load_results",
    "open_store",
    "plan_study",
    "read_results",
    "read_study",
    "render",
    "reset_rows",
    "run_study",
    "search_study",
]


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used."""
    if name not in _MODULE_OF:
        raise AttributeError(f"module 'ablate' has no attribute {name!r}")
    value = getattr(import_module(_MODULE_OF[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
