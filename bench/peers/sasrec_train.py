"""SASRec trained in PyTorch with Magpie's recipe: the peer of bench/sasrec-train.ts.

Written from the paper and this repository's description of the model, not from its code. It gets all that
makes training cheap: packed pasts, one set of negatives per batch, fused Adam updates, validation in batches
of like length.

  python3 sasrec_train.py DATA '<json options>'   answers one JSON line per measurement on validation

DATA holds little-endian int32 arrays: `offsets`, `items` (users' pasts, oldest first), `pastOffsets`, `pasts`
(histories of the validation cases) and `answers` (the item of each case).
"""

import json
import math
import sys
import time
from pathlib import Path

import numpy as np
import torch

from sasrec_step import encode, parameter_shapes


def spans_of(offsets, limit):
    """(start, inputs) of runs of at most `limit` inputs, cut from the end of each past."""
    spans = []
    for start, to in zip(offsets[:-1].tolist(), offsets[1:].tolist()):
        while to - start >= 2:
            inputs = min(limit, to - 1 - start)
            spans.append((to - 1 - inputs, inputs))
            to -= inputs
    return spans


def packed_batches(items, spans, R, T, rng):
    """Spans in random order, each in the row where it leaves the least room: five [R, T] arrays a batch."""

    def fresh():
        return np.zeros((4, R, T), dtype=np.int64), [0] * R, [0] * R

    def finish(arrays, taken, begun):
        for row in range(R):
            arrays[1, row, taken[row] :] = begun[row]
        return torch.from_numpy(arrays)

    arrays, taken, begun = fresh()
    newest_last = np.arange(T)[::-1]
    for index in rng.permutation(len(spans)).tolist():
        start, inputs = spans[index]
        room = T - inputs
        row = max((r for r in range(R) if taken[r] <= room), key=taken.__getitem__, default=-1)
        if row == -1:
            yield finish(arrays, taken, begun)
            arrays, taken, begun = fresh()
            row = 0
        at = taken[row]
        to = at + inputs
        arrays[0, row, at:to] = items[start : start + inputs]
        arrays[1, row, at:to] = begun[row]
        arrays[2, row, at:to] = newest_last[T - inputs :]
        arrays[3, row, at:to] = items[start + 1 : start + inputs + 1]
        taken[row] = to
        begun[row] += 1
    if any(taken):
        yield finish(arrays, taken, begun)


class SasRec:
    """Dense weights by name, one item table for input and output."""

    def __init__(self, config, item_count, generator):
        c = self.config = config
        normal = lambda shape, deviation: torch.randn(shape, generator=generator) * deviation
        self.weights = {}
        for name, shape in parameter_shapes(c).items():
            if name == "positionEmbeddings":
                value = normal(shape, c["embeddingDeviation"])
            elif name.endswith(".gain"):
                value = torch.ones(shape)
            elif name.endswith(".bias"):
                value = torch.zeros(shape)
            else:
                value = normal(shape, math.sqrt(2 / sum(shape)))
            self.weights[name] = value
        self.weights["repeatBias"] = torch.zeros(1)
        self.weights["items"] = normal((item_count + 1, c["width"]), c["embeddingDeviation"])
        self.weights["items"][0] = 0
        for value in self.weights.values():
            value.requires_grad_()
        self.item_count = item_count
        self.causal = torch.ones(c["historyLimit"], c["historyLimit"], dtype=torch.bool).tril()

    def loss(self, batch, negatives):
        """Sampled softmax: target, shared negatives with logQ, and each place's own past item by item."""
        c, p = self.config, self.weights
        ids, segments, positions, targets = batch
        R, T = ids.shape
        K, n = len(negatives), R * T
        table = p["items"]
        allowed = (segments[:, :, None] == segments[:, None, :]) & self.causal  # [R, T, T]
        rows = torch.nn.functional.embedding(ids, table, padding_idx=0)  # [R, T, D]
        hidden = encode(c, p, rows, positions, allowed[:, None])
        flat = hidden.reshape(n, -1)

        same_item = ids[:, :, None] == ids[:, None, :]
        duplicate = (same_item & allowed & ~torch.eye(T, dtype=torch.bool)).any(-1)  # [R, T]
        is_target = targets[:, :, None] == ids[:, None, :]  # [R, T, T]
        repeats = (is_target & allowed).any(-1).reshape(n)
        counted = allowed & ~is_target & ~duplicate[:, None, :]
        in_past = allowed.float() @ (ids[:, :, None] == negatives).float() > 0  # [R, T, K]
        excluded = in_past.reshape(n, K) | (targets.reshape(n, 1) == negatives)

        bias = 8 * p["repeatBias"]
        positive = (flat * torch.nn.functional.embedding(targets.reshape(n), table)).sum(-1)
        positive = positive + bias * repeats
        # Uniform negatives: log q = -log(items).
        shift = math.log(self.item_count / K)
        sampled = flat @ torch.nn.functional.embedding(negatives, table).T + shift
        sampled = sampled.masked_fill(excluded, -1e9)
        past = (hidden @ rows.transpose(1, 2)).masked_fill(~counted, -1e9).logsumexp(-1)
        logits = torch.cat([positive[:, None], sampled, past.reshape(n, 1) + bias], 1)
        losses = logits.logsumexp(-1) - positive
        real = (targets > 0).reshape(n)
        return losses[real].mean()


