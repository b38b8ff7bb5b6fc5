#!/usr/bin/env python3
"""Cuts flights.csv.gz out of the file it comes from.

    npm pack vega-datasets@3.2.1 && tar xzf vega-datasets-3.2.1.tgz
    make_slice.py package/data/flights-3m.parquet flights.csv.gz     (needs pyarrow)

The same rows as CSV, plain or on standard input as "-", do as well and need no pyarrow.
The result is the same to the byte each time: no name and no time in the gzip header.
"""

import csv
import gzip
import io
import sys

FIRST, LAST = "2001-06-14", "2001-06-15"
COLUMNS = ["date", "delay", "distance", "origin", "destination"]


def from_parquet(path):
    import pyarrow.parquet  # only this way in needs it

    for batch in pyarrow.parquet.ParquetFile(path).iter_batches():
        for row in batch.to_pylist():
            yield [row["date"].strftime("%Y-%m-%d %H:%M")] + [row[c] for c in COLUMNS[1:]]


def from_csv(path):
    with sys.stdin if path == "-" else open(path, encoding="utf-8", newline="") as lines:
        rows = csv.reader(lines)
        if next(rows) != COLUMNS:
            sys.exit(f"{path}: the columns are not {','.join(COLUMNS)}")
        yield from rows


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    rows = from_parquet if sys.argv[1].endswith(".parquet") else from_csv
    text = io.StringIO()
    out = csv.writer(text, lineterminator="\n")
    out.writerow(COLUMNS)
    out.writerows(r for r in rows(sys.argv[1]) if FIRST <= r[0][:10] <= LAST)
    with open(sys.argv[2], "wb") as file:
        with gzip.GzipFile(filename="", mode="wb", compresslevel=9, fileobj=file, mtime=0) as packed:
            packed.write(text.getvalue().encode())


if __name__ == "__main__":
    main()
