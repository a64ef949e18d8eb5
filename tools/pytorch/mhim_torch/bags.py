"""Feature files of one bag: features [n, in], coordinates [n, 2] where the file has them."""

import pickle
from pathlib import Path

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file


def read_bag(path):
    path = Path(path)
    if not path.is_file():
        raise ValueError(f"{path}: there is no such file.")
    kind = path.suffix.lower()
    if kind not in READERS:
        raise ValueError(f"{path}: is no feature file. Expected one of {', '.join(READERS)}.")
    try:
        content = READERS[kind](path)
    except SafetensorError as error:
        raise ValueError(f"{path}: {error}.") from error
    features = content.get("features", content.get("feats"))
    if features is None:
        raise ValueError(f"{path}: holds no features, but {', '.join(content) or 'nothing'}.")
    features = torch.as_tensor(features).float()
    features = features[0] if features.ndim == 3 and len(features) == 1 else features
    if features.ndim != 2 or len(features) == 0:
        raise ValueError(f"{path}: features have shape {list(features.shape)}, expected [instances, width].")
    coords = content.get("coords")
    return features, None if coords is None else np.asarray(coords, dtype=np.float64).reshape(-1, 2)


def read_torch(path):
    # Tensors only: nothing in the file is executed.
    try:
        content = torch.load(path, weights_only=True, map_location="cpu")
    except (pickle.UnpicklingError, RuntimeError, EOFError) as error:
        raise ValueError(f"{path}: is damaged, or asks for more than tensors.") from error
    return content if isinstance(content, dict) else {"features": content}


def read_h5(path):
    import h5py

    with h5py.File(path) as file:
        return {name: file[name][()] for name in file}


READERS = {
    ".safetensors": load_file,
    ".pt": read_torch,
    ".pth": read_torch,
    ".npy": lambda path: {"features": np.load(path, allow_pickle=False)},
    ".h5": read_h5,
    ".hdf5": read_h5,
}
