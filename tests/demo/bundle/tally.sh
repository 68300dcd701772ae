#!/bin/sh
# Reads a text, tells the length of each line as it goes, and the sum as its result on descriptor 3.
sum=0
while IFS= read -r line || [ -n "$line" ]; do
    sum=$((sum + ${#line}))
    echo "${#line} letters: $line"
    sleep 0.1
done
printf '{"letters": %d}\n' "$sum" >&3
