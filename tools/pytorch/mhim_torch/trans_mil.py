"""TransMIL (Shao et al. 2021): class token, two layers of Nyström attention, pyramid position encoding between them."""

import math

import torch
from torch import nn
from torch.nn import functional as F

from .aggregator import Aggregator, feature_layer
from .nystrom_attention import NystromAttention


class Layer(nn.Module):
    def __init__(self, dim, **attention):
        super().__init__()
        self.norm, self.attn = nn.LayerNorm(dim), NystromAttention(dim, **attention)

    def forward(self, x):
        return x + self.attn(self.norm(x))


class PPEG(nn.Module):
    """Three depthwise convolutions of the tokens laid out row by row on a square."""

    def __init__(self, dim):
        super().__init__()
        self.proj, self.proj1, self.proj2 = (nn.Conv2d(dim, dim, k, padding=k // 2, groups=dim) for k in (7, 5, 3))

    def forward(self, z):
        side = math.isqrt(len(z))
        grid = z.T.reshape(1, -1, side, side)
        return (grid + self.proj(grid) + self.proj1(grid) + self.proj2(grid)).flatten(2)[0].T


class TransMILEncoder(nn.Module):
    """Inside MHIM the bag becomes a square in the position encoding only, else before the attention."""

    #: The position encoding's name, and whether the bag is filled up to a square first.
    POSITION, SQUARE_FIRST = "pos_embedding", False

    def __init__(
        self,
        embed_dim=512,
        classes=2,
        heads=8,
        head_dim=None,
        landmarks=None,
        attention_dropout=0.1,
        position="ppeg",
    ):
        super().__init__()
        attention = dict(
            heads=heads,
            head_dim=head_dim or embed_dim // (heads if self.SQUARE_FIRST else 8),
            landmarks=landmarks or embed_dim // 2,
            dropout=attention_dropout,
        )
        self.cls_token = nn.Parameter(torch.randn(1, 1, embed_dim))
        self.layer1, self.layer2 = Layer(embed_dim, **attention), Layer(embed_dim, **attention)
        setattr(self, self.POSITION, PPEG(embed_dim) if position == "ppeg" else None)
        self.norm = nn.LayerNorm(embed_dim)

    def pool(self, z, positions=None, scored=False):
        """The bag embedding and, if asked for, the weighted values of layer 1 that instances are scored by."""
        x = torch.cat([self.cls_token[0], square(z) if self.SQUARE_FIRST else z])
        act = None
        if scored:
            y, a, v = self.layer1.attn(self.layer1.norm(x), scored=True)
            x = x + y
            act = (a[..., None] * v).transpose(0, 1).reshape(len(z), -1)
        else:
            x = self.layer1(x)
        x = self.layer2(torch.cat([x[:1], self.encode_positions(x[1:])]))
        return self.norm(x)[:1], act

    def encode_positions(self, z):
        encoding = getattr(self, self.POSITION)
        if encoding is None:
            return z
        if self.SQUARE_FIRST:
            return encoding(z)
        filled = square(z)
        # Officially a square of less than 7 x 7 is filled up to that by zeros.
        filled = F.pad(filled, (0, 0, 0, max(0, 49 - len(filled))))
        return encoding(filled)[: len(z)]

    def classify(self, bag, state, predictor):
        return predictor(bag)

    def scores(self, z, act, predictor):
        return torch.softmax(self.layer1.attn.to_out(act) @ predictor.weight.T, dim=-1).amax(-1)


class TransMIL(TransMILEncoder, Aggregator):
    """Names of the official repository's `TransMIL`, or (`original`) of the authors'."""

    POSITION, SQUARE_FIRST = "pos_layer", True

    def __init__(
        self,
        input_dim,
        classes=2,
        embed_dim=512,
        activation="gelu",
        dropout=0.25,
        heads=8,
        head_dim=None,
        landmarks=None,
        attention_dropout=0.1,
        position="ppeg",
        norm="none",
        feature_bias=True,
        classifier_bias=True,
        layout="stand-alone",
    ):
        super().__init__(embed_dim, classes, heads, head_dim, landmarks, attention_dropout, position)
        self.embed_dim = embed_dim
        self.names = ("_fc1", "_fc2") if layout == "original" else ("feature", "classifier")
        self.norm1 = nn.BatchNorm1d(input_dim) if norm == "batch" else None
        setattr(self, self.names[0], feature_layer(input_dim, embed_dim, activation, dropout, feature_bias, norm))
        setattr(self, self.names[1], nn.Linear(embed_dim, classes, bias=classifier_bias))

    def embed(self, x, positions=None):
        return getattr(self, self.names[0])(x if self.norm1 is None else self.norm1(x))

    def classify(self, bag, state):
        return getattr(self, self.names[1])(bag)


def square(z):
    """Tokens up to a square; what is missing are the first ones once more."""
    side = math.ceil(math.sqrt(len(z)))
    return torch.cat([z, z[: side * side - len(z)]])
