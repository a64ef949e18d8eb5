"""The models of MHIM in plain PyTorch, one concept a file, under the official state-dict names."""

from .aggregator import Aggregator, Positions
from .mhim import MHIM, MHIMBase
from .recycle import Recycle
from .registry import AGGREGATORS, create, from_config

__all__ = ["AGGREGATORS", "Aggregator", "MHIM", "MHIMBase", "Positions", "Recycle", "create", "from_config"]
