"""The PyTorch side of `npm run bench`: the same models and steps, written plainly, timed in this process.

Usage: torch_peer.py '{"model": "ab-mil", "phase": "train", "instances": 10000, "inputDim": 1024, "repeats": 9, "warmup": 3}'
Prints one JSON line: {"ms": median, "min_ms": …, "peak_mb": …, "version": …, "threads": …}.
"""

import copy
import json
import math
import resource
import statistics
import sys
import time

import torch
from torch import nn
from torch.nn import functional as F

EMBED, HIDDEN, CLASSES, QUERIES, HEADS, HEAD_DIM = 512, 128, 2, 5, 8, 64


class AttentionMIL(nn.Module):
    """Feature layer, attention pooling, classifier (Ilse et al. 2018)."""

    def __init__(self, input_dim, mhim):
        super().__init__()
        self.feature = nn.Sequential(nn.Linear(input_dim, EMBED), nn.GELU())
        self.drop = nn.Dropout(0.25)
        activation = nn.ReLU() if mhim else nn.Tanh()
        self.attention = nn.Sequential(
            nn.Linear(EMBED, HIDDEN, bias=not mhim), activation, nn.Linear(HIDDEN, 1, bias=not mhim)
        )
        self.predictor = nn.Linear(EMBED, CLASSES)

    def embed(self, x):
        return self.drop(self.feature(x))

    def pool(self, z):
        a = torch.softmax(self.attention(z).T, dim=-1)
        return a @ z, a

    def forward(self, x):
        return self.predictor(self.pool(self.embed(x))[0])


