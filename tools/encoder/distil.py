"""Makes the static word table out of what the teacher says.

    distil.py DIR OUT.bin        (DIR holds words.tsv, words.npy, phrases.tsv, phrases.npy)

    row(word) = gain(word) · (M_language · teacher(word) + residual(word))

Teacher vectors are centred per language, which takes away most of what says "this is Chinese", and
brought to WIDTH values by PCA. Gains, the two maps and the residuals are fitted so that the sum of a
phrase's rows points where the teacher puts the phrase; a tenth of the phrases is held out. Unknown
Latin words are read by their letters: bucket vectors fitted so that the mean of a word's n-grams
points where the word's own row does.
"""

import json
import re
import struct
import sys

import numpy as np
import torch

WIDTH, BUCKETS = 256, 8192
NAME, VERSION = "magpie-en-zh-words", "1"
folder, out = sys.argv[1:3]
torch.manual_seed(1)
torch.set_num_threads(1)

words, languages, shares = [], [], []
for line in open(f"{folder}/words.tsv", encoding="utf8"):
    language, word, share = line.rstrip("\n").split("\t")
    words.append(word)
    languages.append(0 if language == "en" else 1)
    shares.append(float(share))
vectors = np.load(f"{folder}/words.npy").astype(np.float32)
kept = [i for i, w in enumerate(words) if not w.isdigit()]
words = [words[i] for i in kept]
languages, shares, vectors = np.array(languages)[kept], np.array(shares)[kept], vectors[kept]
row_of = {word: row for row, word in enumerate(words)}
costs = -np.log(np.maximum(shares, 1e-8))


def cut(run):
    """The same cut as src/embedded/words.ts makes."""
    best, starts, rows = [0.0], [0], [-1]
    for end in range(1, len(run) + 1):
        cost, start, row = best[end - 1] + 20, end - 1, -1
        for begin in range(end - 1, max(0, end - 6) - 1, -1):
            found = row_of.get(run[begin:end])
            if found is not None and best[begin] + costs[found] < cost:
                cost, start, row = best[begin] + costs[found], begin, found
        best.append(cost), starts.append(start), rows.append(row)
    tokens, end = [], len(run)
    while end > 0:
        if rows[end] >= 0:
            tokens.append(rows[end])
        end = starts[end]
    return tokens


phrase_vectors = np.load(f"{folder}/phrases.npy").astype(np.float32)
phrases, phrase_languages = [], []
for line in open(f"{folder}/phrases.tsv", encoding="utf8"):
    language, phrase = line.rstrip("\n").split("\t")
    phrase_languages.append(0 if language == "en" else 1)
    if language == "en":
        phrases.append([row_of[w] for w in phrase.split(" ") if w in row_of])
    else:
        phrases.append(cut(phrase))
phrase_languages = np.array(phrase_languages)
for language in (0, 1):
    of_words, of_phrases = languages == language, phrase_languages == language
    vectors[of_words] -= vectors[of_words].mean(0)
    phrase_vectors[of_phrases] -= phrase_vectors[of_phrases].mean(0)

both = np.concatenate([vectors, phrase_vectors])
_, values, basis = np.linalg.svd(both.T @ both / len(both))
print("variance kept by", WIDTH, "of", both.shape[1], ":", values[:WIDTH].sum() / values.sum())
unit = lambda x: (x / np.maximum(np.linalg.norm(x, axis=1, keepdims=True), 1e-6)).astype(np.float32)
X = torch.tensor(unit(vectors @ basis[:WIDTH].T))
P = torch.tensor(unit(phrase_vectors @ basis[:WIDTH].T))
L = torch.tensor(languages)
cost = torch.tensor(costs, dtype=torch.float32)

keep = [i for i, tokens in enumerate(phrases) if tokens]
held = set(keep[:: 10])
train = [i for i in keep if i not in held]


def bag(indices):
    flat = torch.tensor([row for i in indices for row in phrases[i]])
    lengths = torch.tensor([len(phrases[i]) for i in indices])
    return flat, torch.cat([torch.zeros(1, dtype=torch.long), lengths.cumsum(0)[:-1]])


maps = torch.nn.Parameter(torch.eye(WIDTH).repeat(2, 1, 1))
knots = torch.linspace(3, 19, 9)
curve = torch.nn.Parameter((-torch.log1p(torch.exp(-(knots - 7)))).repeat(2, 1))
delta = torch.nn.Parameter(torch.zeros(len(words)))
residual = torch.nn.Parameter(torch.zeros(len(words), WIDTH))


def gains(rows):
    at = ((cost[rows] - 3) / 2).clamp(0, 7.999)
    low = at.long()
    share = at - low
    return (curve[L[rows], low] * (1 - share) + curve[L[rows], low + 1] * share + delta[rows]).exp()


