import numpy as np
import pytest
import torch
from scipy.stats import ks_2samp, spearmanr

from ablate.retrieval.config.augment import Augment, RandomErasing
from ablate.retrieval.input.augment import MEAN, STD, augment, erase, erasures, normalize, place, placements
from ablate.retrieval.model.backbone import torchvision

SIZE = (24, 16)


@pytest.fixture(scope="module")
def images() -> torch.Tensor:
    return torch.from_numpy(np.random.default_rng(0).integers(0, 256, (32, *SIZE, 3), dtype=np.uint8))


SLOTS = np.arange(32)


def by_hand(image: np.ndarray, flip: bool, top: int, left: int, pad: int) -> np.ndarray:
    mirrored = image[:, ::-1] if flip else image
    framed = np.pad(mirrored, ((pad, pad), (pad, pad), (0, 0)))
    return framed[top : top + image.shape[0], left : left + image.shape[1]]


@pytest.mark.parametrize("pad", [0, 3, 40])
def test_placing_a_batch_is_flip_then_pad_then_crop_of_each_image(images, pad):
    placement = placements(Augment(pad=pad), 0, 0, SLOTS)
    expected = [
        by_hand(image, flip, top, left, pad)
        for image, flip, top, left in zip(images.numpy(), placement.flip, placement.top, placement.left, strict=True)
    ]
    assert np.array_equal(place(images, placement, pad).numpy(), np.stack(expected))
    assert 0 < placement.flip.sum() < 32


def test_corners_cover_the_padding():
    placement = placements(Augment(pad=2), 0, 0, np.arange(2000))
    assert set(placement.top) == set(placement.left) == {0, 1, 2, 3, 4}
    assert abs(np.corrcoef(placement.top, placement.left)[0, 1]) < 0.1


def test_normalisation_is_imagenets_and_leaves_channels_last(images):
    ready = normalize(images)
    by_channel = (images[3, 5, 7].numpy() / 255 - np.array(MEAN)) / np.array(STD)
    assert ready.dtype == torch.float32
    assert ready.shape == (32, 3, *SIZE)
    assert ready.is_contiguous(memory_format=torch.channels_last)
    assert np.allclose(ready[3, :, 5, 7], by_channel, atol=1e-6)


@pytest.mark.parametrize("p", [0.3, 1.0])
def test_erasing_leaves_every_flip_and_crop_as_it_was(images, p):
    for step in range(5):
        plain = augment(images, Augment(pad=3), 1, step, SLOTS)
        erasing = RandomErasing(p=p)
        erased = augment(images, Augment(pad=3, random_erasing=erasing), 1, step, SLOTS)
        inside = torch.zeros(plain.shape, dtype=torch.bool)
        for row, (top, left, tall, wide) in enumerate(erasures(erasing, SIZE, 1, step, SLOTS)):
            inside[row, :, top : top + tall, left : left + wide] = True
        assert inside.any()
        assert torch.equal(plain[~inside], erased[~inside])
        fill = torch.tensor(MEAN).view(1, 3, 1, 1).expand(plain.shape)
        assert torch.equal(erased[inside], fill[inside])


def test_neither_flip_nor_pad_moves_the_other(images):
    both, without_flip = (placements(Augment(flip=flip, pad=3), 0, 0, SLOTS) for flip in (0.5, 0.0))
    assert np.array_equal(both.top, without_flip.top)
    assert not without_flip.flip.any()
    assert np.array_equal(both.flip, placements(Augment(pad=0), 0, 0, SLOTS).flip)


def test_a_larger_probability_erases_the_same_images_and_more():
    few, many = (erasures(RandomErasing(p=p), SIZE, 0, 0, np.arange(500)) for p in (0.3, 0.6))
    erased = few[:, 2] > 0
    assert np.array_equal(few[erased], many[erased])
    assert (many[:, 2] > 0).sum() > erased.sum()


