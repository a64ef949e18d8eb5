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


class Pooled(nn.Module):
    """What models with one bag embedding and a linear classifier share."""

    def loss(self, x, label):
        return F.cross_entropy(self(x), label)

    def encode(self, z):
        bag, _ = self.pool(z)
        return self.predictor(bag), bag

    def score(self, z):
        bag, state = self.pool(z, scored=True)
        return bag, self.scores(z, state)


class AttentionMIL(Pooled):
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


class TransMIL(Pooled):
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


class DualStreamMIL(nn.Module):
    """DSMIL (Li et al. 2021) with learned values and a nonlinear query, as the official MHIM repository has it."""

    def __init__(self, input_dim, mhim):
        super().__init__()
        self.mhim = mhim
        self.feature = nn.Sequential(nn.Linear(input_dim, EMBED), nn.GELU())
        self.drop = nn.Dropout(0.25)
        self.instance = nn.Linear(EMBED, CLASSES)
        self.q = nn.Sequential(nn.Linear(EMBED, HIDDEN), nn.ReLU(), nn.Linear(HIDDEN, HIDDEN), nn.Tanh())
        self.v = nn.Sequential(nn.Linear(EMBED, EMBED), nn.ReLU())
        self.fcc = nn.Conv1d(CLASSES, CLASSES, kernel_size=EMBED)

    def embed(self, x):
        return self.drop(self.feature(x))

    def streams(self, z):
        c = self.instance(z)
        v, q = self.v(z), self.q(z)
        _, order = torch.sort(c, 0, descending=True)
        critical = self.q(torch.index_select(z, 0, order[0]))
        a = torch.softmax(q @ critical.T / HIDDEN**0.5, 0)
        bags = a.T @ v
        return self.fcc(bags[None]).view(1, -1), c, bags

    def forward(self, x):
        bag, c, _ = self.streams(self.embed(x))
        return (bag + c.amax(0, keepdim=True)) / 2 if self.mhim else bag

    def loss(self, x, label):
        bag, c, _ = self.streams(self.embed(x))
        top, _ = torch.max(c, 0, keepdim=True)
        return 0.5 * F.cross_entropy(bag, label) + 0.5 * F.cross_entropy(top, label)

    def encode(self, z):
        bag, c, bags = self.streams(z)
        return 0.5 * bag + 0.5 * torch.max(c, 0, keepdim=True)[0], bags

    def score(self, z):
        _, c, bags = self.streams(z)
        return bags, c.amax(-1)


class Clam(nn.Module):
    """CLAM (Lu et al. 2021), one attention branch or one for each class, with its instance loss (smooth top-1 SVM)."""

    def __init__(self, input_dim, branches):
        super().__init__()
        self.feature = nn.Sequential(nn.Linear(input_dim, EMBED), nn.GELU(), nn.Dropout(0.25))
        self.a = nn.Sequential(nn.Linear(EMBED, 256), nn.Tanh(), nn.Dropout(0.25))
        self.b = nn.Sequential(nn.Linear(EMBED, 256), nn.Sigmoid(), nn.Dropout(0.25))
        self.c = nn.Linear(256, branches)
        heads = CLASSES if branches == 1 else 1
        self.classifiers = nn.ModuleList(nn.Linear(EMBED, heads) for _ in range(branches))
        self.instance = nn.ModuleList(nn.Linear(EMBED, 2) for _ in range(CLASSES))

    def pooled(self, x):
        z = self.feature(x)
        a = torch.softmax(self.c(self.a(z) * self.b(z)).T, dim=1)
        bags = a @ z
        return torch.cat([f(bag[None]) for f, bag in zip(self.classifiers, bags)], 1), a, z

    def forward(self, x):
        return self.pooled(x)[0]

    def loss(self, x, label):
        logits, a, z = self.pooled(x)
        branch = a[label.item() if len(a) > 1 else 0]
        chosen = torch.cat([torch.topk(branch, 8).indices, torch.topk(-branch, 8).indices])
        y = torch.cat([torch.ones(8), torch.zeros(8)]).long()
        s = self.instance[label.item()](z[chosen])
        margin = 1 - F.one_hot(y, 2) + s - s.gather(1, y[:, None])
        return 0.7 * F.cross_entropy(logits, label) + 0.3 * torch.logsumexp(margin, 1).mean()


class GatedPool(nn.Module):
    def __init__(self):
        super().__init__()
        self.v, self.u, self.w = nn.Linear(EMBED, HIDDEN), nn.Linear(EMBED, HIDDEN), nn.Linear(HIDDEN, 1)

    def forward(self, z):
        return torch.softmax(self.w(torch.tanh(self.v(z)) * torch.sigmoid(self.u(z))).T, dim=-1)


