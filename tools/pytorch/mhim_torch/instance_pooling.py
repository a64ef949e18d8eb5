"""Mean and max pooling: every instance is classified, the logits are pooled."""

from torch import nn

from .aggregator import ACTIVATIONS, Aggregator


class InstancePooling(Aggregator):
    def __init__(self, input_dim, classes=2, embed_dim=512, activation="gelu", dropout=0.25, *, largest=False):
        super().__init__()
        drop = [nn.Dropout(dropout)] if dropout > 0 else []
        hidden = nn.Linear(input_dim, embed_dim)
        self.head = nn.Sequential(hidden, ACTIVATIONS[activation](), *drop, nn.Linear(embed_dim, classes))
        self.embed_dim, self.largest = embed_dim, largest

    def embed(self, x, positions=None):
        return self.head[:-1](x)

    def pool(self, z, positions=None, scored=False):
        c = self.head[-1](z)
        return (c.amax(0, keepdim=True) if self.largest else c.mean(0, keepdim=True)), c

    def classify(self, bag, state):
        return bag
