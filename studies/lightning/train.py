"""Train a small network on a noisy sine with PyTorch Lightning."""

import argparse

import pytorch_lightning as pl
import torch
from pytorch_lightning.loggers import CSVLogger
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


class Regressor(pl.LightningModule):
    def __init__(self, hidden: int, lr: float, batch_norm: bool) -> None:
        super().__init__()
        self.save_hyperparameters()
        norm = nn.BatchNorm1d(hidden) if batch_norm else nn.Identity()
        self.net = nn.Sequential(nn.Linear(1, hidden), norm, nn.Tanh(), nn.Linear(hidden, 1))

    def training_step(self, batch: list[torch.Tensor], index: int) -> torch.Tensor:
        loss = nn.functional.mse_loss(self.net(batch[0]), batch[1])
        self.log("train_loss", loss)
        return loss

    def validation_step(self, batch: list[torch.Tensor], index: int) -> None:
        self.log("val_loss", nn.functional.mse_loss(self.net(batch[0]), batch[1]))

    def test_step(self, batch: list[torch.Tensor], index: int) -> None:
        self.log("test_loss", nn.functional.mse_loss(self.net(batch[0]), batch[1]))

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.Adam(self.parameters(), lr=self.hparams["lr"])


def data(count: int, generator: torch.Generator) -> TensorDataset:
    x = 4 * torch.rand(count, 1, generator=generator) - 2
    return TensorDataset(x, torch.sin(3 * x) + 0.1 * torch.randn(count, 1, generator=generator))


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--hidden", type=int, default=16)
    parser.add_argument("--lr", type=float, default=0.02)
    parser.add_argument("--batch-norm", action="store_true")
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", default=".")
    args = parser.parse_args()
    pl.seed_everything(args.seed)
    generator = torch.Generator().manual_seed(1)
    train, val, test = (data(count, generator) for count in (512, 256, 512))
    trainer = pl.Trainer(
        max_epochs=args.epochs,
        logger=CSVLogger(args.out),
        accelerator="cpu",
        devices=1,
        enable_checkpointing=False,
        enable_progress_bar=False,
        log_every_n_steps=8,
    )
    model = Regressor(args.hidden, args.lr, args.batch_norm)
    trainer.fit(model, DataLoader(train, 64, shuffle=True), DataLoader(val, 64))
    trainer.test(model, DataLoader(test, 64))


if __name__ == "__main__":
    main()
