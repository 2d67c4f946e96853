"""Facts about a data set's labels on which it depends whether a setting of the test can change a result."""

from collections.abc import Callable

from ablate.errors import AblateError
from ablate.retrieval.data.catalog import packed_labels
from ablate.retrieval.data.dataset import GALLERY, QUERY, SPLITS, Dataset

TESTED = ("validation", "test")

Size = tuple[int, int]


def camera_reason(name: str, root: str | None, size: Size, detections: str | None) -> str | None:
    """Return why it does not matter which cameras count: no query has a gallery image of its item and camera.

    None if it matters, or if that is not known: for detected boxes, and for data that are not packed.
    """
    return _reason(name, root, size, detections, _camera_reason)


def category_reason(name: str, root: str | None, size: Size, detections: str | None) -> str | None:
    """Return why it does not matter which categories are searched: a test has one only. None as in `camera_reason`."""
    return _reason(name, root, size, detections, _category_reason)


def _reason(
    name: str, root: str | None, size: Size, detections: str | None, of: Callable[[Dataset], str | None]
) -> str | None:
    if detections is not None:
        return None
    try:
        return of(packed_labels(name, root, (size[0], size[1])))
    except AblateError:  # the same error is raised, with its remedy, by all that need the data
        return None


def _camera_reason(dataset: Dataset) -> str | None:
    import numpy as np

    tested = dataset.split != SPLITS.index("train")
    if not np.any(dataset.camera[tested] >= 0):
        return f"the test images of {dataset.name} have no cameras"
    if any(_has_same_camera(dataset, split) for split in TESTED):
        return None
    return f"no query of {dataset.name} has a gallery image of its item by its own camera"


def _has_same_camera(dataset: Dataset, split: str) -> bool:
    """Return True if some query of the split has another image of its item and camera in the gallery."""
    import numpy as np

    here = (dataset.split == SPLITS.index(split)) & (dataset.camera >= 0)
    is_query, in_gallery = (here & (dataset.role & role > 0) for role in (QUERY, GALLERY))
    pairs = np.stack([dataset.item, dataset.camera], axis=1).astype(np.int64)
    _, group = np.unique(pairs, axis=0, return_inverse=True)
    size = int(group.max(initial=-1)) + 1
    queries, gallery, both = (
        np.bincount(group.reshape(-1)[chosen], minlength=size)
        for chosen in (is_query, in_gallery, is_query & in_gallery)
    )
    alone = (queries == 1) & (gallery == 1) & (both == 1)
    return bool(np.any((queries > 0) & (gallery > 0) & ~alone))


def _category_reason(dataset: Dataset) -> str | None:
    import numpy as np

    tested = (dataset.split != SPLITS.index("train")) & (dataset.role > 0)
    categories = np.unique(dataset.category[tested])
    if len(categories) > 1:
        return None
    return f"the test images of {dataset.name} are of one category"
