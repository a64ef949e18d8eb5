"""Our checkpoints: `config.json`, and beside it weights under PyTorch's names with what features were standardised by."""

import json
import re
from pathlib import Path

import numpy as np
import torch
from safetensors import SafetensorError, safe_open

from .grid_positions import grid_positions
from .registry import from_config


class StoredModel:
    """A trained model with everything that a bag needs on its way to a prediction."""

    def __init__(self, path):
        self.path = Path(path)
        config = self.path.parent / "config.json"
        if not config.is_file():
            raise ValueError(f"{config}: is missing. It says what model {self.path.name} holds.")
        self.config = json.loads(config.read_text())
        try:
            with safe_open(self.path, framework="pt") as file:
                state = {name: file.get_tensor(name) for name in file.keys()}
                fitted = (file.metadata() or {}).get("standardiser")
        except SafetensorError as error:
            raise ValueError(f"{self.path}: {error}.") from error
        self.standardiser = fitted and [np.float32(json.loads(fitted)[key]) for key in ("mean", "std")]
        self.model = from_config(self.config).eval()
        try:
            self.model.load_state_dict(state, strict=True)
        except RuntimeError as error:
            raise ValueError(f"{self.path}: does not hold what its config.json says. {error}") from error

    @torch.no_grad()
    def logits(self, features, coords=None):
        """Features [n, in] → [c]"""
        width = self.config["inputDim"]
        if features.shape[1] != width:
            raise ValueError(f"{self.path}: features have {features.shape[1]} columns, the model expects {width}.")
        if self.standardiser:
            mean, std = (torch.from_numpy(values) for values in self.standardiser)
            features = (features - mean) / std
        positions = grid_positions(coords) if self.model.uses_positions and coords is not None else None
        return self.model(features, positions)[0]

    def probabilities(self, logits):
        """Of each class, or of surviving each time bin."""
        if self.config.get("task") == "survival":
            return torch.cumprod(1 - torch.sigmoid(logits), 0)
        return torch.softmax(logits, 0)


def find_checkpoints(path, protocol=None):
    """The files that a path means: itself, the best of a stage's folder, or those of a run's folds."""
    path = Path(path)
    if path.is_file():
        return [path]
    if (path / "best.safetensors").is_file():
        return [path / "best.safetensors"]
    found = []
    folds = [folder for folder in path.glob("fold-*") if re.fullmatch(r"fold-\d+", folder.name)]
    for fold in sorted(folds, key=lambda folder: int(folder.name[5:])):
        for name in [protocol] if protocol else ["paper", "honest"]:
            stages = [file for file in (fold / name).glob("*/best.safetensors") if file.parent.name != "baseline"]
            if stages:
                found.append(stages[0])
                break
    if not found:
        raise ValueError(f"{path}: holds no finished model. Expected a run folder, a stage's folder or a file.")
    return found
