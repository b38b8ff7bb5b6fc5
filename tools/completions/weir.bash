# Completion of `weir` for bash. Verbs and options are asked of the command itself, so what it
# learns is completed without a word here; only the values of options are known here.

_weir_verbs() {
    "$1" --help 2>/dev/null | awk '/^  [-a-z]/ { print $1 }'
}

_weir_options() {
    "$1" "$2" --help 2>/dev/null | awk '/^  --/ { print $1 }' | sort -u
}

# The words that can follow an option; fails where any file can, or what nobody can guess.
_weir_values() {
    case $2 in
    --message-format) echo human json sarif ;;
    --format) if [ "$1" = test ]; then echo tap junit; else echo json csv msgpack text; fi ;;
    *) return 1 ;;
    esac
}

_weir_files() {
    compopt -o filenames 2>/dev/null
    mapfile -t COMPREPLY < <(compgen -d -- "$2"; [ "$1" = any ] && compgen -f -- "$2")
    if [ "$1" != any ]; then
        mapfile -t -O "${#COMPREPLY[@]}" COMPREPLY < <(compgen -f -X '!*.weir' -- "$2")
    fi
}

_weir() {
    local command=${COMP_WORDS[0]} verb=${COMP_WORDS[1]}
    local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]} values
    COMPREPLY=()
    if [ "$COMP_CWORD" -eq 1 ]; then
        mapfile -t COMPREPLY < <(compgen -W "$(_weir_verbs "$command")" -- "$word")
    elif values=$(_weir_values "$verb" "$before"); then
        mapfile -t COMPREPLY < <(compgen -W "$values" -- "$word")
    elif [[ $before = --from ]]; then
        _weir_files any "$word"
    elif [[ $before = --@(set|filter|jobs) ]]; then
        return
    elif [[ $word = -* ]]; then
        mapfile -t COMPREPLY < <(compgen -W "$(_weir_options "$command" "$verb")" -- "$word")
    else
        _weir_files rules "$word"
    fi
}

complete -F _weir weir
