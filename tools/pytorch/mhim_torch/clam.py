"""CLAM (Lu et al. 2021) with its instance loss (smooth top-1 SVM)."""

import torch
from torch import nn
from torch.nn import functional as F

from .aggregator import ACTIVATIONS, Aggregator
from .attention_pooling import AttentionPooling


class Clam(Aggregator):
    """One attention branch (CLAM-SB) or one for each class (CLAM-MB)."""

    def __init__(
        self,
        input_dim,
        classes=2,
        embed_dim=512,
        activation="gelu",
        dropout=0.25,
        gated=True,
        attention_dim=256,
        attention_dropout=0.25,
        feature_bias=True,
        classifier_bias=True,
        sampled=8,
        subtyping=False,
        instance_loss="svm",
        label_weight=0.7,
        instance_weight=0.3,
        layout="stand-alone",
        *,
        multiple=False,
    ):
        super().__init__()
        attention = AttentionPooling(
            embed_dim,
            attention_dim,
            heads=classes if multiple else 1,
            gated=gated,
            dropout=attention_dropout,
            dropout_counts=True,
            plain_name="module",
        )
        # The authors' network has its dropout even at rate 0, and Sequential counts it.
        drop = [nn.Dropout(dropout)] if dropout > 0 or layout == "original" else []
        feature = nn.Linear(input_dim, embed_dim, bias=feature_bias)
        self.attention_net = nn.Sequential(feature, ACTIVATIONS[activation](), *drop, attention)
        self.classifiers = (
            nn.ModuleList(nn.Linear(embed_dim, 1, bias=classifier_bias) for _ in range(classes))
            if multiple
            else nn.Linear(embed_dim, classes, bias=classifier_bias)
        )
        self.instance_classifiers = nn.ModuleList(nn.Linear(embed_dim, 2) for _ in range(classes))
        self.embed_dim = embed_dim
        self.multiple, self.sampled, self.subtyping, self.instance_loss = multiple, sampled, subtyping, instance_loss
        self.label_weight, self.instance_weight = label_weight, instance_weight

    def embed(self, x, positions=None):
        return self.attention_net[:-1](x)

    def pool(self, z, positions=None, scored=False):
        a = self.attention_net[-1].attend(z)
        return a @ z, a

    def classify(self, bags, state):
        if not self.multiple:
            return self.classifiers(bags)
        return torch.cat([classifier(bag[None]) for classifier, bag in zip(self.classifiers, bags)], 1)

    def loss(self, x, label, positions=None):
        z = self.embed(x)
        bags, a = self.pool(z)
        own = self.label_weight * F.cross_entropy(self.classify(bags, a), label)
        return own + self.instance_weight * self.instances_loss(z, a, label.item())

    def instances_loss(self, z, a, label):
        """The label's classifier learns from the most and the least attended instances, when subtyping others too."""
        k = min(self.sampled, len(z))
        losses = []
        for i, classifier in enumerate(self.instance_classifiers):
            branch = a[i if self.multiple else 0]
            top = torch.topk(branch, k).indices
            if i == label:
                chosen = torch.cat([top, torch.topk(-branch, k).indices])
                y = torch.cat([torch.ones(k), torch.zeros(k)]).long()
            elif self.subtyping:
                chosen, y = top, torch.zeros(k).long()
            else:
                continue
            s = classifier(z[chosen])
            if self.instance_loss == "cross-entropy":
                losses.append(F.cross_entropy(s, y))
                continue
            margin = 1 - F.one_hot(y, 2) + s - s.gather(1, y[:, None])
            losses.append(torch.logsumexp(margin, 1).mean())
        return sum(losses) / (len(self.instance_classifiers) if self.subtyping else 1)
