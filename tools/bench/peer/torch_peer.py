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


class Mamba2D(nn.Module):
    """2DMamba (Zhang et al. 2025), one block: its scan by definition, a whole row or column a step, gradients by autograd."""

    DIM, INNER, STATES, RANK = 128, 256, 16, 8

    def __init__(self, input_dim, instances):
        super().__init__()
        dim, inner, states, rank = self.DIM, self.INNER, self.STATES, self.RANK
        self.side = math.ceil(math.sqrt(2 * instances))
        self.register_buffer("cells", torch.arange(instances) * self.side**2 // instances)
        self.feature = nn.Sequential(nn.Linear(input_dim, dim), nn.GELU(), nn.Dropout(0.25))
        self.pad = nn.Parameter(torch.rand(dim))
        self.norm = nn.RMSNorm(dim, eps=1e-5)
        self.in_proj = nn.Linear(dim, 2 * inner, bias=False)
        self.conv = nn.Conv1d(inner, inner, 4, groups=inner, padding=3)
        self.x_proj = nn.Linear(inner, rank + 2 * states, bias=False)
        self.norms = nn.ModuleList(nn.RMSNorm(width, eps=1e-5) for width in (rank, states, states))
        self.dt_proj = nn.Linear(rank, inner)
        self.log_decay = nn.Parameter(torch.log(torch.arange(1.0, states + 1)).repeat(inner, 1))
        self.skip = nn.Parameter(torch.ones(inner))
        self.out_proj = nn.Linear(inner, dim, bias=False)
        self.last_norm = nn.LayerNorm(dim)
        self.attention = nn.Sequential(nn.Linear(dim, HIDDEN), nn.Tanh(), nn.Linear(HIDDEN, 1))
        self.predictor = nn.Linear(dim, CLASSES)

    def scan(self, decay, x):
        for axis in (1, 0):
            states = []
            for a, b in zip(decay.unbind(axis), x.unbind(axis)):
                states.append(torch.addcmul(b, a, states[-1]) if states else b)
            x = torch.stack(states, axis)
        return x

    def mix(self, h):
        side = self.side
        x, z = self.in_proj(h).chunk(2, dim=-1)
        x = F.silu(self.conv(x.T[None])[0, :, : side * side].T)
        dt, b, c = (
            norm(part)
            for norm, part in zip(self.norms, self.x_proj(x).split([self.RANK, self.STATES, self.STATES], dim=-1))
        )
        dt = F.softplus(self.dt_proj(dt))
        decay = torch.exp(dt[:, :, None] * -torch.exp(self.log_decay))
        fed = (dt * x)[:, :, None] * b[:, None, :]
        grid = (side, side, self.INNER, self.STATES)
        states = self.scan(decay.view(grid), fed.view(grid)).view(-1, self.INNER, self.STATES)
        y = (states @ c[:, :, None])[:, :, 0] + self.skip * x
        return self.out_proj(y * F.silu(z))

    def forward(self, x):
        h = self.pad.repeat(self.side**2, 1).index_copy(0, self.cells, self.feature(x))
        h = self.last_norm(h + self.mix(self.norm(h)))
        return self.predictor(torch.softmax(self.attention(h).T, dim=-1) @ h)


def main():
    task = json.loads(sys.argv[1])
    torch.manual_seed(0)
    x = torch.randn(task["instances"], task["inputDim"])
    label = torch.tensor([1])
    mhim = task["model"].startswith("mhim-v2")
    if mhim:
        model = MHIM(task["inputDim"])
    elif task["model"] == "mamba-2d":
        model = Mamba2D(task["inputDim"], task["instances"])
    else:
        model = AttentionMIL(task["inputDim"], mhim=False)
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
