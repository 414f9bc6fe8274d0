#!/bin/sh
# Loads the shipped vmini.sys with a loader that nobody here wrote: Wine's. SetupAPI installs the INF, winedevice.exe loads
# the driver and, as its storport.sys, the host's own src/host/storport; vminictl.exe asks it through DeviceIoControl; the
# device is removed, the service stopped. Every callback is a line of the log, which must be tests/wine/expected.txt.
#
# Wine's kernel has no file systems, so no image can be connected: that command ends in an error, and that is checked.
# Everything lives in build/wine (700 MB while it runs), and is gone afterwards; KEEP=1 keeps it.
set -eu
cd "$(dirname "$0")/.."
for wine in "$(command -v wine64 || true)" /usr/lib/wine/wine64 ''; do
    [ -x "$wine" ] && break
done
if [ -z "$wine" ]; then
    echo 'wine: skipped: Wine is not installed; make deps-wine installs it'
    exit 0
fi
server=$(dirname "$(readlink -f "$wine")")/wineserver64
[ -x "$server" ] || server=$(command -v wineserver)
here=$PWD/build/wine
log=$here/log.txt
[ ! -e "$here/prefix" ] || rm -rf "$here"
mkdir -p "$here/home" "$here/package"
unset DISPLAY WAYLAND_DISPLAY
export HOME="$here/home" WINEPREFIX="$here/prefix" WINEARCH=win64 WINEDEBUG=-all
export WINEDLLOVERRIDES='mscoree,mshtml,winemenubuilder.exe='

end() {
    status=$?
    [ ! -e "$WINEPREFIX" ] || sockets=/tmp/.wine-$(id -u)/$(stat -c 'server-%d-%i' "$WINEPREFIX" |
        awk -F- '{ printf "server-%x-%x", $2, $3 }')
    "$server" -k 2>/dev/null || true
    "$server" -w 2>/dev/null || true
    [ -n "${KEEP:-}" ] || rm -rf "$here/prefix" "$here/home" "${sockets:-/nonexistent}"
    [ $status -eq 0 ] || echo "wine: failed; the log is $log" >&2
    exit $status
}
trap end EXIT
trap 'exit 130' INT TERM

fail() {
    echo "wine: $*" >&2
    exit 1
}
run() { # a Windows program, which must not take for ever
    timeout -k 10 "${WINE_SECONDS:-300}" "$wine" "$@"
}
expect() { # STATUS TEXT PROGRAM...: ends with this status, and says this
    status=0 want=$1 text=$2
    shift 2
    run "$@" >"$here/out.txt" 2>&1 </dev/null || status=$?
    [ $status -eq "$want" ] || { cat "$here/out.txt" >&2; fail "$* ended with status $status, not $want"; }
    grep -qF -- "$text" "$here/out.txt" || { cat "$here/out.txt" >&2; fail "$* does not say: $text"; }
}
until_logged() { # COUNT TEXT: the log has so many of these lines
    tries=0
    until [ "$(grep -c -- "$2" "$log")" -ge "$1" ]; do
        tries=$((tries + 1))
        [ $tries -lt 600 ] || fail "the log never had $1 times: $2"
        sleep 0.1
    done
}
drivers() { # what the drivers said, without what differs from run to run
    sed -nE 's/^.*vDbgPrintExWithPrefix [0-9a-f]+:[0-9a-f]+: ((glue|storport|vmini): .*)$/\1/p' "$log"
}
vminictl=build/windows/vminictl.exe

run wineboot -i >"$here/boot.txt" 2>&1 || { tail -20 "$here/boot.txt" >&2; fail 'no prefix could be made'; }
"$server" -k || true
"$server" -w
"$server" -p

expect 0 'usage: vminictl COMMAND' $vminictl --help
expect 3 'no adapter: no vmini device is present' $vminictl list
expect 2 'there is no command "fly"' $vminictl fly
"$server" -k || true # What the services say goes where the first program of a server said it.
"$server" -w
"$server" -p

