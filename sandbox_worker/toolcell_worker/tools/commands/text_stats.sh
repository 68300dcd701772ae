#!/bin/sh
# Counts lines, words and characters of the text on standard input, and its $1 most frequent words.
# Prints one JSON object.  A word consists of ASCII letters, digits, apostrophes within it, and any
# byte of a non-ASCII character, so it never needs escaping in JSON.
set -eu
LC_ALL=C # bytes: every awk then counts alike
export LC_ALL

# The x tells a last line without a line end from one with it.
{ cat; printf x; } | awk -v top="$1" '
function count(line,    rest, parts, number, i, word) {
    rest = line
    gsub(/[\200-\277]/, "", rest)      # continuation bytes of UTF-8
    characters += length(rest)
    number = split(tolower(line), parts, /[^a-z0-9\200-\377\047]+/)
    for (i = 1; i <= number; i++) {
        word = parts[i]
        gsub(/^\047+|\047+$/, "", word)  # quotes around a word
        if (word != "") { words++; seen[word]++ }
    }
}
NR > 1 { count(line); lines++; characters++ }
{ line = $0 }
END {
    sub(/x$/, "", line)
    count(line)
    if (line != "") lines++
    printf "{\"lines\":%d,\"words\":%d,\"characters\":%d,\"frequent\":[", lines, words, characters
    for (i = 0; i < top; i++) {
        best = ""
        for (word in seen)
            if (best == "" || seen[word] > seen[best] || (seen[word] == seen[best] && word < best))
                best = word
        if (best == "") break
        printf "%s{\"word\":\"%s\",\"count\":%d}", (i ? "," : ""), best, seen[best]
        delete seen[best]
    }
    print "]}"
}'
