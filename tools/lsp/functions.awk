# The tables of docs/functions.md as rows of C: name, example, meaning.
function quoted(text) {
    gsub(/\\/, "&&", text)
    gsub(/"/, "\\\\&", text)
    return "\"" text "\""
}
/^\| `/ {
    n = split($0, cell, / \| /)
    if (n != 4) {
        print "functions.md:" NR ": a row has " n " cells, not 4" > "/dev/stderr"
        exit 1
    }
    name = cell[1]
    sub(/^\| `/, "", name)
    sub(/`$/, "", name)
    sub(/ \|$/, "", cell[4])
    printf "    { %s, %s, %s },\n", quoted(name), quoted(cell[3]), quoted(cell[4])
}
