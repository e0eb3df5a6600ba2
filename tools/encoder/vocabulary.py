"""Which words the static table holds, and which phrases it is fitted on.

    vocabulary.py TEACHER_DIR WORDSEGMENT_DIR JIEBA_DICT OUT_DIR

English words come by frequency from the unigram counts of `wordsegment` (Apache-2.0), Chinese ones
from the dictionary of jieba (MIT); both are filled up with whole-word pieces of the teacher's own
vocabulary (MIT), which knows newer words and brands. No shop's texts take part: phrases are the
bigrams of `wordsegment`, and words drawn at random by frequency.
"""

import random
import re
import struct
import sys

ENGLISH, ENGLISH_PIECES = 26_000, 8_000
CHINESE, CHINESE_PIECES = 26_000, 8_000
BIGRAMS, DRAWN = 9_000, 12_000

teacher, wordsegment, jieba, out = sys.argv[1:5]


def teacher_pieces():
    """Pieces of the teacher's vocabulary with their log-probabilities."""
    with open(f"{teacher}/e5-small-q4.bin", "rb") as file:
        head = file.read(64 << 20)
    at = 8 + 7 * 4 + 4 + 4  # magic, version; seven sizes, eps, block size
    count = struct.unpack_from("<i", head, at)[0]
    at += 5 * 4
    blob_length = struct.unpack_from("<Q", head, at)[0]
    at += 8
    offsets = struct.unpack_from(f"<{count + 1}I", head, at)
    at += (count + 1) * 4
    scores = struct.unpack_from(f"<{count}f", head, at)
    at += count * 4
    blob = head[at : at + blob_length]
    for i in range(count):
        yield blob[offsets[i] : offsets[i + 1]].decode("utf8", "replace"), scores[i]


is_han = re.compile(r"^[\u4e00-\u9fff]+$").match
is_word = re.compile(r"^[a-z]{2,20}$").match

english, chinese = {}, {}
counts = [line.split("\t") for line in open(f"{wordsegment}/unigrams.txt", encoding="utf8")]
counts = sorted(((w, float(n)) for w, n in counts if is_word(w)), key=lambda pair: -pair[1])
total = sum(n for _, n in counts)
known = dict(counts)
for word, n in counts[:ENGLISH]:
    english[word] = n / total
for letter in "abcdefghijklmnopqrstuvwxyz0123456789":
    english[letter] = 1e-3

entries = [line.split(" ") for line in open(jieba, encoding="utf8")]
entries = [(w, float(n), tag.strip()) for w, n, tag in entries if is_han(w)]
zh_total = sum(n for _, n, _ in entries)
entries.sort(key=lambda entry: -entry[1])
for word, n, tag in entries:
    if len(word) == 1 and n > 2:
        chinese[word] = n / zh_total
for word, n, tag in entries:
    if len(chinese) >= CHINESE:
        break
    if 2 <= len(word) <= 4 and tag not in ("nr", "nrt", "nrfg"):
        chinese.setdefault(word, n / zh_total)

more_english, more_chinese = [], []
for piece, score in teacher_pieces():
    word = piece.lstrip("\u2581")
    if is_han(word) and 2 <= len(word) <= 6 and word not in chinese:
        more_chinese.append((score, word))
    elif piece[0] == "\u2581" and is_word(word.lower()) and len(word) > 2:
        word = word.lower()
        if word not in english and known.get(word, 0) > 200_000:
            more_english.append((known[word], word))
for _, word in sorted(set(more_english), reverse=True)[:ENGLISH_PIECES]:
    english.setdefault(word, known[word] / total)
for score, word in sorted(more_chinese, reverse=True)[:CHINESE_PIECES]:
    chinese.setdefault(word, 1e-6)

# Words of shops that the dictionaries are too old, or too literary, to have.
with open(f"{sys.path[0]}/shop-words.txt", encoding="utf8") as file:
    for word in file.read().split():
        (chinese if is_han(word) else english).setdefault(word, 1e-5)

with open(f"{out}/words.tsv", "w", encoding="utf8") as file:
    for language, words in (("en", english), ("zh", chinese)):
        for word, share in words.items():
            file.write(f"{language}\t{word}\t{share:.4e}\n")

draw = random.Random(7)


def drawn(words, count, joiner):
    """Phrases of 2 to 6 words, drawn with the square root of their frequency."""
    names = [w for w in words if len(w) > 1]
    weights = [words[w] ** 0.5 for w in names]
    for _ in range(count):
        yield joiner.join(draw.choices(names, weights, k=draw.randint(2, 6)))


bigrams = [line.split("\t")[0] for line in open(f"{wordsegment}/bigrams.txt", encoding="utf8")]
bigrams = [b for b in bigrams if all(len(w) > 2 and w in english for w in b.split(" "))]
with open(f"{out}/phrases.tsv", "w", encoding="utf8") as file:
    long_words = [w for w, n, tag in entries[:150_000] if 3 <= len(w) <= 6 and w not in chinese]
    rows = [("en", p) for p in draw.sample(bigrams, BIGRAMS)]
    rows += [("zh", p) for p in draw.sample(long_words, min(BIGRAMS, len(long_words)))]
    rows += [("en", p) for p in drawn(english, DRAWN, " ")]
    rows += [("zh", p) for p in drawn(chinese, DRAWN, "")]
    draw.shuffle(rows)
    for language, phrase in rows:
        file.write(f"{language}\t{phrase}\n")
print(len(english), "English and", len(chinese), "Chinese words,", len(rows), "phrases")
