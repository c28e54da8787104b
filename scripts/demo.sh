#!/usr/bin/env bash
# demo.sh [BIN] - a fleet's messages on their way to answers, with the programs in BIN
# (default: build/release/bin of this project). Everything shown is what the programs print.
#
# Works in a temporary directory and removes it; with KEEP=1 it stays, and its name is printed.
set -euo pipefail
export LC_ALL=C.UTF-8 TZ=UTC NO_COLOR=1
unset MNSDB_DB MNSDB_TZ

root=$(cd "$(dirname "$0")/.." && pwd)
bin=${1:-$root/build/release/bin}
[ -d "$bin" ] || bin=$root/$bin
if [ ! -x "$bin/mnsdb" ] || [ ! -x "$bin/mnsdb-ingest" ] || [ ! -x "$bin/mnsdb-fleet" ]; then
    echo "demo: no programs in $bin: 'make' builds them" >&2
    exit 1
fi
PATH=$(cd "$bin" && pwd):$PATH

folder=$(mktemp -d "${TMPDIR:-/tmp}/mnsdb-demo.XXXXXX")
leave() {
    cd /
    if [ "${KEEP:-0}" = 1 ]; then
        printf '\nKept: %s\n' "$folder"
    else
        rm -rf "$folder"
    fi
}
trap leave EXIT
cd "$folder"

if [ -t 1 ] && width=$(stty size <&1 2>/dev/null | cut -d' ' -f2) && [ "${width:-0}" -ge 80 ]; then
    bold=$'\e[1m' plain=$'\e[0m'
else
    bold='' plain='' width=120
fi

title() { printf '\n%s%s%s\n' "$bold" "$1" "$plain"; }
say() { printf '%s\n' "$@"; }

# Prints a command as one would type it.
prompt() { printf '\n%s%s%s\n' "$bold" "$(sed '1s/^/  $ /; 2,$s/^ */        /' <<<"$*")" "$plain"; }

# Prints a command and runs it; long lines of what it says are wrapped.
run() {
    prompt "$*"
    bash -c "set -o pipefail; $*" 2>&1 | fold -s -w $((width - 4)) | sed 's/^/  /'
}

# Likewise, with the table that the command prints on a terminal; long lines are cut.
table() {
    prompt "$*"
    "$@" --format table 2>&1 | awk -v width="$width" \
        '{ if (length("  " $0) > width) print "  " substr($0, 1, width - 5) "..."; else print "  " $0 }'
}

# --- a fleet ------------------------------------------------------------------------------------

title '1. A fleet of devices'
say 'No devices at hand? mnsdb-fleet simulates some: 50 of them, three days, a reading a minute of' \
    'temperature and humidity. Connections come and go, some break and are only noticed later by' \
    'a timeout. As on a real queue, some messages arrive twice, some late, some are broken.' \
    'The seed makes it the same fleet every time.'
run 'mnsdb-fleet --seed 7 --devices 50 --products 2 --interval 1m --span 3d --start 2024-03-04 \
    --online-time 8h --offline-time 20m --timeouts 0.4 --jitter 5s \
    --duplicates 0.03 --thing-model 0.2 --hostile 0.002 -o fleet.ndjson'
say '' \
    'The file is a recorded message set: one message a line, just as the queue would deliver it.' \
    'The first line (its "payload" is what the device or the platform sent, in base64):'
run head -n 1 fleet.ndjson

# --- ingest -------------------------------------------------------------------------------------

title '2. Into a store'
run mnsdb-ingest --db store fleet.ndjson
say '' \
    'Each message ended as exactly one of three: stored; a duplicate, because its messageid was' \
    'there before; or rejected, because nobody could understand it. Nothing is dropped.' \
    '' \
    'The same file once more. A messageid counts once, so nothing is added:'
run mnsdb-ingest --db store fleet.ndjson
say '' 'What was rejected stays at hand, byte for byte (in base64), with the reason:'
table mnsdb rejects --db store --limit 5

# --- three messages -----------------------------------------------------------------------------

title '3. Three messages, line by line'
device=a1jnUEKYhw4/suw8umOqgJ72yCADerZp