# Wine 8 knows models for a platform, not for a version and a build of it; and no Driver Store.
cp build/windows/vmini.sys "$here/package"
sed 's/NTamd64\.10\.0\.\.\.16299/NTamd64/' build/windows/vmini.inf >"$here/package/vmini.inf"
cp build/mingw/wine/storport.sys "$WINEPREFIX/drive_c/windows/system32/drivers"
inf=$(printf 'Z:%s' "$here/package/vmini.inf" | tr / '\\') # SetupCopyOEMInf looks for a backslash, without a second look.
WINEDEBUG=warn+debugstr,err+all,warn+module run build/mingw/wine/devnode.exe install "$inf" 'root\vmini' \
    >"$log" 2>&1 </dev/null || { tail -20 "$log" >&2; fail 'the INF was not installed'; }
until_logged 1 'storport: HwUnitControl returned'

# What Wine's SetupAPI made of the INF is what ours makes of it.
values() { awk '$2 ~ /^REG_/ { print $1, $2, $3 }' | tr -d '\r' | sort; }
key='HKLM\SYSTEM\CurrentControlSet\Services\vmini\Parameters'
run reg query "$key" 2>/dev/null </dev/null | values >"$here/theirs.txt"
printf 'reg query %s\n' "$key" | build/nthost run --inf build/windows/vmini.inf | values >"$here/ours.txt"
[ -s "$here/ours.txt" ] || fail 'nthost read no parameters'
diff "$here/ours.txt" "$here/theirs.txt" >&2 || fail 'the two installers write different parameters'

# The control interface, from one shipped file to the other.
expect 0 'vmini, interface version 1: 1 bus(es) x 16 targets x 8 logical units, 0 connected' $vminictl ping
expect 0 'nothing is connected' $vminictl list
expect 1 'failed with status C0000002' $vminictl connect 'C:\windows\win.ini' --read-only
# Before a disconnect vminictl looks for the volumes on the unit: here there is none, but drives of Wine's own there are.
expect 1 'no image of that name is connected' $vminictl disconnect 'C:\windows\win.ini'
expect 1 'disconnect 0:0:0: nothing is connected there' $vminictl disconnect 0:0:0
expect 0 'volume C:\ can be opened' build/mingw/wine/volumes.exe C:
run $vminictl watch >"$here/watch.txt" 2>&1 </dev/null &
watch=$!
until_logged 6 'storport: HwProcessServiceRequest returned'

# The device goes, and takes the watch with it; then nobody needs the driver any more.
run build/mingw/wine/devnode.exe remove 'root\vmini' >"$here/out.txt" 2>&1 </dev/null ||
    { cat "$here/out.txt" >&2; fail 'the device was not removed'; }
status=0
wait $watch || status=$?
[ $status -eq 3 ] || fail "vminictl watch ended with status $status, not 3, when the adapter went away"
grep -qF 'the adapter went away' "$here/watch.txt" || fail 'vminictl watch does not say that the adapter went away'
expect 3 'no adapter' $vminictl ping
run net stop vmini >"$here/out.txt" 2>&1 </dev/null || { cat "$here/out.txt" >&2; fail 'the service was not stopped'; }
until_logged 1 'storport: HwCleanupTracing returned'

drivers >"$here/said.txt"
diff tests/wine/expected.txt "$here/said.txt" >&2 || fail 'the callbacks are not those of tests/wine/expected.txt'
if grep -E 'err:(seh|ntoskrnl)|unimplemented function|Unhandled (exception|page fault)' "$log" >&2; then
    fail 'Wine complains about the driver'
fi
echo "wine: $("$wine" --version): vmini.inf installed, vmini.sys loaded, started, asked by vminictl.exe, removed, unloaded:" \
    "$(grep -c returned "$here/said.txt") callbacks"
