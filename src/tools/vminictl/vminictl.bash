# Completion of vminictl for bash: source this file, or put it into /usr/share/bash-completion/completions/vminictl.
# Connected images and their addresses come from the running host, if there is one.

_vminictl_connected() {
    local socket=${VMINI_CONTROL:-} i
    for ((i = 1; i < COMP_CWORD; i++)); do
        [[ ${COMP_WORDS[i]} == --control ]] && socket=${COMP_WORDS[i + 1]}
    done
    [[ -n $socket ]] || return 0
    # "0:1:0  enumerated    4.0 MiB read-only  /tmp/a.img": the address, and what is behind the last two blanks.
    "${COMP_WORDS[0]}" list --control "$socket" 2>/dev/null | sed -nE 's/^([0-9]+:[0-9]+:[0-9]+)  .*  (.+)$/\1\n\2/p'
}

_vminictl() {
    local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]} command=${COMP_WORDS[1]:-}
    local commands='connect disconnect list ping watch' line word=${COMP_LINE:0:COMP_POINT}
    COMPREPLY=()
    word=${word##* } # bash splits words at colons: of an address, `current` is only the last part.
    case $previous in
    --control)
        mapfile -t COMPREPLY < <(compgen -f -- "$current")
        return
        ;;
    --at | --count | --since) return ;;
    esac
    if ((COMP_CWORD == 1)); then
        mapfile -t COMPREPLY < <(compgen -W "$commands --help --version" -- "$current")
        return
    fi
    if [[ $current == -* ]]; then
        case $command in
        connect) line='--cdrom --read-only --removable --thin --at --json --control --help' ;;
        disconnect) line='--force --control --help' ;;
        list | ping) line='--json --control --help' ;;
        watch) line='--json --count --since --control --help' ;;
        *) return ;;
        esac
        mapfile -t COMPREPLY < <(compgen -W "$line" -- "$current")
        return
    fi
    case $command in
    connect) mapfile -t COMPREPLY < <(compgen -f -- "$current") ;;
    disconnect)
        while IFS= read -r line; do
            [[ $line == "$word"* ]] && COMPREPLY+=("${line#"${word%"$current"}"}")
        done < <(_vminictl_connected)
        ;;
    esac
}

complete -o filenames -o bashdefault -F _vminictl vminictl
