"""Networks of the sequence family in PyTorch: source of the golden steps in packages/models/src/fixtures.

Written from the papers and this repository's description of the models, not from its code.

  python3 sequence_networks.py > packages/models/src/sequence/fixtures/sequence-steps.json

See sasrec_step.py for how PyTorch is installed.
"""

import json
import math
import sys

import numpy as np
import torch
import torch.nn.functional as F

from sasrec_step import sampled_softmax

CONFIG = dict(width=8, heads=2, feedForward=12, historyLimit=6, timeBuckets=5)


def layer_norm(p, x, name):
    return F.layer_norm(x, x.shape[-1:], p[f"{name}.gain"], p[f"{name}.bias"], 1e-5)


def affine(p, x, name):
    return x @ p[f"{name}.weight"] + p[f"{name}.bias"]


def norm_shapes(name, width):
    return {f"{name}.gain": (width,), f"{name}.bias": (width,)}


def affine_shapes(name, before, after):
    return {f"{name}.weight": (before, after), f"{name}.bias": (after,)}


def to_heads(x, heads):
    R, T, D = x.shape
    return x.view(R, T, heads, D // heads).transpose(1, 2)


def from_heads(x):
    R, H, T, d = x.shape
    return x.transpose(1, 2).reshape(R, T, H * d)


def gated_feed_forward(p, x, name):
    gate = F.silu(affine(p, x, f"{name}.gate"))
    return affine(p, gate * affine(p, x, f"{name}.in"), f"{name}.out")


def gated_feed_forward_shapes(name, width, hidden):
    return {
        **affine_shapes(f"{name}.gate", width, hidden),
        **affine_shapes(f"{name}.in", width, hidden),
        **affine_shapes(f"{name}.out", hidden, width),
    }


def embedded(p, rows, positions):
    return rows * math.sqrt(rows.shape[-1]) + p["positionEmbeddings"][positions]


def biases(p, T, gaps):
    """By distance [1, 1, T, T] and by time [R, 1, T, T]."""
    at = torch.arange(T)
    distance = (at[:, None] - at[None, :]).clamp(min=0)
    by_place = p["block0.placeEmbeddings"][distance, 0]
    return by_place[None, None], p["block0.timeEmbeddings"][gaps, 0][:, None]


def ligr(p, rows, positions, allowed, gaps):
    x = embedded(p, rows, positions)
    y = layer_norm(p, x, "block0.attention.norm")
    H = CONFIG["heads"]
    q, k, v = (to_heads(affine(p, y, f"block0.attention.{n}"), H) for n in ("query", "key", "value"))
    scores = q @ k.transpose(-1, -2) / math.sqrt(q.shape[-1])
    mixed = from_heads(scores.masked_fill(~allowed, -1e9).softmax(-1) @ v)
    found = affine(p, mixed, "block0.attention.output")
    x = x + found * torch.sigmoid(affine(p, x, "block0.attention.skip.gate"))
    y = layer_norm(p, x, "block0.feedForward.norm")
    found = gated_feed_forward(p, y, "block0.feedForward")
    x = x + found * torch.sigmoid(affine(p, x, "block0.feedForward.skip.gate"))
    return layer_norm(p, x, "norm")


def ligr_shapes(D, hidden):
    shapes = norm_shapes("block0.attention.norm", D)
    for name in ("query", "key", "value", "output", "skip.gate"):
        shapes |= affine_shapes(f"block0.attention.{name}", D, D)
    shapes |= norm_shapes("block0.feedForward.norm", D)
    shapes |= gated_feed_forward_shapes("block0.feedForward", D, hidden)
    return shapes | affine_shapes("block0.feedForward.skip.gate", D, D)


def hstu(p, rows, positions, allowed, gaps):
    x = embedded(p, rows, positions)
    H = CONFIG["heads"]
    u, v, q, k = F.silu(affine(p, layer_norm(p, x, "block0.norm"), "block0.in")).chunk(4, -1)
    by_place, by_time = biases(p, rows.shape[1], gaps)
    scores = to_heads(q, H) @ to_heads(k, H).transpose(-1, -2) + by_place + by_time
    weights = F.silu(scores) * allowed
    mixed = from_heads(weights @ to_heads(v, H))
    x = x + affine(p, layer_norm(p, mixed, "block0.mixed.norm") * u, "block0.out")
    return layer_norm(p, x, "norm")


def bias_shapes():
    limit, buckets = CONFIG["historyLimit"], CONFIG["timeBuckets"]
    return {"block0.placeEmbeddings": (limit, 1), "block0.timeEmbeddings": (buckets, 1)}


def hstu_shapes(D, hidden):
    return {
        **norm_shapes("block0.norm", D),
        **affine_shapes("block0.in", D, 4 * D),
        **bias_shapes(),
        **norm_shapes("block0.mixed.norm", D),
        **affine_shapes("block0.out", D, D),
    }


def fuxi(p, rows, positions, allowed, gaps):
    x = embedded(p, rows, positions)
    H = CONFIG["heads"]
    y = layer_norm(p, x, "block0.norm")
    v, q, k = F.silu(affine(p, y, "block0.in")).chunk(3, -1)
    by_place, by_time = biases(p, rows.shape[1], gaps)
    meaning = F.silu(to_heads(q, H) @ to_heads(k, H).transpose(-1, -2))
    channels = [from_heads((w * allowed) @ to_heads(v, H)) for w in (meaning, by_place, by_time)]
    found = layer_norm(p, torch.cat(channels, -1), "block0.channels.norm")
    x = x + affine(p, found * F.silu(affine(p, y, "block0.gate")), "block0.out")
    y = layer_norm(p, x, "block0.feedForward.norm")
    x = x + gated_feed_forward(p, y, "block0.feedForward")
    return layer_norm(p, x, "norm")


def fuxi_shapes(D, hidden):
    return {
        **norm_shapes("block0.norm", D),
        **affine_shapes("block0.in", D, 3 * D),
        **bias_shapes(),
        **norm_shapes("block0.channels.norm", 3 * D),
        **affine_shapes("block0.gate", D, 3 * D),
        **affine_shapes("block0.out", 3 * D, D),
        **norm_shapes("block0.feedForward.norm", D),
        **gated_feed_forward_shapes("block0.feedForward", D, hidden),
    }


def gru(p, rows, positions, allowed, gaps):
    """PyTorch's own GRU over each past by itself."""
    R, T, D = rows.shape
    weights = [
        p["layer0.item.weight"].T,
        p["layer0.state.weight"].T,
        p["layer0.item.bias"],
        p["layer0.state.bias"],
    ]
    start_state = torch.zeros(1, 1, D, dtype=torch.float64)
    x = rows * math.sqrt(D)
    states = []
    for row in range(R):
        # A past begins where a place sees itself alone.
        begins = [t for t in range(T) if allowed[row, 0, t].sum() == 1] + [T]
        for start, end in zip(begins, begins[1:]):
            past = x[row : row + 1, start:end]
            # has biases, one layer, no dropout, not training, one direction, batch first
            out, _ = torch.gru(past, start_state, weights, True, 1, 0.0, False, False, True)
            states.append(out[0])
    return layer_norm(p, torch.cat(states).view(R, T, D), "norm")


def gru_shapes(D, hidden):
    return {
        **affine_shapes("layer0.item", D, 3 * D),
        **affine_shapes("layer0.state", D, 3 * D),
    }


NETWORKS = {
    "ligr": (ligr, ligr_shapes),
    "hstu": (hstu, hstu_shapes),
    "fuxi": (fuxi, fuxi_shapes),
    "gru": (gru, gru_shapes),
}


def golden(name):
    """A step with packed pasts, padding, equal ids, times, and a target among the negatives."""
    states, shapes_of = NETWORKS[name]
    R, T, D, items = 3, 6, CONFIG["width"], 12
    rng = np.random.default_rng(7)
    # Numbers are stored in float32, so that both sides start from the same ones.
    draw = lambda *shape: torch.tensor(
        np.float32(rng.normal(0, 0.5, shape)), dtype=torch.float64, requires_grad=True
    )
    shapes = shapes_of(D, CONFIG["feedForward"]) | norm_shapes("norm", D)
    if name != "gru":
        shapes = {"positionEmbeddings": (CONFIG["historyLimit"], D)} | shapes
    p = {n: draw(*s) for n, s in shapes.items()}
    weight = draw(items + 1, D)
    ids = torch.tensor([[3, 7, 3, 1, 5, 5], [12, 2, 2, 9, 4, 0], [4, 6, 8, 10, 11, 3]])
    segments = torch.tensor([[0, 0, 0, 1, 1, 1], [0, 0, 1, 1, 1, 2], [0, 0, 0, 0, 0, 0]])
    positions = torch.tensor([[2, 1, 0, 2, 1, 0], [1, 0, 2, 1, 0, 0], [5, 4, 3, 2, 1, 0]])
    targets = torch.tensor([[7, 3, 2, 5, 5, 1], [2, 9, 9, 4, 1, 0], [6, 8, 10, 11, 3, 5]])
    gaps = torch.tensor(rng.integers(0, CONFIG["timeBuckets"], (R, T, T)))
    weights = (targets > 0).float() / (targets > 0).sum()
    negatives = torch.tensor([5, 2, 12, 2, 8])
    same = segments[:, None, :, None] == segments[:, None, None, :]
    allowed = same & torch.ones(T, T, dtype=torch.bool).tril()
    table = lambda i: weight[i]
    hidden = states(p, table(ids), positions, allowed, gaps)
    loss = sampled_softmax(hidden, table, targets, negatives, torch.zeros(5), weights.double())
    loss.backward()
    numbers = lambda x: [float(f"{v:.8g}") for v in x.detach().reshape(-1).tolist()]
    integers = lambda x: x.reshape(-1).tolist()
    return {
        "network": name,
        "items": integers(ids),
        "segments": integers(segments),
        "positions": integers(positions),
        "targets": integers(targets),
        "weights": numbers(weights),
        "negatives": integers(negatives),
        "timeGaps": integers(gaps),
        "parameters": {n: numbers(x) for n, x in p.items()},
        "itemTable": numbers(weight),
        "loss": loss.item(),
        "gradients": {n: numbers(x.grad) for n, x in p.items()},
        "itemTableGradient": numbers(weight.grad),
    }


if __name__ == "__main__":
    json.dump(
        {
            "source": f"bench/peers/sequence_networks.py, PyTorch {torch.__version__}, float64",
            "config": CONFIG,
            "itemCount": 12,
            "steps": [golden(name) for name in NETWORKS],
        },
        sys.stdout,
    )
