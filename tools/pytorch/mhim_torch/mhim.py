"""MHIM: its bases AB-MIL, DSMIL and TransMIL under the names of the official `MHIM` class, and a training step of MHIM-v2."""

import copy

import torch
from torch import nn
from torch.nn import functional as F

from .ab_mil import AttentionEncoder
from .aggregator import Aggregator, feature_layer
from .ds_mil import DSMILEncoder
from .trans_mil import TransMILEncoder

ENCODERS = {"ab-mil": AttentionEncoder, "ds-mil": DSMILEncoder, "trans-mil": TransMILEncoder}


class MHIMBase(Aggregator):
    """What MHIM runs over, and its baseline `mhim_pure`: feature layer, encoder, predictor."""

    def __init__(
        self,
        encoder,
        input_dim,
        classes=2,
        embed_dim=512,
        activation="gelu",
        dropout=0.25,
        feature_bias=True,
        classifier_bias=True,
        norm="none",
        **options,
    ):
        super().__init__()
        if norm != "none":
            raise ValueError(f"aggregator.norm: expected none inside MHIM, got {norm}.")
        self.embed_dim = embed_dim
        self.feature = feature_layer(input_dim, embed_dim, activation, dropout, feature_bias)
        self.online_encoder = ENCODERS[encoder](embed_dim, classes, **options)
        self.predictor = nn.Linear(embed_dim, classes, bias=classifier_bias)

    def embed(self, x, positions=None):
        return self.feature(x)

    def pool(self, z, positions=None, scored=False):
        return self.online_encoder.pool(z, scored=scored)

    def classify(self, bag, state):
        return self.online_encoder.classify(bag, state, self.predictor)

    def scores(self, z, state):
        return self.online_encoder.scores(z, state, self.predictor)


class MHIM(nn.Module):
    """Student and teacher of MHIM-v2. The student's state dict is what is saved: the aggregator's, and `merge.*`."""

    def __init__(self, aggregator, recycle):
        super().__init__()
        self.teacher = copy.deepcopy(aggregator).requires_grad_(False)
        self.student = aggregator
        self.student.merge = recycle

    def forward(self, x):
        return self.student(x)

    def loss(self, x, label, positions=None):
        student, n = self.student, x.shape[0]
        with torch.no_grad():
            z = self.teacher.embed(x)
            target, state = self.teacher.pool(z, scored=True)
            candidates = torch.topk(self.teacher.scores(z, state), -(-2 * 3 * n // 100)).indices
            masked = candidates[torch.randperm(len(candidates))[: -(-len(candidates) // 2)]]
            alive = torch.ones(n, dtype=torch.bool)
            alive[masked] = False
        z = student.embed(x)[alive]
        order = torch.randperm(len(z))
        keep = int(len(z) * 0.2)
        recycled = student.merge(z[order[keep:]])
        self.moved = recycled.detach()
        bag, state = student.pool(torch.cat([z[order[:keep]], recycled]))
        consistency = -(torch.softmax(target / 0.1, -1) * torch.log_softmax(bag, -1)).sum(-1).mean()
        return F.cross_entropy(student.classify(bag, state), label) + 0.5 * consistency

    @torch.no_grad()
    def follow(self):
        """After the optimiser: the global query moves, then the teacher."""
        self.student.merge.global_q_mm.mul_(0.9999).add_(self.moved, alpha=1e-4)
        student = dict(self.student.named_parameters())
        for name, t in self.teacher.named_parameters():
            t.mul_(0.9999).add_(student[name], alpha=1e-4)
