# Sourced by run: steps, one after the other or beside them, and the seconds that each took.
#
#     step NAME COMMAND …     runs it; a failure ends the run
#     beside NAME COMMAND …   starts it, and goes on; nothing that calls cargo, which would wait for its lock
#     wait_beside             waits for all that runs beside
#
# What runs beside is printed whole when it has ended. Its failure ends the run at the next step.

took=() beside_pids=() beside_names=() current=
scratch="$(mktemp -d)"

ended() {
  local status=$? pid
  for pid in ${beside_pids[@]+"${beside_pids[@]}"}; do kill -- "-$pid" 2>/dev/null || true; done
  rm -rf "$scratch"
  [ "$status" = 0 ] || [ -z "$current" ] || printf '\n== FAILED: %s\n' "$current"
}
trap ended EXIT

# Runs a command and notes what it took, of the clock and of the processors, in a file.
measured() {
  local file="$1" TIMEFORMAT='%0R %0U %0S'; shift
  { time "$@" 2>&3; } 3>&2 2>"$file"
}

note() {
  local real user system
  read -r real user system <"$2"
  took+=("$(printf '%6s %6s  %s' "$real" "$((user + system))" "$1")")
  printf '== %s took %s s, %s s of CPU\n' "$1" "$real" "$((user + system))"
}

step() {
  report_ended
  current="$1"; shift
  printf '\n== %s (at %s s)\n' "$current" "$SECONDS"
  measured "$scratch/time" "$@"
  note "$current" "$scratch/time"
}

in_subshell() ( "$@" )

beside() {
  local name="$1" file; shift
  file="$scratch/${name//[^a-z]/_}"
  # A group of its own, which `ended` can end as a whole.
  set -m
  measured "$file.time" in_subshell "$@" >"$file.out" 2>&1 </dev/null &
  set +m
  beside_pids+=("$!") beside_names+=("$name")
}

report_ended() {
  local index
  for index in ${beside_pids[@]+"${!beside_pids[@]}"}; do
    kill -0 "${beside_pids[index]}" 2>/dev/null || report "$index"
  done
}

report() {
  local pid="${beside_pids[$1]}" name="${beside_names[$1]}" status=0 file
  file="$scratch/${name//[^a-z]/_}"
  wait "$pid" || status=$?
  unset "beside_pids[$1]" "beside_names[$1]"
  printf '\n== %s (beside the others)\n' "$name"
  cat "$file.out"
  current="$name"
  [ "$status" = 0 ] || exit "$status"
  note "$name" "$file.time"
}

wait_beside() {
  local index
  for index in ${beside_pids[@]+"${!beside_pids[@]}"}; do report "$index"; done
}

summary() {
  printf '\n== done in %s s\nseconds, seconds of CPU, by step:\n' "$SECONDS"
  printf '%s\n' "${took[@]}"
}
