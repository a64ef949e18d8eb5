"""Every aggregator by the name that our registry has for it, and models from our `config.json`."""

import inspect
import re
from functools import partial

import torch

from .ab_mil import ABMIL
from .clam import Clam
from .dealing import dealt_out
from .ds_mil import DSMIL
from .dtfd_mil import DTFD
from .ib_mil import IBMIL
from .instance_pooling import InstancePooling
from .mamba_2d import Mamba2D
from .mhim import ENCODERS, MHIMBase
from .r2t_mil import R2TMIL
from .recycle import Recycle
from .trans_mil import TransMIL

AGGREGATORS = {
    "ab-mil": ABMIL,
    "ds-mil": DSMIL,
    "clam-sb": Clam,
    "clam-mb": partial(Clam, multiple=True),
    "dtfd-mil": DTFD,
    "ib-mil": IBMIL,
    "mean-pooling": InstancePooling,
    "max-pooling": partial(InstancePooling, largest=True),
    "r2t-mil": R2TMIL,
    "trans-mil": TransMIL,
    "mamba-2d": Mamba2D,
}


def create(name, input_dim, classes=2, **options):
    """An aggregator with fresh weights; options are ours, in PyTorch's spelling: `embed_dim` for `embedDim`."""
    if name not in AGGREGATORS:
        raise ValueError(f'There is no aggregator "{name}". Expected one of {", ".join(AGGREGATORS)}.')
    if name in ENCODERS and options.get("layout") == "mhim":
        options.pop("layout")
        build = partial(MHIMBase, name)
        known = {*parameters(MHIMBase), *parameters(ENCODERS[name])}
    else:
        build, known = AGGREGATORS[name], parameters(AGGREGATORS[name])
    for option in options:
        if option not in known:
            raise ValueError(f"{name} has no option {option} here. Options: {', '.join(sorted(known))}.")
    return build(input_dim=input_dim, classes=classes, **options)


def from_config(config):
    """The model that our `config.json` describes, with fresh weights: an aggregator, or the student of a method."""
    if config.get("format") != "mhim-model" or config.get("version") != 1:
        raise ValueError('It is no model configuration of ours: expected "format": "mhim-model", "version": 1.')
    method = config["model"] if config["model"] in ("mhim", "mhim-v2") else None
    name = config.get("base", "ab-mil") if method else config["model"]
    options = {snake_case(key): value for key, value in config["aggregator"].items()}
    model = create(name, config["inputDim"], config["classes"], **options)
    if name == "dtfd-mil":
        model.deal = lambda n: torch.randperm(n) if model.training else dealt_out(n)
    mhim = config.get("mhim", {})
    if method == "mhim-v2" and mhim.get("recycle", True):
        model.merge = Recycle(
            model.embed_dim,
            queries=mhim.get("queries", 5),
            heads=mhim.get("recycleHeads", 8),
            head_dim=mhim.get("recycleHeadDim", 64),
            dropout=mhim.get("recycleDropout", 0.1),
        )
        model.recycle_at_inference = mhim.get("recycleAtInference", True)
    return model


def parameters(build):
    return inspect.signature(build).parameters


def snake_case(name):
    return re.sub(r"(?=[A-Z])", "_", name).lower()
