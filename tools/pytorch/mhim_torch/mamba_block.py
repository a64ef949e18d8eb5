"""A residual block of Mamba (Gu & Dao 2023) with the two-dimensional scan of 2DMamba, by its definition."""

import math

import torch
from torch import nn
from torch.nn import functional as F


class Mixer(nn.Module):
    def __init__(self, dim, states):
        super().__init__()
        inner, rank = 2 * dim, math.ceil(dim / 16)
        self.sizes = [rank, states, states]
        self.A_log = nn.Parameter(torch.log(torch.arange(1.0, states + 1)).repeat(inner, 1))
        self.D = nn.Parameter(torch.ones(inner))
        self.in_proj = nn.Linear(dim, 2 * inner, bias=False)
        self.conv1d = nn.Conv1d(inner, inner, 4, groups=inner, padding=3)
        self.x_proj = nn.Linear(inner, rank + 2 * states, bias=False)
        self.dt_proj = nn.Linear(rank, inner)
        self.out_proj = nn.Linear(inner, dim, bias=False)
        self.dt_layernorm, self.B_layernorm, self.C_layernorm = (nn.RMSNorm(size, eps=1e-5) for size in self.sizes)

    def forward(self, h, height, width):
        """Cells row by row, [height · width, d] → the same."""
        x, z = self.in_proj(h).chunk(2, dim=-1)
        x = F.silu(self.conv1d(x.T[None])[0, :, : height * width].T)
        dt, b, c = self.x_proj(x).split(self.sizes, dim=-1)
        dt, b, c = self.dt_layernorm(dt), self.B_layernorm(b), self.C_layernorm(c)
        dt = F.softplus(self.dt_proj(dt))
        decay = torch.exp(dt[:, :, None] * -torch.exp(self.A_log))
        fed = (dt * x)[:, :, None] * b[:, None, :]
        grid = (height, width, *decay.shape[1:])
        states = scan_2d(decay.view(grid), fed.view(grid)).view(decay.shape)
        y = (states @ c[:, :, None])[:, :, 0] + self.D * x
        return self.out_proj(y * F.silu(z))


class MambaBlock(nn.Module):
    def __init__(self, dim, states):
        super().__init__()
        self.mixer, self.norm = Mixer(dim, states), nn.RMSNorm(dim, eps=1e-5)

    def forward(self, h, height, width):
        return h + self.mixer(self.norm(h), height, width)


def scan_2d(decay, x):
    """h = decay · (state before) + x along each row, then along each column; a whole column or row a step."""
    for axis in (1, 0):
        states = []
        for a, b in zip(decay.unbind(axis), x.unbind(axis)):
            states.append(torch.addcmul(b, a, states[-1]) if states else b)
        x = torch.stack(states, axis)
    return x
