"""The libraries that searches need, and that the package's core does not bring."""

from ablate.extras import OptionalLibraries, extra
from ablate.study.search_space.space import CMAES, GP, SearchSpec

Path = tuple[str, ...]

SEARCH = OptionalLibraries(("optuna",), extra("search"))
"""Libraries of every search."""
IMPORTANCE = OptionalLibraries(("optuna", "sklearn"), extra("search"))
"""Libraries that compute the importance of dimensions, which only reports need."""
OF_SAMPLERS = {
    CMAES: OptionalLibraries(("cmaes",), extra("search")),
    GP: OptionalLibraries(("torch",), "pip install torch"),
}
"""{sampler: libraries that Optuna imports for it}."""


def missing_for_search(search: SearchSpec) -> dict[Path, str]:
    """Return {key of the study file: which libraries it needs that are not installed}."""
    faults: dict[Path, str] = {}
    if fault := SEARCH.fault():
        faults["search",] = fault
    of_sampler = OF_SAMPLERS.get(search.sampler)
    if of_sampler and (fault := of_sampler.fault()):
        faults["search", "sampler"] = f"found {search.sampler!r}, which {fault}"
    return faults
