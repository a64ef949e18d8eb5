"""IBMIL (Lin et al. 2023), third stage: attention pooling and a mix of K confounders; without any, the first stage."""

import math

import torch
from torch import nn

from .aggregator import Aggregator, feature_layer
from .attention_pooling import AttentionPooling


class Embedding(nn.Module):
    def __init__(self, layer):
        super().__init__()
        self.embed = layer


class IBMIL(AttentionPooling, Aggregator):
    """Names of the official repository's `Dattention_ori`, or (`original`) of the authors' model on given embeddings."""

    def __init__(
        self,
        input_dim,
        classes=2,
        embed_dim=512,
        activation="gelu",
        dropout=0.25,
        attention_dim=128,
        confounders=8,
        confounder_dim=128,
        merge="cat",
        learn_confounders=False,
        layout="mhim",
    ):
        original = layout == "original"
        dim = input_dim if original else embed_dim
        super().__init__(dim, attention_dim)
        self.embed_dim = dim
        self.embedding = None if original else Embedding(feature_layer(input_dim, dim, activation, dropout))
        seen = 2 * dim if confounders > 0 and merge == "cat" else dim
        self.head_name = "classifier" if original else "head"
        setattr(self, self.head_name, nn.Linear(seen, classes))
        self.confounders, self.how = confounders, merge
        if confounders == 0:
            return
        self.W_q, self.W_k = nn.Linear(dim, confounder_dim), nn.Linear(dim, confounder_dim)
        dictionary = torch.randn(confounders, dim)
        if learn_confounders:
            self.confounder_feat = nn.Parameter(dictionary)
        else:
            self.register_buffer("confounder_feat", dictionary)

    def embed(self, x, positions=None):
        return x if self.embedding is None else self.embedding.embed(x)

    def pool(self, z, positions=None, scored=False):
        a = self.attend(z)
        return a @ z, a

    def classify(self, bag, state):
        return getattr(self, self.head_name)(self.deconfound(bag) if self.confounders > 0 else bag)

    def deconfound(self, bag):
        q, k = self.W_q(bag), self.W_k(self.confounder_feat)
        mix = torch.softmax(q @ k.T / math.sqrt(q.shape[1]), dim=-1) @ self.confounder_feat
        return torch.cat([bag, mix], dim=1) if self.how == "cat" else bag + mix if self.how == "add" else bag - mix