# message PAYLOAD MESSAGETYPE TOPIC MESSAGEID TIMESTAMP
message() {
    local topic=${3:+"\"topic\":\"$3\","}
    printf '{"payload":"%s","messagetype":"%s",%s"messageid":%s,"timestamp":%s}\n' \
        "$(printf '%s' "$1" | base64 -w0)" "$2" "$topic" "$4" "$5"
}
about="\"productKey\":\"${device%/*}\",\"deviceName\":\"${device#*/}\""
came='"lastTime":"2018-05-16 13:58:44.413","time":"2018-05-16 13:58:44.427"'
left='"lastTime":"2018-05-16 13:59:04.381","time":"2018-05-16 13:59:13.571"'
message "{$came,$about,\"status\":\"online\"}" status '' 996631012001751041 1526450324 >three.ndjson
message '{"temperature":14,"humidity":116}' upload "/$device/update" 996631053735047169 1526450334 \
    >>three.ndjson
message "{$left,$about,\"status\":\"offline\"}" status '' 996631134240534528 1526450353 \
    >>three.ndjson

say 'One device in Beijing (UTC+8) connects, sends one reading, and is lost. The payloads:' '' \
    '  13:58:44.427  status   {"status":"online", "time":"2018-05-16 13:58:44.427", ...}' \
    '  (none given)  upload   {"temperature":14,"humidity":116}' \
    '  13:59:13.571  status   {"status":"offline", "time":"2018-05-16 13:59:13.571",' \
    '                          "lastTime":"2018-05-16 13:59:04.381", ...}' '' \
    'Taken in twice, because queues deliver twice:'
run mnsdb-ingest --db three three.ndjson three.ndjson
say '' \
    'What is stored, in order of time. (In a pipe the output is tab-separated, durations are' \
    'milliseconds, and tools like cut can pick columns.)'
run 'mnsdb log --db three --tz Asia/Shanghai | cut -f1,3-7 | expand -t 32,42,63,77,88'
say '' \
    'Line 1  The connection. Its payload names the time, so that is its time ("payload").' \
    'Line 2  The reading names none. Its messageid is a snowflake: the upper bits are the' \
    '        millisecond in which the platform made it, and so the reading has a time, too.' \
    'Line 3  The disconnection, noticed at 13:59:13.571; the last sign of life ("lastTime")' \
    '        was at 13:59:04.381.' '' \
    'How long was it online? Until the platform noticed: 13:59:13.571 - 13:58:44.427 = 29144 ms.'
run 'mnsdb online --db three | cut -f1-4,10-11 | expand -t 36,47,59,71,80'
say '' 'Or until its last sign of life: 13:59:04.381 - 13:58:44.427 = 19954 ms.'
run 'mnsdb online --db three --offline-at last-contact | cut -f1-4,10-11 | expand -t 36,47,59,71,80'
say '' 'And the reading, in numbers:'
table mnsdb stats --db three --agg count,avg,max

# --- answers ------------------------------------------------------------------------------------

title '4. Answers about the fleet'
say 'Online durations, by product; online + offline + unknown is the whole range, to the millisecond:'
table mnsdb online --db store --by product
say '' 'The five devices with the lowest availability:'
run 'mnsdb online --db store --order-by availability --limit 5 --format table | cut -c1-84'
say '' "One device's longest sessions:"
table mnsdb sessions --db store --device device-000007 --order-by duration_ms:desc --limit 5
say '' 'Averages and exact percentiles of a metric, a row for each day and product:'
table mnsdb stats temperature --db store --by product --every 1d --agg count,avg,p95,max
say '' 'The newest values of some devices:'
run "mnsdb last temperature humidity --db store --device 'device-00000[1-5]' \\
    | cut -f1-3,5,7 | expand -t 28,55,64,77"
say '' 'What the store holds, and how much room it takes:'
table mnsdb info --db store
say '' 'And is all of it as it was written?'
table mnsdb verify --db store

title 'Next'
say 'README.md has the first steps, docs/README.md the map; every program has --help.' \
    'To keep this store and ask it more: KEEP=1 make demo'
