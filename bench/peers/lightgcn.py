"""LightGCN trained in PyTorch with Magpie's recipe: the peer of bench/lightgcn-epoch.ts.

Written from the paper. Vectors are passed along the graph by torch.sparse.mm, in whichever of PyTorch's sparse
layouts is faster on this machine; pairs are judged by BPR with one uniform negative each.

  python3 lightgcn.py DATA '<json options>'   answers one JSON line an epoch

DATA holds little-endian int32 arrays: `offsets` and `items` (users' items, from 1).
"""

import json
import sys
import time
from pathlib import Path

import numpy as np
import torch


def adjacency(users, items, user_count, nodes):
    """[nodes, nodes], both degrees divided out; items follow users and the padding row."""
    rows = np.concatenate([users, user_count + items])
    columns = np.concatenate([user_count + items, users])
    degrees = np.bincount(rows, minlength=nodes).astype(np.float32)
    values = 1 / np.sqrt(degrees[rows] * degrees[columns])
    places = torch.from_numpy(np.stack([rows, columns]))
    return torch.sparse_coo_tensor(places, torch.from_numpy(values), (nodes, nodes)).coalesce()


def faster_layout(coo, width):
    """The layout in which a product and its gradient take less time, with its name."""
    candidates = {"COO": coo}
    try:
        candidates["CSR"] = coo.to_sparse_csr()
    except RuntimeError:
        pass
    best = None
    for name, matrix in candidates.items():
        try:
            dense = torch.zeros(coo.shape[1], width, requires_grad=True)
            torch.sparse.mm(matrix, dense).sum().backward()
            start = time.perf_counter()
            torch.sparse.mm(matrix, dense).sum().backward()
            seconds = time.perf_counter() - start
        except RuntimeError:
            continue
        if best is None or seconds < best[0]:
            best = (seconds, name, matrix)
    return best[1], best[2]


def main():
    folder, options = Path(sys.argv[1]), json.loads(sys.argv[2])
    torch.set_num_threads(options["threads"])
    torch.manual_seed(options["seed"])
    read = lambda name: np.fromfile(folder / name, dtype="<i4").astype(np.int64)
    offsets, items = read("offsets"), read("items")
    user_count, item_count = len(offsets) - 1, options["itemCount"]
    width, layers, batch = options["width"], options["layers"], options["batch"]
    users = np.repeat(np.arange(user_count), np.diff(offsets))
    nodes = user_count + item_count + 1
    layout, graph = faster_layout(adjacency(users, items, user_count, nodes), width)

    table = torch.nn.Parameter(0.1 * torch.randn(nodes, width))
    optimizer = torch.optim.Adam([table], lr=options["learningRate"])
    pair_users = torch.from_numpy(users)
    pair_items = torch.from_numpy(items)
    pairs = len(items)
    for epoch in range(options["epochs"]):
        started, cpu = time.perf_counter(), time.process_time()
        order = torch.randperm(pairs)
        total = 0.0
        for first in range(0, pairs, batch):
            left = 1 - (epoch + first / pairs) / options["epochs"]
            for group in optimizer.param_groups:
                group["lr"] = options["learningRate"] * left
            places = order[first : first + batch]
            layer = table
            whole = table
            for _ in range(layers):
                layer = torch.sparse.mm(graph, layer)
                whole = whole + layer
            mean = whole / (layers + 1)
            taken = user_count + pair_items[places]
            others = user_count + torch.randint(1, item_count + 1, (len(places),))
            own = mean[pair_users[places]]
            margin = (own * (mean[taken] - mean[others])).sum(-1)
            loss = torch.nn.functional.softplus(-margin).mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item() * len(places)
        answer = {
            "epoch": epoch + 1,
            "seconds": time.perf_counter() - started,
            "cpuSeconds": time.process_time() - cpu,
            "loss": total / pairs,
            "layout": layout,
        }
        print(json.dumps(answer), flush=True)


main()
