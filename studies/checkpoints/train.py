"""Train a small PyTorch network on two spirals, with a checkpoint after each epoch.

SIGTERM, as a cluster sends it before it takes the machine away, ends the training after the epoch in which it comes:
the state is saved, and exit code 75 requests another attempt. `--resume` continues from a checkpoint.
"""

import argparse
import csv
import signal
import sys
import time
from pathlib import Path

import torch
from torch import nn

SAVED = 75


def spirals(count: int, generator: torch.Generator) -> tuple[torch.Tensor, torch.Tensor]:
    """Return noisy points, shape (count, 2), on two spirals, and the spiral of each."""
    labels = torch.randint(2, (count,), generator=generator)
    angle = 4 * torch.rand(count, generator=generator) + 0.5
    phase = angle + torch.pi * labels
    points = torch.stack([angle * torch.cos(phase), angle * torch.sin(phase)], 1)
    return points + 0.5 * torch.randn(count, 2, generator=generator), labels


parser = argparse.ArgumentParser()
parser.add_argument("--optimizer", choices=["sgd", "adam"], default="sgd")
parser.add_argument("--width", type=int, default=32)
parser.add_argument("--epochs", type=int, default=12)
parser.add_argument("--seed", type=int, default=0)
parser.add_argument("--out", type=Path, required=True)
parser.add_argument("--resume", type=Path)
parser.add_argument("--pause", type=float, default=0.0, help="seconds after each epoch, to try out interruptions")
args = parser.parse_args()

interrupted = []
signal.signal(signal.SIGTERM, lambda *_: interrupted.append(True))

generator = torch.Generator().manual_seed(1)
train_x, train_y = spirals(600, generator)
val_x, val_y = spirals(600, generator)
test_x, test_y = spirals(2000, generator)

torch.manual_seed(args.seed)
model = nn.Sequential(nn.Linear(2, args.width), nn.ReLU(), nn.Linear(args.width, args.width), nn.ReLU())
model.append(nn.Linear(args.width, 2))
if args.optimizer == "sgd":
    optimizer: torch.optim.Optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
else:
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
rows: list[dict[str, float]] = []
if args.resume:
    saved = torch.load(args.resume)
    rows = saved["rows"]
    model.load_state_dict(saved["model"])
    optimizer.load_state_dict(saved["optimizer"])
    torch.set_rng_state(saved["random"])
    print(f"continued after epoch {len(rows)}", flush=True)


def accuracy(points: torch.Tensor, labels: torch.Tensor) -> float:
    with torch.no_grad():
        return (model(points).argmax(1) == labels).float().mean().item()


for epoch in range(len(rows) + 1, args.epochs + 1):
    for batch in torch.randperm(len(train_x)).split(50):
        loss = nn.functional.cross_entropy(model(train_x[batch]), train_y[batch])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    row = {"epoch": epoch, "val_acc": accuracy(val_x, val_y), "test_acc": accuracy(test_x, test_y)}
    rows.append(row)
    print(f"epoch {epoch}: loss {loss.item():.4f}, val_acc {row['val_acc']:.4f}", flush=True)
    state = {"rows": rows, "model": model.state_dict(), "optimizer": optimizer.state_dict()}
    torch.save({**state, "random": torch.get_rng_state()}, args.out / "last.part")
    (args.out / "last.part").replace(args.out / "last.pt")  # a kill leaves the old checkpoint or the new one
    if interrupted and epoch < args.epochs:
        sys.exit(SAVED)
    time.sleep(args.pause)

with (args.out / "log.csv").open("w", newline="") as file:
    writer = csv.DictWriter(file, ["epoch", "val_acc", "test_acc"])
    writer.writeheader()
    writer.writerows(rows)
