#!/bin/sh
# Checks who may include what (the rules of the source tree; see the folder map in README.md). Prints each offence as
# file:line, and exits with status 1 if there is one.
set -eu
cd "$(dirname "$0")/.."
failed=0
mkdir -p build
offence() { # $1: the rule, standard input: grep -n output
    while IFS= read -r line; do
        echo "includes: $line   ($1)"
        failed=1
    done
}
quoted() { # files...: every #include "x" or <x> as file:line:name
    grep -nE '^[[:space:]]*#[[:space:]]*include' "$@" /dev/null | sed -E 's/^([^:]+:[0-9]+):[^"<]*["<]([^">]+)[">].*/\1:\2/'
}

# 1. The driver: WDK headers and its own, and only downwards: 01 -> 02 -> 03 -> 04; 05 and 06 for everybody.
wdk='ntifs|ntstrsafe|ntddscsi|ntddstor|storport|srbhelper|scsi|srb|initguid|ioevent|wdmguid|evntrace|ntddk|wdm'
for chapter in 01 02 03 04 05 06; do
    case $chapter in
    01) own='01|02|03|04|05|06' ;;
    02) own='02|03|04|05|06' ;;
    03) own='03|04|05|06' ;;
    04) own='04|05|06' ;;
    05) own='05' ;;
    06) own='05|06' ;;
    esac
    files=$(find src/driver/$chapter-* -name '*.[ch]')
    [ -n "$files" ] || continue
    quoted $files | grep -vE ":(($wdk)\.h|vmini(_ioctl)?\.h|($own)-[a-z]+/(more/)?[a-z_]+\.h)$" >build/.includes || true
    offence "chapter $chapter may not include it" <build/.includes
done
# 2. The host never names the driver.
quoted $(find src/host -name '*.[ch]') | grep -E 'driver/|vmini' >build/.includes || true
offence "the host must load any miniport: it may not know this one" <build/.includes
# 3. Tools use host.h, the recorder, the scheduler and the explorer, and the control header (the bench also nt.h: it waits
#    as a thread of the machine does); the probe not even that.
[ -d src/tools ] && quoted $(find src/tools -name '*.[ch]') |
    grep -E ':(driver/0|0[1-6]-|host/(nt|storport|verifier|pnp|image)/|(nt|storport|verifier|image)/)' |
    grep -vE ':(nt/(sched|trace|explore)\.h)$|^src/tools/bench/[^:]*:[0-9]+:nt/nt\.h$' >build/.includes || true
offence "tools use host.h and driver/vmini_ioctl.h only" <build/.includes
[ -d src/tools/probe ] && quoted $(find src/tools/probe -name '*.[ch]') | grep -E 'driver/|vmini' >build/.includes || true
offence "the probe includes no driver header" <build/.includes
rm -f build/.includes
[ $failed -eq 0 ] && echo "includes: the rules hold"
exit $failed