def rows_of(rows):
    mapped = torch.where(L[rows, None] == 0, X[rows] @ maps[0], X[rows] @ maps[1])
    return gains(rows)[:, None] * (mapped + residual[rows])


def phrase(indices):
    flat, offsets = bag(indices)
    unique, inverse = torch.unique(flat, return_inverse=True)
    summed = torch.nn.functional.embedding_bag(inverse, rows_of(unique), offsets, mode="sum")
    return torch.nn.functional.normalize(summed, dim=1), unique


def held_out():
    with torch.no_grad():
        got, _ = phrase(sorted(held))
        cosine = (got * P[sorted(held)]).sum(1)
        language = phrase_languages[sorted(held)]
        return [round(float(cosine[language == l].mean()), 4) for l in (0, 1)]


print("held-out cosine to the teacher before fitting", held_out())
shared = torch.optim.Adam([maps, curve], lr=1e-3)
own = torch.optim.Adam([delta, residual], lr=2e-3)
order = np.array(train)
for epoch in range(9):
    np.random.default_rng(epoch).shuffle(order)
    # Words get residuals of their own once the maps they share have settled.
    delta.requires_grad_(epoch >= 3), residual.requires_grad_(epoch >= 3)
    for start in range(0, len(order), 512):
        indices = order[start : start + 512].tolist()
        got, used = phrase(indices)
        target = P[indices]
        near = (1 - (got * target).sum(1)).mean()
        # The right phrase must be told from the others of the batch, too.
        logits = got @ target.T * 20
        apart = torch.nn.functional.cross_entropy(logits, torch.arange(len(indices)))
        decay = residual[used].square().sum(1).mean() * 0.5 + delta[used].square().mean() * 0.05
        loss = near + 0.2 * apart + decay
        shared.zero_grad(), own.zero_grad()
        loss.backward()
        shared.step()
        if epoch >= 3:
            own.step()
    print(epoch, round(float(loss), 4), held_out(), flush=True)

with torch.no_grad():
    table = torch.cat([rows_of(torch.arange(i, min(i + 4096, len(words)))) for i in range(0, len(words), 4096)])
table /= table.norm(dim=1).median()


def bucket(gram):
    value = 0x811C9DC5
    for character in gram:
        value = ((value ^ ord(character)) * 0x01000193) & 0xFFFFFFFF
    return value % BUCKETS


def grams(word):
    marked = f"<{word}>"
    return [bucket(marked[i : i + n]) for n in (3, 4, 5) for i in range(len(marked) - n + 1)]


spelt = [i for i, w in enumerate(words) if re.match("^[a-z]{4,}$", w)]
lists = [grams(words[i]) for i in spelt]
target = torch.nn.functional.normalize(table[spelt], dim=1)
buckets = torch.nn.Parameter(torch.zeros(BUCKETS, WIDTH).normal_(0, 0.01))
optimiser = torch.optim.Adam([buckets], lr=5e-3)
order = np.arange(len(spelt))
tested = order[::20]
learnt = np.setdiff1d(order, tested)


def spell(indices):
    flat = torch.tensor([b for i in indices for b in lists[i]])
    lengths = torch.tensor([len(lists[i]) for i in indices])
    offsets = torch.cat([torch.zeros(1, dtype=torch.long), lengths.cumsum(0)[:-1]])
    return torch.nn.functional.embedding_bag(flat, buckets, offsets, mode="mean")


for epoch in range(6):
    np.random.default_rng(epoch).shuffle(learnt)
    for start in range(0, len(learnt), 1024):
        indices = learnt[start : start + 1024]
        got = torch.nn.functional.normalize(spell(indices), dim=1)
        loss = (1 - (got * target[indices]).sum(1)).mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    with torch.no_grad():
        read = spell(tested)
        cosine = (torch.nn.functional.normalize(read, dim=1) * target[tested]).sum(1).mean()
    print("letters", epoch, round(float(loss), 4), "held-out words", round(float(cosine), 4), flush=True)
# A word read by its letters is a guess, and weighs half of one that is known.
with torch.no_grad():
    letters = buckets * (0.5 / float(read.norm(dim=1).median()))

rows = torch.cat([table, letters]).numpy()
scales = np.abs(rows).max(1) / 127
codes = np.rint(rows / np.maximum(scales, 1e-12)[:, None]).astype(np.int8)
text = "\n".join(words).encode()
header = json.dumps(
    {
        "name": NAME,
        "version": VERSION,
        "width": WIDTH,
        "words": len(words),
        "buckets": BUCKETS,
        "wordBytes": len(text),
    }
).encode()
with open(out, "wb") as file:
    file.write(b"MGPWORDS" + struct.pack("<I", len(header)) + header + text)
    file.write(costs.astype("<f4").tobytes() + scales.astype("<f4").tobytes() + codes.tobytes())
print(out, file.name and len(words), "words")
