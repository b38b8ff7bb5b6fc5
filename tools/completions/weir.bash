# Completion of `weir` for bash. Verbs, options and whether these take a value are asked of the
# command itself, so what it learns is completed without a word here; only the values that are words
# are known here.

_weir_verbs() {
    "$1" --help 2>/dev/null | awk '/^  [-a-z]/ { print $1 }'
}

_weir_options() {
    "$1" "$2" --help 2>/dev/null | awk '/^  --/ { print $1 }' | sort -u
}

# What follows an option, as its help calls it: PATH, DIR, N, …; nothing if it takes no value.
_weir_takes() {
    "$1" "$2" --help 2>/dev/null |
        awk -v option="$3" '$1 == option && $2 ~ /^[A-Z=]+$/ { print $2; exit }'
}

_weir_words() {
    case "$1 $2" in
    "replay --message-format") echo human json ;;
    *" --message-format") echo human json sarif ;;
    "test --format") echo tap junit ;;
    "state --format" | "explain --format" | "node --format" | "apply --format") echo text json ;;
    *" --draw") echo text dot svg ;;
    *" --format") echo json csv msgpack text ;;
    esac
}

# Where the public key of a peer is: behind `node allow NAME`.
_weir_is_key() {
    [ "${COMP_WORDS[1]} ${COMP_WORDS[2]} $COMP_CWORD" = "node allow 4" ]
}

_weir_files() {
    compopt -o filenames 2>/dev/null
    mapfile -t COMPREPLY < <(compgen -d -- "$2")
    case $1 in
    PATH* | FILE) mapfile -t COMPREPLY < <(compgen -f -- "$2") ;;
    KEY) mapfile -t -O "${#COMPREPLY[@]}" COMPREPLY < <(compgen -f -X '!*.pub' -- "$2") ;;
    RULES) mapfile -t -O "${#COMPREPLY[@]}" COMPREPLY < <(compgen -f -X '!*.weir' -- "$2") ;;
    esac
}

# The value of an option that is called so in the help.
_weir_value() {
    case $1 in
    DIR | FOLDER | FILE | *PATH) _weir_files "${1##*=}" "$2" ;;
    *) mapfile -t COMPREPLY < <(compgen -W "$3" -- "$2") ;;
    esac
}

_weir() {
    local command=${COMP_WORDS[0]} verb=${COMP_WORDS[1]} takes=
    local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]}
    COMPREPLY=()
    if [ "$COMP_CWORD" -eq 1 ]; then
        mapfile -t COMPREPLY < <(compgen -W "$(_weir_verbs "$command")" -- "$word")
        return
    fi
    [[ $before = --* ]] && takes=$(_weir_takes "$command" "$verb" "$before")
    if [ -n "$takes" ]; then
        _weir_value "$takes" "$word" "$(_weir_words "$verb" "$before")"
    elif [[ $word = -* ]]; then
        mapfile -t COMPREPLY < <(compgen -W "$(_weir_options "$command" "$verb")" -- "$word")
    elif [ "$verb $COMP_CWORD" = "state 2" ]; then
        mapfile -t COMPREPLY < <(compgen -W "show ls plan dump" -- "$word")
    elif [ "$verb $COMP_CWORD" = "node 2" ]; then
        mapfile -t COMPREPLY < <(compgen -W "status health checkpoint stop allow revoke" -- "$word")
    elif _weir_is_key; then
        _weir_files KEY "$word"
    elif [ "$verb" = node ]; then
        : # names of nodes, and of those that none has yet
    elif [ "$verb" = keygen ]; then
        _weir_files DIR "$word"
    else
        _weir_files RULES "$word"
    fi
}

complete -F _weir weir
