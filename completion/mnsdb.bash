# bash completion of mnsdb and its programs: they know themselves what may come next.
#
# Sourced by bash-completion, or from ~/.bashrc. Nothing of what they say is ever evaluated.

_mnsdb() {
    local said word
    local -a lines
    COMPREPLY=()
    mapfile -t lines < <(command "$1" __complete bash "${COMP_LINE:0:COMP_POINT}" "$COMP_WORDBREAKS" 2>/dev/null)
    said=${lines[0]-}
    case $said in
    files) compopt -o default ;;
    directories) compopt -o dirnames ;;
    words*)
        for word in "${lines[@]:1}"; do
            COMPREPLY+=("${word%%$'\t'*}")
        done
        [[ $said != *nospace* ]] || compopt -o nospace
        ;;
    esac
} 2>/dev/null

complete -F _mnsdb mnsdb mnsdb-ingest mnsdb-sql mnsdb-fleet mnsdb-bench mnsdb-localqueue
