"""One SASRec training step in PyTorch: the peer of bench/sasrec-step.ts, and the source of the golden
gradient in packages/models/src/fixtures.

Written from the paper and this repository's description of the model, not from its code.

  python3 sasrec_step.py time '<json config>'   one line on stdin = one round; answers ms per step
  python3 sasrec_step.py golden > fixture.json  a small step with all its inputs and gradients

PyTorch on Debian 12: apt-get install python3-torch python3-numpy libopenblas0-openmp
(without OpenBLAS, PyTorch runs on the slow reference BLAS and is no peer).
"""

import json
import math
import sys
import time

import numpy as np
import torch
import torch.nn.functional as F

ACTIVATIONS = {"relu": F.relu, "gelu": F.gelu, "silu": F.silu}


def parameter_shapes(c):
    d, f = c["width"], c["feedForward"]
    shapes = {"positionEmbeddings": (c["historyLimit"], d)}
    for b in range(c["blocks"]):
        a, ff = f"block{b}.attention", f"block{b}.feedForward"
        shapes[f"{a}.norm.gain"] = (d,)
        shapes[f"{a}.norm.bias"] = (d,)
        for name in ("query", "key", "value", "output"):
            shapes[f"{a}.{name}.weight"] = (d, d)
            shapes[f"{a}.{name}.bias"] = (d,)
        shapes[f"{ff}.norm.gain"] = (d,)
        shapes[f"{ff}.norm.bias"] = (d,)
        shapes[f"{ff}.in.weight"] = (d, f)
        shapes[f"{ff}.in.bias"] = (f,)
        shapes[f"{ff}.out.weight"] = (f, d)
        shapes[f"{ff}.out.bias"] = (d,)
    shapes["norm.gain"] = (d,)
    shapes["norm.bias"] = (d,)
    return shapes


