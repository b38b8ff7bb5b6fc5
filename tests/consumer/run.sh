#!/usr/bin/env bash
# Installs a built tree to a fresh prefix, moves the prefix, and builds and runs a small
# program against it, once through CMake's package and once through pkg-config.
#
#   run.sh BUILD_DIR STATIC|SHARED    CC and CFLAGS are taken from the environment
set -euo pipefail
build=$1
kind=$2
here=$(cd "$(dirname "$0")" && pwd)
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
expected="ok float 21.5"

check() { # check WHAT PROGRAM
    local got
    got=$("$2")
    if [ "$got" != "$expected" ]; then
        echo "$1: expected '$expected', got '$got'" >&2
        exit 1
    fi
}

cmake --install "$build" --prefix "$scratch/made" >"$scratch/install.log"
mv "$scratch/made" "$scratch/prefix"
prefix="$scratch/prefix"
for file in bin/weir include/weir/chunk.h share/man/man1/weir.1 \
    share/bash-completion/completions/weir share/zsh/site-functions/_weir \
    share/fish/vendor_completions.d/weir.fish; do
    [ -e "$prefix/$file" ] || { echo "not installed: $file" >&2; exit 1; }
done
if find "$prefix" -path '*weiri*' | grep -q .; then
    echo "inner headers are installed" >&2
    exit 1
fi
[[ "$("$prefix/bin/weir" --version)" == "weir "* ]] || { echo "the installed weir does not run" >&2; exit 1; }

cmake -G Ninja -S "$here" -B "$scratch/consumer" -DCMAKE_PREFIX_PATH="$prefix" >"$scratch/configure.log"
cmake --build "$scratch/consumer" >"$scratch/build.log" || { cat "$scratch/build.log" >&2; exit 1; }
check "CMake package" "$scratch/consumer/consumer"

embed=$here/../../examples/embed
cmake -G Ninja -S "$embed" -B "$scratch/embed" -DCMAKE_PREFIX_PATH="$prefix" >"$scratch/configure.log"
cmake --build "$scratch/embed" >"$scratch/build.log" || { cat "$scratch/build.log" >&2; exit 1; }
"$scratch/embed/embed" <"$embed/events.jsonl" | diff "$embed/expected.txt" - ||
    { echo "examples/embed gives something else" >&2; exit 1; }

# Plugins: the examples, and what `weir new` writes.
plugin() { # plugin FOLDER
    cmake -G Ninja -S "$1" -B "$1/build" -DCMAKE_PREFIX_PATH="$prefix" >"$scratch/configure.log"
    cmake --build "$1/build" >"$scratch/build.log" || { cat "$scratch/build.log" >&2; exit 1; }
}
for name in geo anomaly webhook; do
    cp -r "$here/../../examples/$name" "$scratch/$name"
    plugin "$scratch/$name"
    cp "$scratch/$name/build/lib$name.so" "$scratch/$name"
    "$prefix/bin/weir" run --quiet "$scratch/$name/$name.weir" | diff "$scratch/$name/expected.jsonl" - ||
        { echo "examples/$name gives something else" >&2; exit 1; }
done
for what in actor function aggregate source sink codec; do
    (cd "$scratch" && "$prefix/bin/weir" new "$what" "my_$what" >/dev/null)
    plugin "$scratch/my_$what"
    (cd "$scratch/my_$what/build" && PATH="$prefix/bin:$PATH" ctest --output-on-failure >"$scratch/test.log") ||
        { cat "$scratch/test.log" >&2; echo "what 'weir new $what' writes fails its test" >&2; exit 1; }
done

command -v pkg-config >/dev/null || { echo "no pkg-config: that half is left out"; exit 77; }
pc=$(dirname "$(find "$prefix" -name weir.pc)")
flags=(--cflags --libs)
if [ "$kind" = STATIC ]; then flags=(--static "${flags[@]}"); fi
read -ra words < <(PKG_CONFIG_PATH="$pc" pkg-config "${flags[@]}" weir)
# shellcheck disable=SC2086 # CFLAGS are words
"${CC:-cc}" -std=c11 ${CFLAGS:-} "$here/main.c" -o "$scratch/by-pkg-config" "${words[@]}"
LD_LIBRARY_PATH="$(dirname "$pc")" check "pkg-config" "$scratch/by-pkg-config"