@torch.no_grad()
def ndcg_at_10(config, weights, causal, pasts, answers, batch_size=256):
    """Of the answers among all items; items of the past keep their place. Each case has one answer."""
    quiet = {**config, "dropout": 0}
    limit = config["historyLimit"]
    order = np.argsort([len(past) for past in pasts], kind="stable")
    table = weights["items"]
    total = 0.0
    for start in range(0, len(order), batch_size):
        cases = order[start : start + batch_size]
        recent = [pasts[case][-limit:] for case in cases]
        B, T = len(cases), len(recent[-1])
        ids = np.zeros((B, T), dtype=np.int64)
        positions = np.zeros((B, T), dtype=np.int64)
        for row, past in enumerate(recent):
            ids[row, : len(past)] = past
            positions[row, : len(past)] = np.arange(len(past))[::-1]
        ids = torch.from_numpy(ids)
        hidden = encode(
            quiet, weights, table[ids], torch.from_numpy(positions), causal[None, None, :T, :T]
        )
        last = torch.tensor([len(past) - 1 for past in recent])
        scores = hidden[torch.arange(B), last] @ table.T  # [B, items + 1]
        in_past = torch.zeros_like(scores, dtype=torch.bool).scatter_(1, ids, True)
        scores = scores + 8 * weights["repeatBias"] * in_past
        scores[:, 0] = -math.inf
        wanted = scores.gather(1, torch.from_numpy(answers[cases]).long()[:, None])
        ranks = (scores > wanted).sum(1) + 1
        total += (1 / torch.log2(ranks[ranks <= 10] + 1.0)).sum().item()
    return total / len(order)


def main():
    folder, options = Path(sys.argv[1]), json.loads(sys.argv[2])
    c = options["config"]
    torch.set_num_threads(options["threads"])
    generator = torch.Generator().manual_seed(options["seed"])
    torch.manual_seed(options["seed"])
    rng = np.random.default_rng(options["seed"])
    read = lambda name: np.fromfile(folder / name, dtype="<i4")
    items, past_offsets, pasts = read("items"), read("pastOffsets"), read("pasts")
    histories = np.split(pasts, past_offsets[1:-1])
    answers = read("answers")
    offsets = read("offsets")
    print(json.dumps({"ready": torch.__version__}), flush=True)
    sys.stdin.readline()  # the parent says when: reading the data is nobody's training

    started, cpu_started = time.perf_counter(), time.process_time()
    model = SasRec(c, options["itemCount"], generator)
    spans = spans_of(offsets, c["historyLimit"])
    optimizer = torch.optim.Adam(
        model.weights.values(), lr=c["learningRate"], betas=(0.9, c["beta2"]), foreach=True
    )
    average = {name: value.detach().clone() for name, value in model.weights.items()}
    for epoch in range(1, options["epochs"] + 1):
        total, targets = 0.0, 0
        for batch in packed_batches(items, spans, c["batchRows"], c["historyLimit"], rng):
            negatives = torch.randint(1, options["itemCount"] + 1, (c["negatives"],))
            loss = model.loss(batch, negatives)
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()
            count = int((batch[3] > 0).sum())
            total += loss.item() * count
            targets += count
        kept = min(c["averaging"], (epoch - 1) / (epoch + 3))
        with torch.no_grad():
            for name, value in average.items():
                value.mul_(kept).add_(model.weights[name], alpha=1 - kept)
        if epoch % c["validateEvery"] == 0 or epoch == options["epochs"]:
            trained = time.perf_counter()
            ndcg = ndcg_at_10(c, average, model.causal, histories, answers)
            now = time.perf_counter()
            point = {
                "epoch": epoch,
                "seconds": now - started,
                "cpuSeconds": time.process_time() - cpu_started,
                "evaluationSeconds": now - trained,
                "loss": total / targets,
                "ndcgAt10": ndcg,
            }
            print(json.dumps(point), flush=True)
            if ndcg >= options["floor"]:
                return


if __name__ == "__main__":
    main()
