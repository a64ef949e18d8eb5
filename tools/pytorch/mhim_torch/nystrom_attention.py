"""Self-attention through landmarks (Xiong et al. 2021), with a convolution of the values added."""

import torch
from torch import nn
from torch.nn import functional as F


class NystromAttention(nn.Module):
    STEPS, TAPS = 6, 33

    def __init__(self, dim=512, heads=8, head_dim=64, landmarks=256, dropout=0.1):
        super().__init__()
        self.heads, self.head_dim, self.landmarks = heads, head_dim, landmarks
        inner = heads * head_dim
        self.to_qkv = nn.Linear(dim, 3 * inner, bias=False)
        self.to_out = nn.Sequential(nn.Linear(inner, dim), nn.Dropout(dropout))
        self.res_conv = nn.Conv2d(heads, heads, (self.TAPS, 1), padding=(self.TAPS // 2, 0), groups=heads, bias=False)

    def forward(self, x, scored=False):
        """[n, d] → [n, d]; if scored also the first token's attention [h, n − 1] and the others' values [h, n − 1, w]."""
        n, m, heads, width = x.shape[0], self.landmarks, self.heads, self.head_dim
        x = F.pad(x, (0, 0, -n % m, 0))
        q, k, v = (t.view(-1, heads, width).transpose(0, 1) for t in self.to_qkv(x).chunk(3, dim=-1))
        q = q * width**-0.5
        q_mean, k_mean = (t.reshape(heads, m, -1, width).mean(2) for t in (q, k))
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
