"""What every model here is: features of a bag go through three steps, each callable alone."""

from typing import NamedTuple

import torch
from torch import nn
from torch.nn import functional as F

ACTIVATIONS = {"relu": nn.ReLU, "gelu": nn.GELU, "tanh": nn.Tanh, "sigmoid": nn.Sigmoid, "identity": nn.Identity}


class Positions(NamedTuple):
    """Where instances lie on their patch grid: columns and rows [n, 2], and the grid's size."""

    xy: torch.Tensor
    width: int
    height: int

    def with_recycled(self, count):
        """Recycled instances have no place, so they get rows below the grid."""
        places = torch.tensor([[i % self.width, self.height + i // self.width] for i in range(count)])
        return Positions(torch.cat([self.xy, places]), self.width, self.height + -(-count // self.width))


class Aggregator(nn.Module):
    """Features [n, in] → instances [n, d] → bag embedding → logits [1, c]. One bag is one call; there is no batch axis."""

    #: Whether positions change anything.
    uses_positions = False
    #: Width d of the instances, which every constructor sets.
    embed_dim: int

    def __init__(self):
        super().__init__()
        #: The recycle network of MHIM-v2, where the model is its student, and whether inference uses it.
        self.merge = None
        self.recycle_at_inference = True

    def embed(self, x, positions=None):
        raise NotImplementedError

    def pool(self, z, positions=None, scored=False):
        """The bag embedding, and what `classify` and `scores` need besides; some of it only if `scored`."""
        raise NotImplementedError

    def classify(self, bag, state):
        raise NotImplementedError

    def scores(self, z, state):
        """What MHIM's teacher ranks instances by, [n]."""
        raise NotImplementedError(f"The PyTorch side does not train MHIM over {type(self).__name__}.")

    def forward(self, x, positions=None):
        z = self.embed(x, positions)
        if self.merge is not None and self.recycle_at_inference:
            recycled = self.merge(z)
            z = torch.cat([z, recycled])
            positions = positions and positions.with_recycled(len(recycled))
        return self.classify(*self.pool(z, positions))

    def loss(self, x, label, positions=None):
        return F.cross_entropy(self(x, positions), label)


def feature_layer(input_dim, embed_dim, activation="gelu", dropout=0.25, bias=True, norm="none"):
    """Linear layer, activation, dropout; officially a LayerNorm of the features is the first element."""
    first = [nn.LayerNorm(input_dim, bias=bias)] if norm == "layer" else []
    return nn.Sequential(
        *first, nn.Linear(input_dim, embed_dim, bias=bias), ACTIVATIONS[activation](), nn.Dropout(dropout)
    )


def new_norm(kind, dim):
    """A norm over the rows of [n, d]; None for `none`."""
    return {"layer": nn.LayerNorm, "batch": nn.BatchNorm1d}[kind](dim) if kind != "none" else None
