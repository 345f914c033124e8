#!/usr/bin/env python3
"""Writes csv.txt: texts that Python's csv module reads, and the fields that it finds in them.

A line "text", then a line for each record, with fields between tabs and \\n, \\t, \\r, \\\\ for what a line cannot hold.
A line %% ends a case. Some texts are written by csv.writer in its dialects, others are random strings of
what matters to a reader; those that Python refuses (strict) or reads as records of unequal length are left out.
"""

import csv
import io
import pathlib
import random

random.seed(11)
PIECES = ["a", "b c", "", ",", '"', '""', "\n", "\r\n", "\r", "\t", ";", "ä", "1.5", " "]


def escaped(text):
    for plain, code in ("\\", "\\\\"), ("\n", "\\n"), ("\t", "\\t"), ("\r", "\\r"):
        text = text.replace(plain, code)
    return text


def written():
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator=random.choice(["\n", "\r\n"]),
                        quoting=random.choice([csv.QUOTE_MINIMAL, csv.QUOTE_ALL, csv.QUOTE_NONNUMERIC]))
    width = random.randint(2, 4)
    for _ in range(random.randint(1, 4)):
        writer.writerow(["".join(random.choices(PIECES, k=random.randint(0, 4))) for _ in range(width)])
    return out.getvalue()


cases = []
while len(cases) < 200:
    text = written() if len(cases) < 100 else "".join(random.choices(PIECES, k=random.randint(3, 14)))
    try:
        rows = [row for row in csv.reader(io.StringIO(text, newline=""), strict=True) if row]
    except csv.Error:
        continue
    if rows and len({len(row) for row in rows}) == 1:
        lines = [escaped(text)] + ["\t".join(map(escaped, row)) for row in rows]
        cases.append("\n".join(lines) + "\n%%\n")
pathlib.Path(__file__).with_name("csv.txt").write_text("".join(cases), encoding="utf-8", newline="")
