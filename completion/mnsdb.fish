# fish completion of mnsdb and its programs: they know themselves what may come next.
# Nothing of what they say is ever evaluated.

function __mnsdb_complete
    set -l before (commandline -opc)
    set -l typed (commandline -ct)
    command -q $before[1]; or return
    set -l plain (string unescape -- $typed)
    if test (count $plain) -ne 1
        # A quote that is still open is no part of the word.
        set plain (string replace -r '^(--[^=]*=)?["\']' '$1' -- $typed)
    end
    set -l lines (command $before[1] __complete fish $before "$plain" 2>/dev/null)
    switch "$lines[1]"
        case files
            __fish_complete_path "$typed"
        case directories
            __fish_complete_directories "$typed"
        case 'words*'
            printf '%s\n' $lines[2..-1]
    end
end

for program in mnsdb mnsdb-ingest mnsdb-sql mnsdb-fleet mnsdb-bench mnsdb-localqueue
    complete -c $program -f -a '(__mnsdb_complete)'
end
