#!/bin/sh
# Makes sure that the packages of one set of mk/deps.list are there.
#   mk/deps.sh SET          installs what is missing: as root directly, on a terminal through sudo after asking;
#                           otherwise prints the exact line to type and exits with status 2.
#   mk/deps.sh --list SET   prints the packages of the set.
set -eu
here=$(dirname "$0")

packages() { # of a set, sets inside it included, one a line; COMMAND/PACKAGE: the command may come from elsewhere
    line=$(sed -n "s/^$1 [ ]*//p" "$here/deps.list")
    [ -n "$line" ] || { echo "deps: there is no set \"$1\" in mk/deps.list" >&2; exit 2; }
    for word in $line; do
        case $word in
        @*) packages "${word#@}" ;;
        */*) command -v "${word%/*}" >/dev/null 2>&1 || echo "${word#*/}" ;;
        *) echo "$word" ;;
        esac
    done
}

if [ "${1:-}" = --list ]; then
    packages "$2" | sort -u
    exit 0
fi
[ $# -eq 1 ] || { echo "usage: mk/deps.sh [--list] SET" >&2; exit 2; }
wanted=$(packages "$1" | sort -u)

if ! command -v dpkg-query >/dev/null 2>&1; then
    echo "deps: this is no Debian or Ubuntu; please install the equivalents of:" $wanted >&2
    echo "deps: then run the same make command with DEPS=skip" >&2
    exit 2
fi
missing=
for package in $wanted; do
    state=$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null || true)
    [ "$state" = installed ] || missing="$missing $package"
done
[ -n "$missing" ] || exit 0

line="apt-get update && apt-get install -y --no-install-recommends$missing"
if [ "$(id -u)" -eq 0 ]; then
    echo "deps: installing$missing"
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing >/dev/null
elif [ -t 0 ] && [ -t 1 ] && command -v sudo >/dev/null 2>&1; then
    printf 'deps: these packages are missing:%s\ndeps: install them with sudo now? [y/N] ' "$missing"
    read -r answer
    case $answer in
    y | Y | yes) sudo sh -c "$line" ;;
    *) echo "deps: not installed. The line is: sudo sh -c '$line'" >&2; exit 2 ;;
    esac
else
    echo "deps: these packages are missing:$missing" >&2
    echo "deps: please type: sudo sh -c '$line'" >&2
    exit 2
fi
