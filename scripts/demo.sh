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
if [ ! -x "$bin/mnsdb" ] || [ ! -x "$bin/mnsdb-ingest" ] || [ ! -x "$bin/mnsdb-localqueue" ]; then
    echo "demo: no programs in $bin: 'make' builds them" >&2
    exit 1
fi
PATH=$(cd "$bin" && pwd):$PATH

folder=$(mktemp -d "${TMPDIR:-/tmp}/mnsdb-demo.XXXXXX")
running=() # processes in the background
leave() {
    cd /
    kill "${running[@]}" 2>/dev/null || true
    wait
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

# wait_for WHAT COMMAND... - until the command succeeds.
wait_for() {
    local what=$1 tries=0
    shift
    until "$@" >/dev/null 2>&1; do
        tries=$((tries + 1))
        if [ $tries -gt 1200 ]; then
            echo "demo: waited a minute for $what in vain" >&2
            [ ! -s ingest.log ] || tail -n 5 ingest.log >&2
            exit 1
        fi
        sleep 0.05
    done
}
holds_readings() { [ "$(mnsdb info --db store --format json | sed 's/.*"stored":\([0-9]*\).*/\1/')" -gt 0 ]; }
queue_is_empty() {
    mnsdb-ingest --queue "$url" --queue-status |
        awk '$1 ~ /^(active|inactive|delayed)$/ { n += $2 } END { exit n != 0 }'
}

# Likewise, with the table that the command prints on a terminal; long lines are cut.
table() {
    prompt "$*"
    "$@" --format table 2>&1 | awk -v width="$width" \
        '{ if (length("  " $0) > width) print "  " substr($0, 1, width - 5) "..."; else print "  " $0 }'
}

# --- a queue ------------------------------------------------------------------------------------

title '1. A queue'
say 'On the IoT platform a server subscription forwards what devices say to an MNS queue. Here' \
    'mnsdb-localqueue stands in for it: it speaks the same protocol, on loopback, with an access key' \
    'made up for this demo. Queues deliver twice and out of order; this one is told to do so often.'
umask 077
export ALIBABA_CLOUD_ACCESS_KEY_ID=demo
ALIBABA_CLOUD_ACCESS_KEY_SECRET=$(head -c 16 /dev/urandom | od -An -tx1 | tr -d ' \n')
export ALIBABA_CLOUD_ACCESS_KEY_SECRET
printf '%s\n' "$ALIBABA_CLOUD_ACCESS_KEY_SECRET" >secret
prompt 'mnsdb-localqueue --queue fleet --access-key-id demo --access-key-secret-file secret \
    --redeliver 0.05 --reorder --fail-deletes 0.02 &'
mnsdb-localqueue --queue fleet --access-key-id demo --access-key-secret-file secret \
    --redeliver 0.05 --reorder --fail-deletes 0.02 --visibility 2 >queue.out &
running+=($!)
wait_for 'the queue' grep -q '^ready ' queue.out
url=$(sed -n 's/^ready //p' queue.out)/queues/fleet
sed 's/^/  /' queue.out

# --- ingest -------------------------------------------------------------------------------------

title '2. Ingest, running'
say 'It receives, commits many messages at once, and only then deletes them from the queue.'
start_ingest() {
    prompt "mnsdb-ingest --db store --queue $url &"
    mnsdb-ingest --db store --queue "$url" --log-format text --listen 127.0.0.1:0 2>>ingest.log &
    ingest=$!
    running+=("$ingest")
}
start_ingest

# --- a fleet ------------------------------------------------------------------------------------

title '3. A fleet of devices'
say 'No devices at hand? mnsdb-fleet simulates some: 50 of them, three days, a reading a minute of' \
    'temperature and humidity. Connections come and go, some break and are only noticed later by' \
    'a timeout. Some messages are sent twice, some late, some are broken.' \
    'What the queue has taken is also written to a file, for later.'
fleet=(--seed 7 --devices 50 --products 2 --interval 1m --span 3d --start 2024-03-04
    --online-time 8h --offline-time 20m --timeouts 0.4 --jitter 5s
    --duplicates 0.03 --thing-model 0.2 --hostile 0.002)
prompt "mnsdb-fleet --queue $url --ledger sent.ndjson --rate 40000 \\
    ${fleet[*]:0:12} \\
    ${fleet[*]:12:8} \\
    ${fleet[*]:20} &"
mnsdb-fleet --queue "$url" --ledger sent.ndjson --rate 40000 "${fleet[@]}" 2>fleet.err &
sender=$!
running+=("$sender")
say '' 'While it sends and ingest runs, the store can be asked:'
wait_for 'the first messages' holds_readings
for _ in 1 2 3; do
    run "mnsdb stats temperature --db store --agg count,avg,max | expand -t 24,44"
    sleep 0.7
done
say '' 'Now the worst: ingest is killed in the middle of it, and started again.'
prompt "kill -9 $ingest"
kill -9 "$ingest"
wait "$ingest" 2>/dev/null || true
start_ingest
wait "$sender"
sed 's/^/  /' fleet.err | fold -s -w $((width - 2))
say '' 'When all is deleted, the queue is empty (active: to be received, inactive: received, not deleted):'
wait_for 'an empty queue' queue_is_empty
run "mnsdb-ingest --queue $url --queue-status | head -n 4 | expand -t 12"
say '' 'SIGTERM ends it: what was received is committed and deleted first.'
prompt "kill $ingest"
kill "$ingest"
wait "$ingest"
tail -n 2 ingest.log | fold -s -w $((width - 2)) | sed 's/^/  /'

# --- the proof ----------------------------------------------------------------------------------

title '4. Nothing lost, nothing counted twice'
say 'The file holds every line that the queue had taken. Taken in again, all of them are duplicates:' \
    'none is missing.'
run mnsdb-ingest --db store --summary json sent.ndjson
say '' \
    'And none counts twice: the same file into a fresh store gives the same figures.'
run mnsdb-ingest --db again sent.ndjson
for store in store again; do
    run "mnsdb stats temperature humidity --db $store --agg count,sum | expand -t 24,44,60"
done
say '' 'What was rejected stays at hand, byte for byte (in base64), with the reason:'
table mnsdb rejects --db store --limit 5

# --- three messages -----------------------------------------------------------------------------

title '5. Three messages, line by line'
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

title '6. Answers about the fleet'
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
