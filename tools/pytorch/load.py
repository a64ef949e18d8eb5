"""Loads our checkpoints in PyTorch by name and predicts bags.

Usage: python load.py RUN_OR_FILE … [--bag FILE …] [--protocol paper|honest] [--json]

RUN_OR_FILE: a run folder of `reproduce train` (the models of its folds), the folder of a stage, or a safetensors file beside
its config.json. Without --bag it predicts a bag of 100 random instances. Needs torch, numpy and safetensors; h5py for .h5.
"""

import argparse
import json
import sys
from pathlib import Path

import torch

sys.path.insert(0, str(Path(__file__).resolve().parent))

from mhim_torch.bags import read_bag  # noqa: E402
from mhim_torch.checkpoint import StoredModel, find_checkpoints  # noqa: E402


def main():
    parser = argparse.ArgumentParser(
        description=__doc__.split("\n\nRUN_OR_FILE")[0], formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("models", nargs="+", metavar="RUN_OR_FILE")
    parser.add_argument("--bag", nargs="+", default=[], metavar="FILE", help=".safetensors, .pt, .npy or .h5")
    parser.add_argument("--protocol", choices=["paper", "honest"], help="which models of a run")
    parser.add_argument("--json", action="store_true", help="one JSON object a model and bag, a line each")
    options = parser.parse_args()
    bags = {file: read_bag(file) for file in options.bag}
    for path in (file for model in options.models for file in find_checkpoints(model, options.protocol)):
        stored = StoredModel(path)
        count = len(stored.model.state_dict())
        if not options.json:
            print(f"{path}: {described(stored.config)}, {count} tensors loaded by name")
        for bag, (features, coords) in (bags or random_bag(stored)).items():
            logits = stored.logits(features, coords)
            probabilities = stored.probabilities(logits)
            if options.json:
                said = {"model": str(path), "bag": bag, "logits": logits.tolist()}
                print(json.dumps({**said, "probabilities": probabilities.tolist()}))
                continue
            print(f"  {bag}: logits {listed(logits)}, probabilities {listed(probabilities)}")


def random_bag(stored):
    generator = torch.Generator().manual_seed(0)
    return {"100 random instances": (torch.randn(100, stored.config["inputDim"], generator=generator), None)}


def described(config):
    return f"{config['model']} over {config['base']}" if "base" in config else config["model"]


def listed(values):
    return "[" + ", ".join(f"{value:.6f}" for value in values.tolist()) + "]"


if __name__ == "__main__":
    try:
        main()
    except (ValueError, OSError) as error:
        sys.exit(f"error: {error}")
