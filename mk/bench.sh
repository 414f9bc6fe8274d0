#!/bin/sh
# The benchmark: wall-clock ratios, then instructions of src/driver per READ(10), counted by callgrind. Counts are the same
# in every run; set-up cancels out because the figure is the difference between two runs of different length.
set -eu
build=$1
driver=$build/vmini.so
out=$build/bench-callgrind
"$build/bench" "$driver"
mkdir -p "$out"

count() { # reads devices -> instructions in the driver's own code
    valgrind --tool=callgrind --callgrind-out-file="$out/$1-$2" --log-file="$out/log" \
        "$build/bench" "$driver" --reads "$1" "$2" || { cat "$out/log" >&2; exit 1; }
    # Self cost of every function whose object file is the driver. "ob=(7) path" names an object, "ob=(7)" repeats it.
    awk '/^ob=/ { match($0, /\([0-9]+\)/); id = substr($0, RSTART, RLENGTH); if ($2 != "") name[id] = $2;
                  inside = (name[id] ~ /vmini/ && name[id] !~ /bench/) }
         /^calls=/ { skip = 1; next }
         /^[+*0-9-]/ { if (skip) skip = 0; else if (inside) sum += $2 }
         END { printf "%d\n", sum }' "$out/$1-$2"
}
per_read() { # devices
    echo $((($(count 3000 "$1") - $(count 1000 "$1")) / 2000))
}
one=$(per_read 1)
many=$(per_read 1000)
printf '%-46s %12d %8s\n' "instructions in src/driver per READ(10), 1 device" "$one" "1.00"
printf '%-46s %12d %8s\n' "  the same with 1,000 devices" "$many" "$(awk "BEGIN { printf \"%.3f\", $many / $one }")"
