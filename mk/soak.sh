#!/bin/sh
# Data through real initiators: qemu-img copies an image onto the unit and back, a CD image is read back, and the soak
# (tests/soak) writes, reads, unmaps and flushes against a model of every byte.
#   SOAK_OPERATIONS (100000), SOAK_SEED (1), SOAK_MIB (256): how much
set -eu
build=${BUILD:-build}
operations=${SOAK_OPERATIONS:-100000}
seed=${SOAK_SEED:-1}
mib=${SOAK_MIB:-256}
work=$(mktemp -d "${TMPDIR:-/tmp}/vmini-soak-XXXXXX")
server=
stop() {
    [ -z "$server" ] || kill "$server" 2>/dev/null || true
    rm -rf "$work"
}
trap stop EXIT
fail() {
    echo "soak: $1" >&2
    [ ! -f "$work/serve.err" ] || cat "$work/serve.err" >&2
    exit 1
}
serve() { # arguments: starts the server; the URLs go to $work/urls
    "$build/nthost" serve --port 0 "$@" >"$work/serve.out" 2>"$work/serve.err" &
    server=$!
    while ! grep -q '^ready$' "$work/serve.out"; do
        kill -0 "$server" 2>/dev/null || fail "nthost serve did not start"
        sleep 0.1
    done
    grep -o 'iscsi://[^ ]*' "$work/serve.out" >"$work/urls"
}
end() { # it has to end well: nothing lost, nothing leaked
    kill "$server"
    wait "$server" || fail "nthost serve ended with status $?"
    server=
}
url() { sed -n "$1p" "$work/urls"; }

truncate -s 64M "$work/soak.img"
serve --thin --removable "$work/soak.img"
"$build/soak" "$(url 1)" --seed "$seed" --operations "$operations" --model "$work/model" ${SOAK_ARGUMENTS:-}
end
cmp "$work/soak.img" "$work/model" || fail "the image is not what the initiators wrote"
echo "the image is the model, byte for byte"
rm "$work/soak.img" "$work/model"

# An image with something in it: half random, half holes and repetition.
head -c $((mib * 1024 * 512)) /dev/urandom >"$work/source.img"
truncate -s "${mib}M" "$work/source.img"
mkdir "$work/files"
cp -r src "$work/files"
xorriso -as mkisofs -quiet -J -r -V VMINI_SOAK -o "$work/cd.iso" "$work/files" >/dev/null 2>&1
truncate -s "${mib}M" "$work/unit.img"
serve --thin "$work/unit.img" --cdrom "$work/cd.iso"
qemu-img convert -n -f raw -O raw "$work/source.img" "$(url 1)"
qemu-img compare -f raw -F raw "$work/source.img" "$(url 1)" || fail "qemu-img compare finds a difference"
qemu-img convert -f raw -O raw "$(url 1)" "$work/back.img"
qemu-img convert -f raw -O raw "$(url 2)" "$work/back.iso"
end
cmp "$work/source.img" "$work/back.img" || fail "what came back is not what was written"
cmp "$work/source.img" "$work/unit.img" || fail "the image file is not what was written"
cmp "$work/cd.iso" "$work/back.iso" || fail "the CD image read back is another"
echo "$mib MiB onto the unit and back by qemu-img, and a CD image of $(($(wc -c <"$work/cd.iso") / 1024)) KiB: equal"
