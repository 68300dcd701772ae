#!/bin/sh
# Tries to leave its namespaces; ends with the code that it reads.
read -r ending
unshare --user true 2>/dev/null || echo "stayed"
exit "$ending"
