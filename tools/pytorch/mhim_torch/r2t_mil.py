"""R2T-MIL (Tang et al. 2024): attention within and across regions of the bag, then attention pooling."""

import math

import torch
from torch import nn
from torch.nn import functional as F

from .aggregator import ACTIVATIONS, Aggregator, feature_layer, new_norm
from .attention_pooling import AttentionPooling


class Regions:
    """Tokens row by row on a square grid whose side the regions divide, with zeros behind the last one."""

    def __init__(self, n, regions=8, region_size=0, min_instances=0, min_region_ratio=0):
        def side_for(step):
            return math.ceil(math.ceil(math.sqrt(n)) / step) * step

        self.side = side_for(region_size or regions)
        self.size = region_size or self.side // regions
        if n < min_instances or self.side**2 - n > n / (min_region_ratio + 1e-8):
            self.side = self.size = side_for(2)
        self.n, self.along = n, self.side // self.size

    def split(self, x):
        x = F.pad(x, (0, 0, 0, self.side**2 - self.n))
        x = x.view(self.along, self.size, self.along, self.size, x.shape[1])
        return x.transpose(1, 2).reshape(self.along**2, self.size**2, -1)

    def join(self, x):
        x = x.view(self.along, self.along, self.size, self.size, -1)
        return x.transpose(1, 2).reshape(self.side**2, -1)[: self.n]


