"""2DMamba (Zhang et al. 2025): instances on their patch grid, Mamba blocks over all cells, attention pooling."""

import math

import torch
from torch import nn

from .aggregator import Aggregator, Positions, feature_layer
from .attention_pooling import AttentionPooling
from .mamba_block import MambaBlock


class Blocks(nn.Module):
    """The blocks and what empty cells hold, under their official names."""

    def __init__(self, dim, layers, states, learned):
        super().__init__()
        token = torch.rand(dim) if learned else torch.zeros(dim)
        self.pad_token = nn.Parameter(token, requires_grad=learned)
        self.layers = nn.ModuleList(MambaBlock(dim, states) for _ in range(layers))


class Mamba2D(AttentionPooling, Aggregator):
    """Names of the official repository's `MambaMIL_2D`."""

    uses_positions = True

    def __init__(
        self,
        input_dim,
        classes=2,
        embed_dim=128,
        layers=1,
        states=16,
        activation="gelu",
        dropout=0.25,
        attention_dim=128,
        pad_token="trainable",
        grid_width=0,
        grid_height=0,
    ):
        super().__init__(embed_dim, attention_dim)
        self.embed_dim = embed_dim
        self._fc1 = feature_layer(input_dim, embed_dim, activation, dropout)
        self.layers = Blocks(embed_dim, layers, states, pad_token == "trainable")
        self.norm = nn.LayerNorm(embed_dim)
        self.classifier = nn.Linear(embed_dim, classes)
        self.fixed = grid_width, grid_height

    def embed(self, x, positions=None):
        return self._fc1(x)

    def pool(self, z, positions=None, scored=False):
        xy, width, height = positions or on_square(len(z))
        width, height = self.fixed[0] or width, self.fixed[1] or height
        cells = xy[:, 1] * width + xy[:, 0]
        h = self.layers.pad_token.repeat(width * height, 1).index_copy(0, cells, z)
        for block in self.layers.layers:
            h = block(h, height, width)
        h = self.norm(h)
        a = self.attend(h)
        return a @ h, a

    def classify(self, bag, state):
        return self.classifier(bag)


def on_square(n):
    """Positions for a bag that has none: row by row on the smallest square that holds it."""
    side = math.ceil(math.sqrt(n))
    at = torch.arange(n)
    return Positions(torch.stack([at % side, at // side], 1), side, -(-n // side))