def encode(c, p, rows, positions, allowed):
    """rows: [R, T, D] item embeddings; allowed: [R or 1, 1, T, T] bool -> [R, T, D]"""
    R, T, D = rows.shape
    H = c["heads"]
    drop = lambda x: F.dropout(x, c["dropout"], True) if c["dropout"] > 0 else x
    norm = lambda x, n: F.layer_norm(x, (D,), p[f"{n}.gain"], p[f"{n}.bias"], 1e-5)
    linear = lambda x, n: x @ p[f"{n}.weight"] + p[f"{n}.bias"]
    heads = lambda x: x.view(R, T, H, D // H).transpose(1, 2)
    x = drop(rows * math.sqrt(D) + p["positionEmbeddings"][positions])
    for b in range(c["blocks"]):
        a, ff = f"block{b}.attention", f"block{b}.feedForward"
        y = norm(x, f"{a}.norm")
        q, k, v = (heads(linear(y, f"{a}.{n}")) for n in ("query", "key", "value"))
        scores = (q @ k.transpose(-1, -2)) / math.sqrt(D // H)
        weights = drop(scores.masked_fill(~allowed, -1e9).softmax(-1))
        mixed = (weights @ v).transpose(1, 2).reshape(R, T, D)
        x = x + drop(linear(mixed, f"{a}.output"))
        hidden = ACTIVATIONS[c["activation"]](linear(norm(x, f"{ff}.norm"), f"{ff}.in"))
        x = x + drop(linear(hidden, f"{ff}.out"))
    return norm(x, "norm")


def sampled_softmax(hidden, table, targets, negatives, offsets, weights):
    """Cross-entropy with the target as class 0 and shared negatives; hits are left out."""
    D = hidden.shape[-1]
    h = hidden.reshape(-1, D)
    positive = (h * table(targets.reshape(-1))).sum(-1, keepdim=True)
    scores = h @ table(negatives).T + offsets
    scores = scores.masked_fill(targets.reshape(-1, 1) == negatives, -1e9)
    logits = torch.cat([positive, scores], 1)
    classes = torch.zeros(len(h), dtype=torch.long)
    return (F.cross_entropy(logits, classes, reduction="none") * weights.reshape(-1)).sum()


def timed(c):
    """Answers rounds of `steps` steps with the mean milliseconds per step."""
    torch.set_num_threads(c["threads"])
    torch.manual_seed(1)
    R, T, K, items = c["batchRows"], c["historyLimit"], c["negatives"], c["itemCount"]
    p = {n: torch.randn(s).mul_(0.05).requires_grad_() for n, s in parameter_shapes(c).items()}
    for name, value in p.items():
        if name.endswith(".gain"):
            value.data.fill_(1)
    table = torch.nn.Embedding(items + 1, c["width"], padding_idx=0, sparse=c["sparse"])
    if c["sparse"]:
        optimizers = [
            torch.optim.Adam(p.values(), lr=1e-3, foreach=True),
            torch.optim.SparseAdam(table.parameters(), lr=1e-3),
        ]
    else:
        everything = [*p.values(), *table.parameters()]
        optimizers = [torch.optim.Adam(everything, lr=1e-3, foreach=True)]
    allowed = torch.ones(T, T, dtype=torch.bool).tril()[None, None]
    positions = torch.arange(T)[None].expand(R, T)
    weights = torch.full((R, T), 1.0 / (R * T))
    offsets = torch.zeros(K)
    print("ready", flush=True)
    for line in sys.stdin:
        steps = int(line)
        batches = [
            [torch.randint(1, items + 1, s) for s in ((R, T), (R, T), (K,))] for _ in range(steps)
        ]
        start = time.perf_counter()
        for ids, targets, negatives in batches:
            hidden = encode(c, p, table(ids), positions, allowed)
            loss = sampled_softmax(hidden, table, targets, negatives, offsets, weights)
            for optimizer in optimizers:
                optimizer.zero_grad(set_to_none=True)
            loss.backward()
            for optimizer in optimizers:
                optimizer.step()
            loss.item()
        print((time.perf_counter() - start) * 1000 / steps, flush=True)


def golden():
    """A step small enough to keep, with packed pasts, padding, a hit among negatives and equal ids."""
    c = dict(width=8, blocks=2, heads=2, feedForward=12, activation="gelu", historyLimit=6, dropout=0,
             batchRows=3)
    R, T, K, items = 3, 6, 5, 12
    rng = np.random.default_rng(7)
    draw = lambda *shape: torch.tensor(rng.normal(0, 0.5, shape), dtype=torch.float64)
    p = {n: draw(*s) for n, s in parameter_shapes(c).items()}
    weight = draw(items + 1, c["width"])
    weight[0] = 0
    ids = torch.tensor([[3, 7, 3, 1, 5, 5], [12, 2, 2, 9, 0, 0], [4, 6, 8, 10, 11, 3]])
    segments = torch.tensor([[0, 0, 0, 1, 1, 1], [0, 0, 1, 1, 2, 2], [0, 0, 0, 0, 0, 0]])
    positions = torch.tensor([[2, 1, 0, 2, 1, 0], [1, 0, 1, 0, 0, 0], [5, 4, 3, 2, 1, 0]])
    targets = torch.tensor([[7, 3, 2, 5, 5, 1], [2, 9, 9, 4, 0, 0], [6, 8, 10, 11, 3, 5]])
    weights = (targets > 0).double() / (targets > 0).sum()
    negatives = torch.tensor([5, 2, 12, 2, 8])
    offsets = draw(K)
    # Numbers are stored in float32, so that both sides start from the same ones.
    rounded = lambda x: x.float().double()
    p = {n: rounded(x).requires_grad_() for n, x in p.items()}
    weight = rounded(weight).requires_grad_()
    offsets, weights = rounded(offsets), rounded(weights)
    p["repeatBias"] = torch.tensor([-0.0625], dtype=torch.float64, requires_grad=True)

    same = segments[:, None, :, None] == segments[:, None, None, :]
    allowed = same & torch.ones(T, T, dtype=torch.bool).tril()
    table = lambda i: weight[i]
    h = encode(c, p, table(ids), positions, allowed).reshape(R * T, -1)

    # What each place looks back at, as a set: [R · T, items + 1].
    past = torch.zeros(R * T, items + 1, dtype=torch.bool)
    for place in range(R * T):
        row, at = divmod(place, T)
        for other in range(at + 1):
            if segments[row, other] == segments[row, at]:
                past[place, ids[row, other]] = True
    flat = targets.reshape(-1)
    bias = 8 * p["repeatBias"]  # it is learnt 8 times as fast as other weights
    is_repeat = past[torch.arange(R * T), flat]
    positive = (h * table(flat)).sum(-1) + bias * is_repeat
    rest = past.clone()
    rest[torch.arange(R * T), flat] = False
    of_past = (h @ weight.T + bias).masked_fill(~rest, -1e9)
    hit = (flat[:, None] == negatives) | past[:, negatives]
    sampled = (h @ table(negatives).T + offsets).masked_fill(hit, -1e9)
    logits = torch.cat([positive[:, None], sampled, of_past], 1)
    losses = F.cross_entropy(logits, torch.zeros(R * T, dtype=torch.long), reduction="none")
    loss = (losses * weights.reshape(-1)).sum()
    loss.backward()
    numbers = lambda x: [float(f"{v:.9g}") for v in x.detach().reshape(-1).tolist()]
    integers = lambda x: x.reshape(-1).tolist()
    json.dump(
        {
            "source": f"bench/peers/sasrec_step.py golden, PyTorch {torch.__version__}, float64",
            "config": c,
            "itemCount": items,
            "items": integers(ids),
            "segments": integers(segments),
            "positions": integers(positions),
            "targets": integers(targets),
            "weights": numbers(weights),
            "negatives": integers(negatives),
            "negativeOffsets": numbers(offsets),
            "parameters": {n: numbers(x) for n, x in p.items()},
            "itemTable": numbers(weight),
            "loss": loss.item(),
            "gradients": {n: numbers(x.grad) for n, x in p.items()},
            "itemTableGradient": numbers(weight.grad),
        },
        sys.stdout,
    )


if __name__ == "__main__":
    if sys.argv[1] == "golden":
        golden()
    else:
        timed(json.loads(sys.argv[2]))
