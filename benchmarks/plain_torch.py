"""The same network and recipe in PyTorch, as its tutorials write it.

python benchmarks/plain_torch.py prepared SEED [EPOCHS]
"""

import sys
import time
from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


def load(folder: Path, split: str) -> TensorDataset:
    """Images (N, C, H, W) float32 in 0..1 and labels (N,) of a split."""
    images = np.load(folder / f"{split}_images.npy").transpose(0, 3, 1, 2) / np.float32(255)
    labels = np.load(folder / f"{split}_labels.npy").astype(np.int64)
    return TensorDataset(torch.from_numpy(np.ascontiguousarray(images)), torch.from_numpy(labels))


def build() -> nn.Sequential:
    """The chapter's network."""
    return nn.Sequential(
        nn.Conv2d(1, 32, 3, padding="same"), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(32, 64, 3, padding="same"), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(3136, 100), nn.ReLU(), nn.Dropout(0.4), nn.Linear(100, 10),
    )  # fmt: skip


def scores(network: nn.Module, data: TensorDataset) -> tuple[float, float]:
    """Mean cross-entropy (nats) and accuracy."""
    network.eval()
    loss, right = 0.0, 0
    with torch.no_grad():
        for images, labels in DataLoader(data, 1000):
            logits = network(images)
            loss += nn.functional.cross_entropy(logits, labels, reduction="sum").item()
            right += int((logits.argmax(1) == labels).sum())
    return loss / len(data), right / len(data)


def main(folder: Path, seed: int, epochs: int) -> None:
    """Train."""
    torch.manual_seed(seed)
    batches = DataLoader(load(folder, "train"), 32, shuffle=True)
    validation, network = load(folder, "validation"), build()
    adam, best = torch.optim.Adam(network.parameters()), float("inf")
    for epoch in range(1, epochs + 1):
        started = time.monotonic()
        network.train()
        for images, labels in batches:
            adam.zero_grad()
            nn.functional.cross_entropy(network(images), labels).backward()
            adam.step()
        loss, accuracy = scores(network, validation)
        if loss < best:
            best = loss
            torch.save(network.state_dict(), "best.pt")
        seconds = time.monotonic() - started
        scores_text = f"val_loss {loss:.4f}, val_accuracy {accuracy:.4f}"
        print(f"torch: epoch {epoch}/{epochs}, {scores_text}, {seconds:.1f} s", flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]) if len(sys.argv) > 3 else 10)