class DTFD(nn.Module):
    """DTFD-MIL with AFS (Zhang et al. 2022): shuffled pseudo-bags one after the other, both losses, tiers apart."""

    def __init__(self, input_dim, groups=5):
        super().__init__()
        self.groups = groups
        self.feature = nn.Linear(input_dim, EMBED, bias=False)
        self.drop = nn.Dropout(0.25)
        self.attention, self.bag_attention = GatedPool(), GatedPool()
        self.classifier, self.bag_classifier = nn.Linear(EMBED, CLASSES), nn.Linear(EMBED, CLASSES)

    def tiers(self, x):
        pooled, logits = [], []
        for members in torch.randperm(len(x)).chunk(self.groups):
            z = self.drop(F.relu(self.feature(x[members])))
            pooled.append(self.attention(z) @ z)
            logits.append(self.classifier(self.drop(pooled[-1])))
        second = torch.cat(pooled).detach()
        bag = self.bag_attention(second) @ second
        return self.bag_classifier(self.drop(bag)), torch.cat(logits)

    def forward(self, x):
        return self.tiers(x)[0]

    def loss(self, x, label):
        second, first = self.tiers(x)
        return F.cross_entropy(second, label) + F.cross_entropy(first, label.expand(len(first)))


class Interventional(nn.Module):
    """IBMIL's third stage (Lin et al. 2023): attention pooling and a mix of K fixed confounders."""

    def __init__(self, input_dim, confounders=8):
        super().__init__()
        self.feature = nn.Sequential(nn.Linear(input_dim, EMBED), nn.GELU(), nn.Dropout(0.25))
        self.attention = nn.Sequential(nn.Linear(EMBED, HIDDEN), nn.Tanh(), nn.Linear(HIDDEN, 1))
        self.query, self.key = nn.Linear(EMBED, HIDDEN), nn.Linear(EMBED, HIDDEN)
        self.head = nn.Linear(2 * EMBED, CLASSES)
        self.register_buffer("confounders", torch.randn(confounders, EMBED))

    def forward(self, x):
        z = self.feature(x)
        bag = torch.softmax(self.attention(z).T, dim=-1) @ z
        w = torch.softmax(self.query(bag) @ self.key(self.confounders).T / math.sqrt(HIDDEN), dim=-1)
        return self.head(torch.cat([bag, w @ self.confounders], dim=1))

    def loss(self, x, label):
        return F.cross_entropy(self(x), label)


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

    def loss(self, x, label):
        return F.cross_entropy(self(x), label)


class Mamba2D(Pooled):
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
    def __init__(self, student):
        super().__init__()
        self.recycle = Recycle()
        self.student = student
        self.teacher = copy.deepcopy(self.student).requires_grad_(False)

    def forward(self, x, label):
        n = x.shape[0]
        with torch.no_grad():
            z = self.teacher.embed(x)
            target, score = self.teacher.score(z)
            candidates = torch.topk(score, -(-2 * 3 * n // 100)).indices
            masked = candidates[torch.randperm(len(candidates))[: -(-len(candidates) // 2)]]
            alive = torch.ones(n, dtype=torch.bool)
            alive[masked] = False
        z = self.student.embed(x)[alive]
        order = torch.randperm(len(z))
        keep = int(len(z) * 0.2)
        recycled = self.recycle(z[order[keep:]])
        self.moved = recycled.detach()
        logits, bag = self.student.encode(torch.cat([z[order[:keep]], recycled]))
        consistency = -(torch.softmax(target / 0.1, -1) * torch.log_softmax(bag, -1)).sum(-1).mean()
        return F.cross_entropy(logits, label) + 0.5 * consistency

    loss = forward

    @torch.no_grad()
    def follow(self):
        self.recycle.query.mul_(0.9999).add_(self.moved, alpha=1e-4)
        for t, s in zip(self.teacher.parameters(), self.student.parameters()):
            t.mul_(0.9999).add_(s, alpha=1e-4)

    def infer(self, x):
        z = self.student.embed(x)
        return self.student.encode(torch.cat([z, self.recycle(z)]))[0]


def build(name, input_dim, mhim, instances):
    if name == "mamba-2d":
        return Mamba2D(input_dim, instances)
    if name == "ds-mil":
        return DualStreamMIL(input_dim, mhim)
    if name == "dtfd-mil":
        return DTFD(input_dim)
    if name == "ib-mil":
        return Interventional(input_dim)
    if name.startswith("clam"):
        return Clam(input_dim, branches=CLASSES if name == "clam-mb" else 1)
    if name == "trans-mil":
        return TransMIL(input_dim, mhim)
    return R2TMIL(input_dim) if name == "r2t-mil" else AttentionMIL(input_dim, mhim)


def main():
    task = json.loads(sys.argv[1])
    torch.manual_seed(0)
    x = torch.randn(task["instances"], task["inputDim"])
    label = torch.tensor([1])
    mhim = task["model"].startswith("mhim-v2")
    base = build(task["model"].removeprefix("mhim-v2:"), task["inputDim"], mhim, task["instances"])
    model = MHIM(base) if mhim else base
    optimiser = torch.optim.Adam([p for p in model.parameters() if p.requires_grad], lr=2e-4, weight_decay=1e-5)

    def train():
        optimiser.zero_grad()
        loss = model.loss(x, label)
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