class GroupAttention(nn.Module):
    """Self-attention within groups of tokens [g, t, d]; with taps, a convolution along the queries is added to the logits."""

    def __init__(self, taps=0):
        super().__init__()
        self.qkv = nn.Linear(EMBED, 3 * EMBED)
        self.proj = nn.Sequential(nn.Linear(EMBED, EMBED), nn.Dropout(0.1))
        self.pe = nn.Conv2d(HEADS, HEADS, (taps, 1), padding=(taps // 2, 0), groups=HEADS) if taps else None

    def forward(self, x):
        g, t, d = x.shape
        q, k, v = self.qkv(x).view(g, t, 3, HEADS, d // HEADS).permute(2, 0, 3, 1, 4)
        logits = q * (d // HEADS) ** -0.5 @ k.transpose(-1, -2)
        if self.pe is not None:
            logits = logits + self.pe(logits)
        return self.proj((logits.softmax(-1) @ v).transpose(1, 2).reshape(g, t, d))


class R2TMIL(nn.Module):
    """Attention within and across 8 x 8 regions, then attention pooling (Tang et al. 2024)."""

    def __init__(self, input_dim, regions=8, summaries=3):
        super().__init__()
        self.regions = regions
        self.feature = nn.Sequential(nn.Linear(input_dim, EMBED), nn.ReLU(), nn.Dropout(0.25))
        self.norms = nn.ModuleList(nn.LayerNorm(EMBED) for _ in range(3))
        self.within, self.across = GroupAttention(15), GroupAttention()
        self.phi = nn.Parameter((torch.rand(EMBED, summaries) * 2 - 1) / summaries**0.5)
        self.attention = nn.Sequential(
            nn.Linear(EMBED, HIDDEN, bias=False), nn.ReLU(), nn.Linear(HIDDEN, 1, bias=False)
        )
        self.predictor = nn.Linear(EMBED, CLASSES)

    def split(self, x):
        n, d = x.shape
        size = math.ceil(math.ceil(math.sqrt(n)) / self.regions)
        x = F.pad(x, (0, 0, 0, (self.regions * size) ** 2 - n))
        return x.view(self.regions, size, self.regions, size, d).transpose(1, 2).reshape(-1, size * size, d)

    def join(self, x, n):
        size = math.isqrt(x.shape[1])
        return x.view(self.regions, self.regions, size, size, -1).transpose(1, 2).reshape(-1, x.shape[2])[:n]

    def forward(self, x):
        n = len(x)
        x = self.feature(x)
        x = x + self.join(self.within(self.split(self.norms[0](x))), n)
        tokens = self.split(self.norms[1](x))
        scores = (tokens @ self.phi).transpose(1, 2)
        least, largest = scores.amin(-1, keepdim=True), scores.amax(-1, keepdim=True)
        given = (scores - least) / (largest - least + 1e-8) * scores.softmax(1)
        summed = self.across((scores.softmax(-1) @ tokens).transpose(0, 1)).transpose(0, 1)
        x = self.norms[2](x + self.join(given.transpose(1, 2) @ summed, n))
        return self.predictor(torch.softmax(self.attention(x).T, dim=-1) @ x)


class Recycle(nn.Module):
    """Cross-attention of K global queries to the masked instances; keys and values are projected instance by instance."""

    def __init__(self):
        super().__init__()
        inner = HEADS * HEAD_DIM
        self.norm = nn.LayerNorm(EMBED)
        self.to_q = nn.Linear(EMBED, inner, bias=False)
        self.to_kv = nn.Linear(EMBED, 2 * inner, bias=False)
        self.to_out = nn.Sequential(nn.Linear(inner, EMBED), nn.Dropout(0.1))
        self.drop = nn.Dropout(0.1)
        self.query = nn.Parameter(torch.rand(QUERIES, EMBED) - 0.5, requires_grad=False)

    def forward(self, x):
        def heads(t):
            return t.view(t.shape[0], HEADS, HEAD_DIM).transpose(0, 1)

        k, v = self.to_kv(self.norm(x)).chunk(2, dim=-1)
        q = heads(self.to_q(self.norm(self.query)))
        a = self.drop(torch.softmax(q @ heads(k).transpose(1, 2) * HEAD_DIM**-0.5, dim=-1))
        return self.to_out((a @ heads(v)).transpose(0, 1).reshape(QUERIES, HEADS * HEAD_DIM))


class MHIM(nn.Module):
    def __init__(self, input_dim):
        super().__init__()
        self.recycle = Recycle()
        self.student = AttentionMIL(input_dim, mhim=True)
        self.teacher = copy.deepcopy(self.student).requires_grad_(False)

    def forward(self, x, label):
        n = x.shape[0]
        with torch.no_grad():
            z = self.teacher.embed(x)
            target, a = self.teacher.pool(z)
            score = torch.softmax((z * a.T) @ self.teacher.predictor.weight.T, dim=-1).amax(-1)
            candidates = torch.topk(score, -(-2 * 3 * n // 100)).indices
            masked = candidates[torch.randperm(len(candidates))[: -(-len(candidates) // 2)]]
            alive = torch.ones(n, dtype=torch.bool)
            alive[masked] = False
        z = self.student.embed(x)[alive]
        order = torch.randperm(len(z))
        keep = int(len(z) * 0.2)
        recycled = self.recycle(z[order[keep:]])
        self.moved = recycled.detach()
        bag, _ = self.student.pool(torch.cat([z[order[:keep]], recycled]))
        consistency = -(torch.softmax(target / 0.1, -1) * torch.log_softmax(bag, -1)).sum(-1).mean()
        return F.cross_entropy(self.student.predictor(bag), label) + 0.5 * consistency

    @torch.no_grad()
    def follow(self):
        self.recycle.query.mul_(0.9999).add_(self.moved, alpha=1e-4)
        for t, s in zip(self.teacher.parameters(), self.student.parameters()):
            t.mul_(0.9999).add_(s, alpha=1e-4)

    def infer(self, x):
        z = self.student.embed(x)
        return self.student.predictor(self.student.pool(torch.cat([z, self.recycle(z)]))[0])


def main():
    task = json.loads(sys.argv[1])
    torch.manual_seed(0)
    x = torch.randn(task["instances"], task["inputDim"])
    label = torch.tensor([1])
    mhim = task["model"].startswith("mhim-v2")
    if task["model"] == "r2t-mil":
        model = R2TMIL(task["inputDim"])
    else:
        model = MHIM(task["inputDim"]) if mhim else AttentionMIL(task["inputDim"], mhim=False)
    optimiser = torch.optim.Adam([p for p in model.parameters() if p.requires_grad], lr=2e-4, weight_decay=1e-5)

    def train():
        optimiser.zero_grad()
        loss = model(x, label) if mhim else F.cross_entropy(model(x), label)
        loss.backward()
        optimiser.step()
        if mhim:
            model.follow()
        return loss.item()

    def infer():
        with torch.no_grad():
            return (model.infer(x) if mhim else model(x)).sum().item()

    step = train if task["phase"] == "train" else infer
    model.train(task["phase"] == "train")
    times = []
    for i in range(task["warmup"] + task["repeats"]):
        start = time.perf_counter()
        step()
        if i >= task["warmup"]:
            times.append(1000 * (time.perf_counter() - start))
    print(
        json.dumps(
            {
                "ms": statistics.median(times),
                "min_ms": min(times),
                "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
                "version": f"torch {torch.__version__}",
                "threads": torch.get_num_threads(),
            }
        )
    )


if __name__ == "__main__":
    main()
