# Completion of `weir` for fish. Verbs and options are asked of the command itself; only the values
# of options are known here.

function __weir_verbs
    weir --help 2>/dev/null | string match -r '^  [-a-z].*' | string replace -r '^ +(\S+) +' '$1\t'
end

function __weir_verb
    set -l words (commandline -opc)
    test (count $words) -gt 1; and echo $words[2]
end

function __weir_is_key
    set -l words (commandline -opc)
    test (count $words) -eq 4 -a "$words[2] $words[3]" = 'node allow'
end

function __weir_options
    weir (__weir_verb) --help 2>/dev/null | string match -rg '^  (--[a-z-]+)' | sort -u
end

complete -c weir -f
complete -c weir -n __fish_use_subcommand -a '(__weir_verbs)'
complete -c weir -n 'not __fish_use_subcommand; and string match -q -- "-*" (commandline -ct)' -a '(__weir_options)'
complete -c weir -n 'not __fish_use_subcommand; and not contains -- (__weir_verb) node keygen' -k -a '(__fish_complete_suffix .weir)'
complete -c weir -n 'not __fish_use_subcommand' -l message-format -x -a 'human json sarif'
complete -c weir -n 'test (__weir_verb) = test' -l format -x -a 'tap junit'
complete -c weir -n 'test (__weir_verb) = state' -l format -x -a 'text json'
complete -c weir -n 'test (__weir_verb) = state' -a 'show ls plan dump'
complete -c weir -n 'test (__weir_verb) = node' -l format -x -a 'text json'
complete -c weir -n 'test (__weir_verb) = node; and test (count (commandline -opc)) -eq 2' -a 'status health checkpoint stop allow revoke'
complete -c weir -n __weir_is_key -k -a '(__fish_complete_suffix .pub)'
complete -c weir -n 'test (__weir_verb) = keygen' -a '(__fish_complete_directories)'
complete -c weir -n 'test (__weir_verb) = apply' -l format -x -a 'text json'
complete -c weir -n 'contains -- (__weir_verb) node apply cluster' -l config -r -F
complete -c weir -n 'contains -- (__weir_verb) node apply cluster' -l control -r -F
complete -c weir -n 'test (__weir_verb) = cluster' -l format -x -a 'text json'
complete -c weir -n 'test (__weir_verb) = cluster' -x -a 'status move drain'
complete -c weir -n 'test (__weir_verb) = run' -l state -x -a '(__fish_complete_directories)'
complete -c weir -n 'test (__weir_verb) = explain' -l format -x -a 'text json'
complete -c weir -n 'test (__weir_verb) = explain' -l draw -x -a 'text dot svg'
complete -c weir -n 'test (__weir_verb) = replay' -l state -x -a '(__fish_complete_directories)'
complete -c weir -n 'test (__weir_verb) = replay' -l to -x -a '(__fish_complete_directories)'
complete -c weir -n 'test (__weir_verb) = replay' -l format -x -a 'json csv msgpack text'
complete -c weir -n 'test (__weir_verb) = run' -l format -x -a 'json csv msgpack text'
complete -c weir -n 'not __fish_use_subcommand' -l from -r -F
