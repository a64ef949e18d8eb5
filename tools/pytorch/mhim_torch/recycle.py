"""The Global Recycle Network (MHIM-v2 §3.4): K global queries attend to masked instances, each projected to key and value."""

import torch
from torch import nn


class CrossAttention(nn.Module):
    def __init__(self, dim, heads, head_dim, dropout):
        super().__init__()
        inner = heads * head_dim
        self.heads, self.head_dim = heads, head_dim
        self.to_q = nn.Linear(dim, inner, bias=False)
        self.to_kv = nn.Linear(dim, 2 * inner, bias=False)
        self.to_out = nn.Sequential(nn.Linear(inner, dim), nn.Dropout(dropout))
        self.drop = nn.Dropout(dropout)

    def forward(self, query, x):
        def heads(t):
            return t.view(t.shape[0], self.heads, self.head_dim).transpose(0, 1)

        k, v = self.to_kv(x).chunk(2, dim=-1)
        a = self.drop(torch.softmax(heads(self.to_q(query)) @ heads(k).transpose(1, 2) * self.head_dim**-0.5, dim=-1))
        return self.to_out((a @ heads(v)).transpose(0, 1).reshape(len(query), -1))


class Recycle(nn.Module):
    """[n, d] → [K, d]. The query is moved by averages; it has two names, as officially."""

    def __init__(self, dim=512, queries=5, heads=8, head_dim=64, dropout=0.1):
        super().__init__()
        self.norm = nn.LayerNorm(dim)
        self.attn = CrossAttention(dim, heads, head_dim, dropout)
        self.global_q_mm = nn.Parameter(torch.rand(1, queries, dim) - 0.5, requires_grad=False)
        self.global_q = self.global_q_mm

    def forward(self, x):
        return self.attn(self.norm(self.global_q_mm[0]), self.norm(x))