def test_erasing_follows_its_law():
    drawn = erasures(RandomErasing(), (64, 64), 0, 0, np.arange(20_000))
    erased = drawn[:, 2] > 0
    top, left, tall, wide = drawn[erased].T
    share = tall * wide / 64**2
    assert abs(erased.mean() - 0.5) < 4 * np.sqrt(0.25 / 20_000)
    assert share.min() > 0.015
    assert share.max() < 0.42
    # Only rectangles that fit are kept, so the mean lies below that of U(.02, .4), and below 1.82 for aspects.
    assert abs(share.mean() - by_the_logs_loop()) < 0.005
    assert (top + tall).max() == 64
    assert (left + wide).max() == 64
    assert top.min() == left.min() == 0


def by_the_logs_loop() -> float:
    """Mean erased share of the log's code, tried one by one."""
    random = np.random.default_rng(1)
    shares = []
    while len(shares) < 10_000:
        area, aspect = random.uniform(0.02, 0.4) * 64**2, random.uniform(0.3, 1 / 0.3)
        tall, wide = round(np.sqrt(area * aspect)), round(np.sqrt(area / aspect))
        if tall < 64 and wide < 64:
            shares.append(tall * wide / 64**2)
    return float(np.mean(shares))


def test_what_never_fits_is_not_erased(images):
    always = RandomErasing(p=1.0, area=(1.0, 1.0), aspect=(1.0, 1.0))
    rectangles = erasures(always, SIZE, 0, 0, SLOTS)
    assert not rectangles.any()
    ready = normalize(images)
    assert torch.equal(erase(ready, rectangles, "raw_mean"), ready)


def test_augmenting_part_of_a_batch_gives_that_part(images):
    config = Augment(pad=3, random_erasing=RandomErasing())
    whole = augment(images, config, 0, 9, SLOTS)
    assert torch.equal(augment(images[5:9], config, 0, 9, SLOTS[5:9]), whole[5:9])
    assert whole.is_contiguous(memory_format=torch.channels_last)


def aspects(law, count=4000, size=(64, 64)):
    """Logarithms of height / width of what is erased."""
    erased = erasures(RandomErasing(p=1.0, aspect_law=law), size, 0, 0, np.arange(count))
    return np.log(erased[:, 2] / erased[:, 3])


def test_the_log_law_is_torchvisions():
    torch.manual_seed(0)
    image, span, bounds = torch.empty(3, 64, 64), [0.02, 0.4], [0.3, 1 / 0.3]
    erasing = torchvision().transforms.RandomErasing
    theirs = np.array([erasing.get_params(image, span, bounds)[2:4] for _ in range(4000)])
    logs = np.log(theirs[:, 0] / theirs[:, 1])
    assert ks_2samp(aspects("log"), logs).pvalue > 1e-4
    assert ks_2samp(aspects("linear"), logs).pvalue < 1e-9


def test_both_laws_are_made_of_the_same_draws():
    shared = {"area": (0.05, 0.05), "aspect": (0.5, 2.0)}  # always fits, so that the first try counts
    slots = np.arange(500)
    linear, log = (
        erasures(RandomErasing(aspect_law=law, **shared), (512, 512), 0, 0, slots) for law in ("linear", "log")
    )
    erased = linear[:, 2] > 0
    assert np.array_equal(erased, log[:, 2] > 0)
    ratios = [rows[erased, 2] / rows[erased, 3] for rows in (linear, log)]
    assert spearmanr(*ratios).statistic > 0.999
    assert (ratios[1] < ratios[0] + 0.02).all()  # the logarithm is concave, so its law has the lower ratio
    assert ratios[1].mean() < ratios[0].mean() - 0.05


def test_the_fill_is_all_that_it_changes(images):
    plain, mean, zero = (
        augment(images, Augment(pad=3, random_erasing=erasing), 1, 0, SLOTS)
        for erasing in (None, RandomErasing(p=1.0), RandomErasing(p=1.0, fill="zero"))
    )
    inside = (mean == torch.tensor(MEAN).view(1, 3, 1, 1)).all(1, keepdim=True).expand(plain.shape)
    assert inside.any()
    assert not zero[inside].any()
    assert torch.equal(zero[~inside], plain[~inside])
