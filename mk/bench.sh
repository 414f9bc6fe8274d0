#!/bin/sh
# The benchmark: wall-clock ratios, then instructions of src/driver per READ(10), counted by callgrind from the first read
# to the last. Counts hardly differ from run to run, whatever else the machine does.
set -eu
build=$1
driver=$build/vmini.so
out=$build/bench-callgrind
"$build/bench" "$driver"
mkdir -p "$out"

count() { # reads devices -> instructions in the driver's own code
    valgrind --tool=callgrind --instr-atstart=no --callgrind-out-file="$out/$1-$2" --log-file="$out/log" \
        "$build/bench" "$driver" --reads "$1" "$2" || { cat "$out/log" >&2; exit 1; }
    # Self cost of the driver's functions. The host loads it through a memfd, which Valgrind cannot open: it is the one object
    # whose name is "???". "ob=(7) name" names an object, "ob=(7)" repeats it; "cob=" does the same for an object that is called.
    awk '/^c?ob=/ { id = $1; sub(/^c?ob=/, "", id); if (NF > 1) name[id] = $2 }
         /^ob=/ { inside = name[id] == "???" }
         /^calls=/ { skip = 1; next }
         /^[+*0-9-]/ { if (skip) skip = 0; else if (inside) sum += $2 }
         END { if (sum == 0) { print "bench: no object without a name in " FILENAME > "/dev/stderr"; exit 1 }
               printf "%d\n", sum }' "$out/$1-$2"
}
per_read() { # devices
    echo $(($(count 2000 "$1") / 2000))
}
one=$(per_read 1)
many=$(per_read 1000)
printf '%-46s %12d %8s\n' "instructions in src/driver per READ(10), 1 device" "$one" "1.00"
printf '%-46s %12d %8s\n' "  the same with 1,000 devices" "$many" "$(awk "BEGIN { printf \"%.3f\", $many / $one }")"
# The one figure that does not depend on the machine, nor on what else it does: it is a promise.
if [ "$one" -gt 1000 ] || [ $((many * 100)) -gt $((one * 102)) ]; then
    echo "bench: more than 1,000 instructions, or more than 2% more with 1,000 devices" >&2
    exit 1
fi
