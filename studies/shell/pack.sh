#!/bin/sh
# Compress generated text: pack.sh PROGRAM LEVEL SORTED SEED. Prints the sizes as JSON.
set -eu
program=$1 level=$2 sorted=$3 seed=$4

text() {
    awk -v seed="$seed" 'BEGIN {
        srand(seed)
        for (line = 0; line < 8000; line++)
            print "item", int(exp(6 * rand())), "costs", int(1000 * rand()) / 100, "euros"
    }'
}
order() { if [ "$sorted" = true ]; then LC_ALL=C sort; else cat; fi; }

raw=$(text | wc -c)
packed=$(text | order | "$program" "-$level" | wc -c)
echo "{\"raw\": $raw, \"packed\": $packed}"
