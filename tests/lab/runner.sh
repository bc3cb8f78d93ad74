#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# lab/run keeps its promises: the exit status comes out, words arrive as they were, time-outs and
# interruptions leave no process and no file. On this machine's own choice of backend.

run=$(dirname "$(readlink -f "$0")")/../../lab/run
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
export TMPDIR=$dir
n=0

expect() { # STATUS TEXT WHY
	n=$((n + 1))
	if [ "$1" = 0 ]; then echo "ok $n - $2"; else printf 'not ok %s - %s\n# because: %s\n' $n "$2" "$3"; fi
}

cat >"$dir/script" <<'E2'
echo "[$1] [$2]"
[ "$2" != hang ] || { trap '' TERM; sleep 1000; }
exit "$2"
E2

said=$("$run" -o "$dir/o" "$dir/script" "two  words" 7)
status=$?
expect $((status != 7)) "the exit status comes out" "$status"
[[ $said == *"[two  words] [7]"* ]]
expect $? "arguments and output arrive as they are" "$said"

"$run" -t 2 -o "$dir/o" "$dir/script" x hang >/dev/null
status=$?
expect $((status != 124 && status != 137)) "what hangs is ended" "$status"
expect "$(pgrep -c -f "$dir/script")" "nothing of it is left" "$(pgrep -a -f "$dir/script")"

before=$(ls "$dir")
"$run" "$dir/script" x hang >/dev/null & pid=$!
sleep 5
kill -TERM $pid
wait $pid
status=$?
expect $((status != 143)) "an interruption ends it" "$status"
sleep 0.5
expect "$(pgrep -c -f "lab-$pid|$dir/lab")" "no process is left" "$(pgrep -a -f "lab-$pid|$dir/lab")"
[ "$before" = "$(ls "$dir")" ]
expect $? "no file is left" "$(ls "$dir")"

"$run" "$dir/script" x hang >/dev/null & pid=$!
sleep 5
kill -KILL $pid && wait $pid 2>/dev/null
sleep 1
expect "$(pgrep -c -f "lab-$pid|$dir/lab")" "even kill -9 leaves no process" "$(pgrep -a -f "lab-$pid|$dir/lab")"
echo "1..$n"
