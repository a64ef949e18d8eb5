"""DSMIL (Li et al. 2021), with learned values and a nonlinear query as the official MHIM repository has it."""

import torch
from torch import nn
from torch.nn import functional as F

from .aggregator import Aggregator, feature_layer, new_norm


class BagClassifier(nn.Module):
    """The bag stream: every class pools all instances by how near they are to its critical one."""

    def __init__(self, dim, classes, query, query_dim, values, bias, norm):
        super().__init__()
        first = nn.Linear(dim, query_dim, bias=bias)
        second = nn.Linear(query_dim, query_dim)
        self.q = first if query == "linear" else nn.Sequential(first, nn.ReLU(), second, nn.Tanh())
        value = [nn.Dropout(0.0), nn.Linear(dim, dim, bias=bias), nn.ReLU()]
        self.v = nn.Sequential(*{"rectified": value, "linear": value[:2], "instances": []}[values])
        self.norm = new_norm(norm, dim)
        self.fcc = nn.Conv1d(classes, classes, kernel_size=dim, bias=bias)

    def forward(self, z, c):
        v, q = self.v(z), self.q(z)
        _, order = torch.sort(c, 0, descending=True)
        critical = self.q(torch.index_select(z, 0, order[0]))
        a = torch.softmax(q @ critical.T / q.shape[1] ** 0.5, 0)
        bags = a.T @ v
        bags = bags if self.norm is None else self.norm(bags)
        return self.fcc(bags[None]).view(1, -1), bags


class DualStream(nn.Module):
    """Both streams; the state is (logits of the bag stream, of all instances)."""

    def build(self, dim, classes, query, query_dim, values, prediction, bias, norm, instance_name):
        instance = nn.Linear(dim, classes, bias=bias)
        for name in reversed(instance_name):
            holder = nn.Sequential(instance) if name == "0" else nn.Module()
            if name != "0":
                holder.add_module(name, instance)
            instance = holder
        self.i_classifier = instance
        self.b_classifier = BagClassifier(dim, classes, query, query_dim, values, bias, norm)
        self.prediction = prediction

    def streams(self, z, scored=False):
        classifier = self.i_classifier
        while not isinstance(classifier, (nn.Linear, nn.Sequential)):
            classifier = next(classifier.children())
        c = classifier(z)
        bag, bags = self.b_classifier(z, c)
        return bags, (bag, c)

    def combine(self, bag, c):
        if self.prediction == "bag":
            return bag
        top = torch.max(c, 0, keepdim=True)[0]
        if self.prediction == "mean":
            return 0.5 * bag + 0.5 * top
        # The conference version averages probabilities; their logarithm has them as its softmax.
        return torch.log(0.5 * torch.softmax(bag, -1) + 0.5 * torch.softmax(top, -1))


class DSMIL(DualStream, Aggregator):
    """Names of the official repository's `MILNet`, or (`original`) of the authors', which has no feature layer."""

    def __init__(
        self,
        input_dim,
        classes=2,
        embed_dim=512,
        activation="gelu",
        dropout=0.25,
        query="nonlinear",
        query_dim=128,
        values="rectified",
        prediction="bag",
        label_weight=0.5,
        instance_weight=0.5,
        bias=True,
        norm="none",
        layout="stand-alone",
    ):
        super().__init__()
        original = layout == "original"
        dim = input_dim if original else embed_dim
        self.embed_dim = dim
        self.feature = None if original else feature_layer(input_dim, dim, activation, dropout, bias, norm)
        batch = norm == "batch" and not original
        self.norm = nn.BatchNorm1d(input_dim) if batch else None
        # Officially made and saved, never used.
        self.norm1 = nn.BatchNorm1d(dim) if batch else None
        name = ("fc", "0") if original else ()
        self.build(dim, classes, query, query_dim, values, prediction, bias, norm, name)
        self.label_weight, self.instance_weight = label_weight, instance_weight

    def embed(self, x, positions=None):
        x = x if self.norm is None else self.norm(x)
        return x if self.feature is None else self.feature(x)

    def pool(self, z, positions=None, scored=False):
        return self.streams(z)

    def classify(self, bags, state):
        return self.combine(*state)

    def loss(self, x, label, positions=None):
        _, (bag, c) = self.pool(self.embed(x))
        if self.prediction == "mean":
            return F.cross_entropy(self.combine(bag, c), label)
        top, _ = torch.max(c, 0, keepdim=True)
        return self.label_weight * F.cross_entropy(bag, label) + self.instance_weight * F.cross_entropy(top, label)


class DSMILEncoder(DualStream):
    """The encoder of `MHIM` with `baseline=dsmil`, which predicts without the predictor that MHIM makes."""

    def __init__(
        self,
        embed_dim=512,
        classes=2,
        query="nonlinear",
        query_dim=128,
        values="rectified",
        prediction="mean",
        label_weight=0.5,
        instance_weight=0.5,
        bias=True,
        norm="none",
    ):
        super().__init__()
        self.build(embed_dim, classes, query, query_dim, values, prediction, bias, norm, ("0",))

    def pool(self, z, scored=False):
        return self.streams(z)

    def classify(self, bags, state, predictor):
        return self.combine(*state)

    def scores(self, z, state, predictor):
        return state[1].amax(-1)
