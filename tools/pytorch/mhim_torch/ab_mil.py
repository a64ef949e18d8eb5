"""AB-MIL (Ilse et al. 2018): stand-alone, and as the encoder inside MHIM."""

import math

import torch
from torch import nn

from .aggregator import Aggregator, feature_layer, new_norm
from .attention_pooling import AttentionPooling


class ABMIL(AttentionPooling, Aggregator):
    """Names of the official repository's `DAttention` and `AttentionGated`, or (`ilse`) of the authors' code."""

    def __init__(
        self,
        input_dim,
        classes=2,
        embed_dim=512,
        activation="gelu",
        dropout=0.25,
        gated=False,
        attention_dim=128,
        attention_activation="tanh",
        attention_dropout=0.0,
        attention_bias=True,
        feature_bias=True,
        classifier_bias=True,
        norm="none",
        norm_position="features",
        position="none",
        layout="stand-alone",
    ):
        ilse = layout == "ilse"
        super().__init__(
            embed_dim,
            attention_dim,
            gated=gated,
            activation=attention_activation,
            bias=attention_bias,
            dropout=attention_dropout,
            **({"gated_names": ("attention_V", "attention_U", "attention_w")} if ilse else {}),
        )
        self.embed_dim = embed_dim
        self.feature_name = "feature_extractor_part2" if ilse else "feature"
        leading = norm if norm_position == "features" else "none"
        setattr(self, self.feature_name, feature_layer(input_dim, embed_dim, activation, dropout, feature_bias, leading))
        on_features = norm_position == "features"
        own = "none" if on_features and norm == "layer" else norm
        self.norm = new_norm(own, input_dim if on_features else embed_dim)
        self.norm_on_features = on_features
        self.norm1 = new_norm(norm, embed_dim)
        head = nn.Linear(embed_dim, classes, bias=classifier_bias)
        self.classifier = nn.Sequential(head) if gated or ilse else head
        self.uses_positions = position == "sin-cos"

    def embed(self, x, positions=None):
        x = self.norm(x) if self.norm is not None and self.norm_on_features else x
        z = getattr(self, self.feature_name)(x)
        z = self.norm(z) if self.norm is not None and not self.norm_on_features else z
        return z + sin_cos(positions, z.shape[1]) if self.uses_positions else z

    def pool(self, z, positions=None, scored=False):
        a = self.attend(z)
        bag = a @ z
        return (self.norm1(bag) if self.norm1 is not None else bag), a

    def classify(self, bag, state):
        return self.classifier(bag)


class AttentionEncoder(nn.Module):
    """The encoder of `MHIM` with `baseline=attn`: no biases, ReLU."""

    def __init__(
        self,
        embed_dim=512,
        classes=2,
        gated=False,
        attention_dim=128,
        attention_activation="relu",
        attention_dropout=0.0,
        attention_bias=False,
    ):
        super().__init__()
        self.attention = AttentionPooling(
            embed_dim,
            attention_dim,
            gated=gated,
            activation=attention_activation,
            bias=attention_bias,
            dropout=attention_dropout,
        )

    def pool(self, z, scored=False):
        a = self.attention.attend(z)
        return a @ z, a

    def classify(self, bag, state, predictor):
        return predictor(bag)

    def scores(self, z, a, predictor):
        return torch.softmax((z * a.T) @ predictor.weight.T, dim=-1).amax(-1)


def sin_cos(positions, dim):
    """[sin x, cos x, sin y, cos y], a quarter of the width each, wavelengths 1 … 10,000."""
    frequency = torch.exp(torch.arange(dim // 4) * (-math.log(10000) / (dim // 4)))
    angles = positions.xy.float()[:, :, None] * frequency
    return torch.cat([angles.sin(), angles.cos()], dim=-1).flatten(1)
