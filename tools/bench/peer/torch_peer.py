"""The PyTorch side of `npm run bench`: the same models and steps, written plainly (`tools/pytorch`), timed in this process.

Usage: torch_peer.py '{"model": "ab-mil", "phase": "train", "instances": 10000, "inputDim": 1024, "repeats": 9, "warmup": 3}'
Prints one JSON line: {"ms": median, "min_ms": …, "peak_mb": …, "version": …, "threads": …}.
"""

import json
import math
import resource
import statistics
import sys
import time
from pathlib import Path

import torch

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "pytorch"))

from mhim_torch import MHIM, Positions, Recycle, create  # noqa: E402


def build(name, input_dim):
    base = name.removeprefix("mhim-v2:")
    if base == name:
        return create(base, input_dim)
    return MHIM(create(base, input_dim, layout="mhim"), Recycle())


def half_filled(instances):
    """Instances evenly on a square grid of twice as many cells, about what tissue takes of its slide."""
    side = math.ceil(math.sqrt(2 * instances))
    cells = torch.arange(instances) * side**2 // instances
    return Positions(torch.stack([cells % side, cells // side], 1), side, side)


def main():
    task = json.loads(sys.argv[1])
    torch.manual_seed(0)
    x = torch.randn(task["instances"], task["inputDim"])
    label = torch.tensor([1])
    model = build(task["model"], task["inputDim"])
    mhim = isinstance(model, MHIM)
    positions = None if mhim else half_filled(task["instances"])
    optimiser = torch.optim.Adam([p for p in model.parameters() if p.requires_grad], lr=2e-4, weight_decay=1e-5)

    def train():
        optimiser.zero_grad()
        loss = model.loss(x, label, positions)
        loss.backward()
        optimiser.step()
        if mhim:
            model.follow()
        return loss.item()

    def infer():
        with torch.no_grad():
            return (model(x) if mhim else model(x, positions)).sum().item()

    step = train if task["phase"] == "train" else infer
    model.train(task["phase"] == "train")
    times = []
    for i in range(task["warmup"] + task["repeats"]):
        start = time.perf_counter()
        step()
        if i >= task["warmup"]:
            times.append(1000 * (time.perf_counter() - start))
    print(
        json.dumps(
            {
                "ms": statistics.median(times),
                "min_ms": min(times),
                "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
                "version": f"torch {torch.__version__}",
                "threads": torch.get_num_threads(),
            }
        )
    )


if __name__ == "__main__":
    main()
