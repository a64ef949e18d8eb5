"""DTFD-MIL (Zhang et al. 2022): pseudo-bags one after the other, and a second tier over what they hand on."""

import torch
from torch import nn
from torch.nn import functional as F

from .aggregator import ACTIVATIONS, Aggregator
from .attention_pooling import AttentionPooling


def gated_attention(dim, hidden):
    return AttentionPooling(dim, hidden, gated=True, gated_names=("attention_V", "attention_U", "attention_weights"))


class Classifier(nn.Module):
    def __init__(self, dim, classes, dropout):
        super().__init__()
        self.fc, self.drop = nn.Linear(dim, classes), nn.Dropout(dropout)

    def forward(self, x):
        return self.fc(self.drop(x))


class ResidualBlock(nn.Module):
    def __init__(self, dim):
        super().__init__()
        self.block = nn.Sequential(
            nn.Linear(dim, dim, bias=False), nn.ReLU(), nn.Linear(dim, dim, bias=False), nn.ReLU()
        )

    def forward(self, x):
        return x + self.block(x)


class DimReduction(nn.Module):
    def __init__(self, input_dim, embed_dim, activation, dropout, blocks):
        super().__init__()
        self.fc1 = nn.Linear(input_dim, embed_dim, bias=False)
        self.after = nn.Sequential(ACTIVATIONS[activation](), nn.Dropout(dropout))
        self.resBlocks = nn.Sequential(*(ResidualBlock(embed_dim) for _ in range(blocks)))

    def forward(self, x):
        return self.resBlocks(self.after(self.fc1(x)))


class SecondTier(nn.Module):
    def __init__(self, dim, classes, hidden, dropout):
        super().__init__()
        self.attention, self.classifier = gated_attention(dim, hidden), Classifier(dim, classes, dropout)


class DTFD(Aggregator):
    """Both losses, tiers apart unless `joint`. `deal` gives the order in which instances go to pseudo-bags, [n]."""

    def __init__(
        self,
        input_dim,
        classes=2,
        embed_dim=512,
        activation="relu",
        dropout=0.25,
        residual_blocks=0,
        attention_dim=128,
        groups=5,
        distillation="AFS",
        distilled=1,
        order="shuffled",
        tier_one_loss=True,
        tiers="separate",
    ):
        super().__init__()
        self.embed_dim = embed_dim
        self.classifier = Classifier(embed_dim, classes, dropout)
        self.attention = gated_attention(embed_dim, attention_dim)
        self.dimReduction = DimReduction(input_dim, embed_dim, activation, dropout, residual_blocks)
        self.UClassifier = SecondTier(embed_dim, classes, attention_dim, dropout)
        self.groups, self.distillation, self.distilled = groups, distillation, distilled
        self.order, self.tier_one_loss, self.tiers = order, tier_one_loss, tiers
        self.deal = torch.randperm

    def embed(self, x, positions=None):
        return self.dimReduction(x)

    def pool(self, z, positions=None, scored=False):
        """The second tier's bag embedding, and the first tier's logits of each pseudo-bag."""
        n = len(z)
        order = torch.arange(n) if self.training and self.order == "stored" else self.deal(n)
        handed_on, logits = [], []
        for members in order.tensor_split(min(self.groups, n)):
            own = z[members]
            a = self.attention.attend(own)
            pooled = a @ own
            logits.append(self.classifier(pooled))
            handed_on.append(pooled if self.distillation == "AFS" else own[self.representatives(own, a)])
        second = torch.cat(handed_on)
        if self.training and self.tiers == "separate":
            second = second.detach()
        return self.UClassifier.attention.attend(second) @ second, torch.cat(logits)

    @torch.no_grad()
    def representatives(self, z, a):
        """The instances of a pseudo-bag that are surest of the last class (MaxS), and those that are least (MaxMinS)."""
        logits = (z * a.T) @ self.classifier.fc.weight.T
        # Of the order of the softmax, without its ties in float32.
        score = -torch.expm1(logits - logits[:, -1:]).sum(-1)
        order = torch.sort(score, descending=True, stable=True).indices
        k = min(self.distilled, len(z))
        if self.distillation == "MaxS":
            return order[:k]
        return torch.cat([order[:k], order[-k:]])

    def classify(self, bag, state):
        return self.UClassifier.classifier(bag)

    def loss(self, x, label, positions=None):
        bag, first = self.pool(self.embed(x))
        loss = F.cross_entropy(self.classify(bag, first), label)
        return loss + F.cross_entropy(first, label.expand(len(first))) if self.tier_one_loss else loss
