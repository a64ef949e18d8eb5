"""Attention pooling (Ilse et al. 2018): a softmax over instances for each head."""

import torch
from torch import nn

from .aggregator import ACTIVATIONS


class AttentionPooling(nn.Module):
    """Two layers, or gated ones. Their names differ from model to model; `attend` gives the attention [heads, n]."""

    def __init__(
        self,
        dim,
        hidden,
        *,
        heads=1,
        gated=False,
        activation="tanh",
        bias=True,
        dropout=0.0,
        dropout_counts=False,
        plain_name="attention",
        gated_names=("attention_a", "attention_b", "attention_c"),
    ):
        super().__init__()
        self.names = gated_names if gated else (plain_name,)

        def branch(act):
            return nn.Sequential(nn.Linear(dim, hidden, bias=bias), act, nn.Dropout(dropout))

        score = nn.Linear(hidden, heads, bias=bias)
        act = ACTIVATIONS[activation]()
        if gated:
            layers = branch(act), branch(nn.Sigmoid()), score
        elif dropout_counts and dropout > 0:
            layers = (nn.Sequential(*branch(act), score),)
        else:
            # Where the dropout is no element of the official Sequential, it must not move the last layer's index.
            last = nn.Sequential(act, nn.Dropout(dropout)) if dropout > 0 else act
            layers = (nn.Sequential(nn.Linear(dim, hidden, bias=bias), last, score),)
        for name, layer in zip(self.names, layers):
            setattr(self, name, layer)

    def attend(self, z):
        layers = [getattr(self, name) for name in self.names]
        hidden = layers[0](z) * layers[1](z) if len(layers) > 1 else z
        return torch.softmax(layers[-1](hidden).T, dim=-1)
