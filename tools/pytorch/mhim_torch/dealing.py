"""The order in which our DTFD-MIL deals instances out to pseudo-bags at inference: a shuffle by xoroshiro128+ (pure-rand)."""

import torch

WORD = 0xFFFFFFFF


def dealt_out(n, seed=0):
    """`new Rng(seed).permutation(n)` of @mhim/tensor, [n]."""
    draw = generator(mix(mix(seed, 0, 0x85EBCA6B), 0, 0xC2B2AE35))
    order = list(range(n))
    for i in range(n - 1, 0, -1):
        j = below(draw, i + 1)
        order[i], order[j] = order[j], order[i]
    return torch.tensor(order)


def generator(seed):
    s01, s00, s11, s10 = WORD, ~seed & WORD, seed, 0
    while True:
        yield (s00 + s10) & WORD
        a0, a1 = s10 ^ s00, s11 ^ s01
        s00, s01, s10, s11 = (
            (s00 << 24 ^ s01 >> 8 ^ a0 ^ a0 << 16) & WORD,
            (s01 << 24 ^ s00 >> 8 ^ a1 ^ (a1 << 16 | a0 >> 16)) & WORD,
            (a1 << 5 ^ a0 >> 27) & WORD,
            (a0 << 5 ^ a1 >> 27) & WORD,
        )


def below(draw, size):
    """A whole number below `size`; draws that would favour some are thrown away."""
    limit = 2**32 // size * size if size > 2 else 2**32
    while True:
        # The generator's words count as signed ones.
        value = (next(draw) + 2**31) & WORD
        if value < limit:
            return value % size


def mix(a, b, salt):
    h = (multiply(a ^ salt, 0xCC9E2D51) ^ multiply((b << 15 | b >> 17) & WORD, 0x1B873593)) & WORD
    h = multiply(h ^ h >> 16, 0x85EBCA6B)
    h = multiply(h ^ h >> 13, 0xC2B2AE35)
    return h ^ h >> 16


def multiply(a, b):
    return a * b & WORD
