#!/usr/bin/env bash
# Runs an example and compares what it prints, to the byte, with expected.jsonl; then runs
# it again, and on several shards, and compares. Where the example can work out its answer by other means
# (check.py) or make its data anew (generate.py), that has to agree too.
#
#   run.sh WEIR EXAMPLE_FOLDER
set -euo pipefail
weir=$1
folder=$2
name=$(basename "$folder")
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

if ! "$weir" run "$folder/$name.weir" >"$scratch/first" 2>"$scratch/errors"; then
    cat "$scratch/errors" >&2
    echo "$name: weir run failed" >&2
    exit 1
fi
[ -s "$folder/expected.jsonl" ] || { echo "$name: nothing is expected" >&2; exit 1; }
diff "$folder/expected.jsonl" "$scratch/first" >"$scratch/diff" ||
    { head -n 20 "$scratch/diff" >&2; echo "$name: not what is expected" >&2; exit 1; }
for shards in 1 2 8; do
    "$weir" run --shards $shards "$folder/$name.weir" >"$scratch/second" 2>/dev/null
    cmp "$scratch/first" "$scratch/second"
done

command -v python3 >/dev/null || { echo "$name: no python3: compared with expected.jsonl only"; exit 0; }
if [ -f "$folder/check.py" ]; then python3 "$folder/check.py" "$scratch/first"; fi
if [ -f "$folder/generate.py" ]; then
    mkdir "$scratch/made"
    python3 "$folder/generate.py" "$scratch/made"
    for file in "$scratch/made"/*; do cmp "$file" "$folder/$(basename "$file")"; done
fi
