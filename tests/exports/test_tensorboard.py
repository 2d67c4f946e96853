"""Results as TensorBoard's event files."""

import struct
from math import inf, isnan, nan
from pathlib import Path

import pytest

import ablate
from ablate.exports.event_records import crc32c
from ablate.exports.tensorboard import tensorboard_folder
from ablate.trainers.measuring.tensorboard_events import scalars
from tests.conftest import Ablate
from tests.support.exports.made_studies import made
from tests.support.exports.studies import UNDONE, run_study


@pytest.mark.parametrize(
    ("data", "checksum"),
    [
        (bytes(32), 0x8A9136AA),
        (b"\xff" * 32, 0x62A8AB43),
        (bytes(range(32)), 0x46DD794E),
        (bytes(reversed(range(32))), 0x113FDB5C),
        (b"123456789", 0xE3069283),
    ],
)
def test_checksums_are_those_of_rfc_3720(data: bytes, checksum: int) -> None:
    assert crc32c(data) == checksum


def read(path: Path) -> dict[str, float]:
    return {scalar.tag: scalar.value for scalar in scalars(path)}


def hyperparameters(data: bytes) -> set[bytes]:
    """Return the texts in the records of a file, which protobuf writes as they are."""
    names = [b"seed", b"augment", b"rate", b"on", b"off", b"x", b"_hparams_/session_start_info"]
    return {name for name in names if bytes([len(name)]) + name in data}


def test_each_trial_has_a_file_with_its_values(ablate: Ablate, tmp_path: Path) -> None:
    store = run_study(tmp_path)
    assert ablate("export", "--store", store, "--format", "tensorboard", "--output", "logs").code == 0
    files = sorted(Path("logs").rglob("*tfevents*"))
    assert [path.parent.relative_to("logs/exported-base").as_posix() for path in files] == [
        f"{row}/seed-{seed}" for row in ("1-baseline", "2-augment-on", "3-rate-0.001") for seed in range(3)
    ]
    frame = [line.split(",") for line in ablate("export", "--store", store).out.splitlines()]
    for path, line in zip(files, frame[1:], strict=True):
        cells = dict(zip(frame[0], line, strict=True))
        written = read(path)
        assert set(written) == {"top1", "top5", "top10", "loss", "score"}
        for name, value in written.items():
            assert struct.pack("<f", value) == struct.pack("<f", float(cells[name]))
        level = b"on" if cells["augment"] == "on" else b"off"
        assert {b"seed", b"augment", b"rate", level} <= hyperparameters(path.read_bytes())


def test_the_records_have_their_lengths_and_checksums(tmp_path: Path) -> None:
    (data,) = tensorboard_folder(made(["a"], [0.25]), tmp_path).files.values()
    count = 0
    while data:
        (length,) = struct.unpack("<Q", data[:8])
        content = data[12 : 12 + length]
        for part, checksum in ((data[:8], data[8:12]), (content, data[12 + length : 16 + length])):
            masked = struct.unpack("<I", checksum)[0]
            rotated = (masked - 0xA282EAD8) & 0xFFFFFFFF
            assert (rotated >> 17 | rotated << 15) & 0xFFFFFFFF == crc32c(part)
        data, count = data[16 + length :], count + 1
    assert count == 4, "version, hyperparameters, one scalar, end"


@pytest.mark.parametrize("value", [nan, inf, -inf, 1e300, -1e300, 1e-300, 0.1, 3.4028235e38])
def test_every_number_is_written_as_32_bits_hold_it(tmp_path: Path, value: float) -> None:
    (data,) = tensorboard_folder(made(["a"], [value]), tmp_path).files.values()
    (tmp_path / "events").write_bytes(data)
    number = read(tmp_path / "events")["acc"]
    if isnan(value):
        assert isnan(number)
    elif abs(value) == 1e300:
        assert number == (inf if value > 0 else -inf)
    else:
        assert number == pytest.approx(value, rel=1e-7, abs=1e-45)


def test_a_trial_without_a_result_has_no_values(tmp_path: Path) -> None:
    store = run_study(tmp_path, UNDONE)
    done = ablate.export_results("undone", store, format="tensorboard", output="logs")
    assert done.path == Path("logs/undone-base")
    failed = next((done.path / "2-x-b" / "seed-0").iterdir())
    assert read(failed) == {}
    assert hyperparameters(failed.read_bytes()) == {b"seed", b"x", b"_hparams_/session_start_info"}
