"""The script in a command, behind interpreters and launchers."""

import shlex
from pathlib import Path

import pytest

from ablate.trainers.project.command_script import command_script
from tests.support.project.files import write_files


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = write_files(
        tmp_path_factory.mktemp("project"),
        {
            "train.py": "",
            "run.sh": "",
            "train": "",
            "tool": "",
            "conf.yaml": "",
            "hosts": "",
            "image.sif": "",
            "pkg/__init__.py": "",
            "pkg/__main__.py": "",
            "pkg/train.py": "",
            ".venv/pyvenv.cfg": "",
            ".venv/bin/python": "",
            ".venv/bin/my-train": "",
        },
    )
    (folder / "tool").chmod(0o755)
    (folder / "image.sif").chmod(0o755)
    return folder


@pytest.mark.parametrize(
    ("command", "script", "item"),
    [
        ("python train.py --lr 0.1", "train.py", "train.py"),
        ("${python} -u train.py ${args}", "train.py", "train.py"),
        ("python3.12 -W ignore -X dev train.py", "train.py", "train.py"),
        ("/usr/bin/python train.py", "train.py", "train.py"),
        (".venv/bin/python train.py", "train.py", "train.py"),
        ("python ./train.py", "train.py", "./train.py"),
        ("python train --config conf.yaml", "train", "train"),
        ("python -u train --config conf.yaml", "train", "train"),
        ("python pkg", "pkg/__main__.py", "pkg"),
        ("torchrun --standalone --nproc-per-node 2 train.py --config conf.yaml", "train.py", "train.py"),
        ("python -m torch.distributed.run --nproc-per-node 2 train.py", "train.py", "train.py"),
        ("accelerate launch --config_file conf.yaml train.py", "train.py", "train.py"),
        ("deepspeed --hostfile hosts train.py --deepspeed conf.yaml", "train.py", "train.py"),
        ("uv run --with torch train.py", "train.py", "train.py"),
        ("uv run --env-file hosts python train.py", "train.py", "train.py"),
        ("conda run -n base python train.py", "train.py", "train.py"),
        ("srun -m block:block --gpus 1 bash run.sh --x", "run.sh", "run.sh"),
        ("srun ./tool --config x.py", "tool", "./tool"),
        ("singularity exec --nv image.sif python train.py", "train.py", "train.py"),
        ("env A=1 OMP_NUM_THREADS=2 nice -n 10 python train.py", "train.py", "train.py"),
        ("bash -eux run.sh", "run.sh", "run.sh"),
        ("./run.sh ${args}", "run.sh", "./run.sh"),
        ("./tool ${args}", "tool", "./tool"),
        ("nohup tool", "tool", "tool"),
        ("bash -lc 'python train.py'", "train.py", "python train.py"),
        ("bash -c 'cd . && python train.py --lr ${lr}'", "train.py", "cd . && python train.py --lr ${lr}"),
    ],
)
def test_the_script_is_found_behind_its_launcher(project: Path, command: str, script: str, item: str) -> None:
    items = shlex.split(command)
    assert command_script(items, project) == (Path(script), None, items.index(item))


@pytest.mark.parametrize(
    ("command", "module"),
    [
        ("python -m pkg.train --config conf.yaml", "pkg.train"),
        ("python -u -m pkg conf.yaml", "pkg"),
        ("torchrun --nproc-per-node 2 -m pkg.train", "pkg.train"),
        ("accelerate launch --module pkg.train", "pkg.train"),
        ("uv run -m pkg.train", "pkg.train"),
        ("python -m torch.distributed.run -m pkg.train", "pkg.train"),
        ("python -m somewhere.train conf.yaml", "somewhere.train"),
        ("python -m json.tool conf.yaml", "json.tool"),
    ],
)
def test_the_module_is_found_behind_its_launcher(project: Path, command: str, module: str) -> None:
    items = shlex.split(command)
    assert command_script(items, project) == (None, module, items.index(module))


@pytest.mark.parametrize(
    ("command", "index"),
    [
        ("my-train ${args}", 1),
        (".venv/bin/my-train --config conf.yaml", 1),
        ("/bin/true", 1),
        ("srun -m cyclic my-train", 1),
        ("python missing.py", 1),
        ("python ${dir}/train.py", 1),
        ("python -c 'import pkg' ${args}", 2),
        ("make -C . train-it", 1),
    ],
)
def test_a_command_may_have_no_script(project: Path, command: str, index: int) -> None:
    assert command_script(shlex.split(command), project) == (None, None, index)


def test_a_script_outside_the_folder_is_as_it_is_written(project: Path) -> None:
    (project / "studies").mkdir(exist_ok=True)
    assert command_script(["python", "../train.py"], project / "studies") == (Path("../train.py"), None, 1)
    path = str(project / "train.py")
    assert command_script(["python", path], project / "studies") == (Path(path), None, 1)
    assert command_script([path], project / "studies") == (Path(path), None, 0)


@pytest.mark.parametrize(
    "items", [[], [""], ["a\0b", "c\0d"], ["-m"], ["python", "-m"], ["-c"], ["python", "x" * 5000]]
)
def test_odd_commands_have_no_script(project: Path, items: list[str]) -> None:
    assert command_script(items, project) == (None, None, 1)
