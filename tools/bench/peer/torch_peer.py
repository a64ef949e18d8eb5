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

    def pool(self, z, scored=False):
        a = torch.softmax(self.attention(z).T, dim=-1)
        return a @ z, a

    def scores(self, z, a):
        return torch.softmax((z * a.T) @ self.predictor.weight.T, dim=-1).amax(-1)

    def forward(self, x):
        return self.predictor(self.pool(self.embed(x))[0])


class NystromAttention(nn.Module):
    """Self-attention through 256 landmarks (Xiong et al. 2021), with a convolution of the values added."""

    LANDMARKS, STEPS, TAPS = 256, 6, 33

    def __init__(self):
        super().__init__()
        inner = HEADS * HEAD_DIM
        self.to_qkv = nn.Linear(EMBED, 3 * inner, bias=False)
        self.to_out = nn.Sequential(nn.Linear(inner, EMBED), nn.Dropout(0.1))
        self.res_conv = nn.Conv2d(HEADS, HEADS, (self.TAPS, 1), padding=(self.TAPS // 2, 0), groups=HEADS, bias=False)

    def forward(self, x, scored=False):
        n, m = x.shape[0], self.LANDMARKS
        x = F.pad(x, (0, 0, -n % m, 0))
        q, k, v = (t.view(-1, HEADS, HEAD_DIM).transpose(0, 1) for t in self.to_qkv(x).chunk(3, dim=-1))
        q = q * HEAD_DIM**-0.5
        q_mean, k_mean = (t.reshape(HEADS, m, -1, HEAD_DIM).mean(2) for t in (q, k))
        a1 = torch.softmax(q @ k_mean.transpose(1, 2), dim=-1)
        z = self.pseudo_inverse(torch.softmax(q_mean @ k_mean.transpose(1, 2), dim=-1))
        a3 = torch.softmax(q_mean @ k.transpose(1, 2), dim=-1)
        y = (a1 @ z) @ (a3 @ v) + self.res_conv(v[None])[0]
        y = self.to_out(y.transpose(0, 1).reshape(x.shape[0], -1))[-n:]
        if not scored:
            return y
        return y, (a1[:, -n, None] @ z @ a3)[:, 0, 1 - n :], v[:, 1 - n :]

    def pseudo_inverse(self, a):
        z = a.transpose(1, 2) / (a.abs().sum(-1).max() * a.abs().sum(-2).max())
        one = torch.eye(a.shape[-1])
        for _ in range(self.STEPS):
            p = a @ z
            z = 0.25 * z @ (13 * one - p @ (15 * one - p @ (7 * one - p)))
        return z


class Layer(nn.Module):
    def __init__(self):
        super().__init__()
        self.norm = nn.LayerNorm(EMBED)
        self.attn = NystromAttention()

    def forward(self, x):
        return x + self.attn(self.norm(x))


class TransMIL(nn.Module):
    """Class token, two layers of Nyström attention, pyramid position encoding between them (Shao et al. 2021)."""

    def __init__(self, input_dim, mhim):
        super().__init__()
        self.mhim = mhim
        self.feature = nn.Sequential(nn.Linear(input_dim, EMBED), nn.GELU())
        self.drop = nn.Dropout(0.25)
        self.cls_token = nn.Parameter(torch.randn(1, EMBED))
        self.layer1, self.layer2 = Layer(), Layer()
        self.convolutions = nn.ModuleList(nn.Conv2d(EMBED, EMBED, k, padding=k // 2, groups=EMBED) for k in (7, 5, 3))
        self.norm = nn.LayerNorm(EMBED)
        self.predictor = nn.Linear(EMBED, CLASSES)

    def embed(self, x):
        return self.drop(self.feature(x))

    def square(self, z):
        side = math.ceil(math.sqrt(len(z)))
        return torch.cat([z, z[: side * side - len(z)]])

    def positions(self, z):
        n = len(z)
        z = self.square(z) if self.mhim else z
        side = math.isqrt(len(z))
        grid = z.T.reshape(1, EMBED, side, side)
        return (grid + sum(c(grid) for c in self.convolutions)).reshape(EMBED, -1).T[:n]

    def pool(self, z, scored=False):
        """The bag embedding and, if asked for, the weighted values of layer 1 that instances are scored by."""
        x = torch.cat([self.cls_token, z if self.mhim else self.square(z)])
        act = None
        if scored:
            y, a, v = self.layer1.attn(self.layer1.norm(x), scored=True)
            x = x + y
            act = (a[..., None] * v).transpose(0, 1).reshape(len(z), -1)
        else:
            x = self.layer1(x)
        x = self.layer2(torch.cat([x[:1], self.positions(x[1:])]))
        return self.norm(x)[:1], act

    def scores(self, z, act):
        return torch.softmax(self.layer1.attn.to_out(act) @ self.predictor.weight.T, dim=-1).amax(-1)

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
    def __init__(self, base, input_dim):
        super().__init__()
        self.recycle = Recycle()
        self.student = base(input_dim, mhim=True)
        self.teacher = copy.deepcopy(self.student).requires_grad_(False)

    def forward(self, x, label):
        n = x.shape[0]
        with torch.no_grad():
            z = self.teacher.embed(x)
            target, act = self.teacher.pool(z, scored=True)
            score = self.teacher.scores(z, act)
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
    base = TransMIL if task["model"].endswith("trans-mil") else AttentionMIL
    model = MHIM(base, task["inputDim"]) if mhim else base(task["inputDim"], mhim=False)
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
