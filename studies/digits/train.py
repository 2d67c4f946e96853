"""Train a small network on handwritten digits. Prints its accuracy, and writes it to a file if --out names a folder."""

import argparse
import json
from pathlib import Path

import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier

parser = argparse.ArgumentParser()
parser.add_argument("--lr", type=float, default=0.01)
parser.add_argument("--hidden", type=int, default=16)
parser.add_argument("--dropout", type=float, default=0.0, help="share of the pixels that are set to 0")
parser.add_argument("--augment", action="store_true", help="add a noisy copy of each image")
parser.add_argument("--epochs", type=int, default=15)
parser.add_argument("--seed", type=int, default=0)
parser.add_argument("--out", type=Path)
args = parser.parse_args()

rng = np.random.default_rng(args.seed)
images, labels = load_digits(return_X_y=True)
train_x, test_x, train_y, test_y = train_test_split(images / 16, labels, test_size=0.3, random_state=0)
if args.augment:
    train_x = np.concatenate([train_x, train_x + rng.normal(0, 0.1, train_x.shape)])
    train_y = np.concatenate([train_y, train_y])
train_x = train_x * (rng.random(train_x.shape) >= args.dropout)

model = MLPClassifier(args.hidden, learning_rate_init=args.lr, max_iter=args.epochs, random_state=args.seed)
model.fit(train_x, train_y)
accuracy = model.score(test_x, test_y)
print(f"test_acc: {accuracy:.4f}  train_loss: {model.loss_:.4f}")
if args.out:
    (args.out / "metrics.json").write_text(json.dumps({"test_acc": accuracy, "train_loss": model.loss_}))