class GroupAttention(nn.Module):
    """Self-attention within groups of tokens [g, t, d]; with taps, a convolution along the queries is added to the logits."""

    def __init__(self, dim, heads=8, taps=0, bias=True, dropout=0.1):
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(dim, 3 * dim, bias=bias)
        self.proj, self.drop = nn.Linear(dim, dim), nn.Dropout(dropout)
        self.pe = nn.Conv2d(heads, heads, (taps, 1), padding=(taps // 2, 0), groups=heads) if taps else None

    def forward(self, x):
        g, t, d = x.shape
        q, k, v = self.qkv(x).view(g, t, 3, self.heads, d // self.heads).permute(2, 0, 3, 1, 4)
        logits = q * (d // self.heads) ** -0.5 @ k.transpose(-1, -2)
        if self.pe is not None:
            logits = logits + self.pe(logits)
        return self.drop(self.proj((logits.softmax(-1) @ v).transpose(1, 2).reshape(g, t, d)))


class RegionAttention(nn.Module):
    """R-MSA. Officially bags above 100,000 have 16 regions a side, and inference takes at least 8."""

    def __init__(self, dim, heads, taps, bias, dropout, regions, **grid):
        super().__init__()
        self.attn = GroupAttention(dim, heads, taps, bias, dropout)
        self.regions, self.grid = regions, grid

    def forward(self, x):
        regions = 16 if len(x) > 100_000 else self.regions
        grid = Regions(len(x), regions if self.training else max(regions, 8), **self.grid)
        return grid.join(self.attn(grid.split(x)))


class CrossRegionAttention(nn.Module):
    """CR-MSA: a few tokens sum each region up and attend to those of the others."""

    def __init__(self, dim, heads, bias, dropout, regions, summaries):
        super().__init__()
        self.attn = GroupAttention(dim, heads, 0, bias, dropout)
        self.phi = nn.Parameter((torch.rand(dim, summaries) * 2 - 1) / summaries**0.5)
        self.regions = regions

    def forward(self, x):
        grid = Regions(len(x), self.regions)
        tokens = grid.split(x)
        scores = (tokens @ self.phi).transpose(1, 2)
        least, largest = scores.amin(-1, keepdim=True), scores.amax(-1, keepdim=True)
        given = (scores - least) / (largest - least + 1e-8) * scores.softmax(1)
        summed = self.attn((scores.softmax(-1) @ tokens).transpose(0, 1)).transpose(0, 1)
        return grid.join(given.transpose(1, 2) @ summed)


class FeedForward(nn.Module):
    def __init__(self, dim, ratio, activation, dropout):
        super().__init__()
        hidden = int(dim * ratio)
        self.fc1, self.fc2 = nn.Linear(dim, hidden), nn.Linear(hidden, dim)
        self.act, self.drop = ACTIVATIONS[activation](), nn.Dropout(dropout)

    def forward(self, x):
        return self.drop(self.fc2(self.drop(self.act(self.fc1(x)))))


class Block(nn.Module):
    def __init__(self, dim, attention, feed_forward):
        super().__init__()
        self.norm, self.attn = nn.LayerNorm(dim), attention
        self.norm2 = nn.LayerNorm(dim) if feed_forward else None
        self.mlp = FeedForward(dim, *feed_forward) if feed_forward else None

    def forward(self, x):
        x = x + self.attn(self.norm(x))
        return x if self.mlp is None else x + self.mlp(self.norm2(x))


class Encoder(nn.Module):
    def __init__(self, dim, regional, cross, shortcut):
        super().__init__()
        self.norm = nn.LayerNorm(dim)
        self.layers, self.cr_msa, self.shortcut = nn.Sequential(*regional), cross, shortcut

    def forward(self, z):
        x = self.layers(z)
        x = x if self.cr_msa is None else self.cr_msa(x)
        return self.norm(x + z if self.shortcut else x)


class PoolFunction(nn.Module):
    def __init__(self, attention):
        super().__init__()
        self.attention = attention


class R2TMIL(Aggregator):
    def __init__(
        self,
        input_dim,
        classes=2,
        embed_dim=512,
        activation="relu",
        dropout=0.25,
        layers=2,
        heads=8,
        regions=8,
        region_size=0,
        min_instances=0,
        min_region_ratio=0,
        epeg_kernel=15,
        cross_region=True,
        summaries=3,
        cross_heads=8,
        cross_regions=8,
        qkv_bias=True,
        shortcut=False,
        feed_forward=False,
        feed_forward_ratio=4,
        feed_forward_activation="gelu",
        encoder_dropout=0.1,
        gated=False,
        attention_dim=128,
        attention_activation="relu",
        attention_bias=False,
        attention_dropout=0.0,
        feature_bias=True,
        classifier_bias=True,
        norm="none",
        norm_position="features",
    ):
        super().__init__()
        self.embed_dim = dim = embed_dim
        self.feature = feature_layer(input_dim, dim, activation, dropout, feature_bias)
        self.norm_on_features = norm_position == "features"
        self.norm = new_norm(norm, input_dim if self.norm_on_features else dim)
        if norm == "layer" and not feature_bias:
            self.norm.register_parameter("bias", None)
        grid = dict(region_size=region_size, min_instances=min_instances, min_region_ratio=min_region_ratio)
        network = (feed_forward_ratio, feed_forward_activation, encoder_dropout) if feed_forward else None

        def regional():
            return RegionAttention(dim, heads, epeg_kernel, qkv_bias, encoder_dropout, regions, **grid)

        cross = CrossRegionAttention(dim, cross_heads, qkv_bias, encoder_dropout, cross_regions, summaries)
        self.online_encoder = Encoder(
            dim,
            [Block(dim, regional(), network) for _ in range(layers - 1)],
            Block(dim, cross, network) if cross_region else None,
            shortcut,
        )
        self.pool_fn = PoolFunction(
            AttentionPooling(
                dim,
                attention_dim,
                gated=gated,
                activation=attention_activation,
                bias=attention_bias,
                dropout=attention_dropout,
                dropout_counts=True,
            )
        )
        self.predictor = nn.Linear(dim, classes, bias=classifier_bias)

    def embed(self, x, positions=None):
        return self.feature(self.norm(x) if self.norm is not None and self.norm_on_features else x)

    def pool(self, z, positions=None, scored=False):
        x = self.online_encoder(z)
        x = self.norm(x) if self.norm is not None and not self.norm_on_features else x
        a = self.pool_fn.attention.attend(x)
        return a @ x, a

    def classify(self, bag, state):
        return self.predictor(bag)
