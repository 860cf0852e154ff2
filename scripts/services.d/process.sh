# shellcheck shell=bash
#
# Background processes that outlive this script. Sourced by scripts/services.
#
# Each has a file that says its pid and its start time, so that a pid which the
# kernel has given to another process since is never signalled. Linux only.

# process_launch FILE LOG CMD ... starts a command detached, in a session of its
# own, so that no signal meant for the caller reaches it, and writes FILE.
process_launch() {
  local file=$1 log=$2
  shift 2
  setsid "$@" </dev/null >>"$log" 2>&1 &
  disown # or bash reports its end
  printf '%d %s\n' $! "$(process_start_time $!)" >"$file"
}

# process_start_time PID prints it, and nothing for one that has ended. Of a
# killed process the first thread may be gone while others still hold its ports.
process_start_time() {
  local stat fields threads
  stat=$(cat "/proc/$1/stat" 2>/dev/null) || return 0
  read -ra fields <<<"${stat##*) }" # state is first, the start time 20th
  threads=("/proc/$1/task"/*)
  [[ ${fields[0]} == [ZX] && ${#threads[@]} -le 1 ]] || printf '%s' "${fields[19]}"
}

process_alive() {
  local pid start
  [[ -e $1 ]] && read -r pid start <"$1" && [[ -n $start ]] &&
    [[ $(process_start_time "$pid") == "$start" ]]
}

# process_listens FILE PORT: is it this process that listens on the port of
# 127.0.0.1, and not another that was there before it?
process_listens() {
  local pid hex inode
  process_alive "$1" || return 1
  read -r pid _ <"$1"
  hex=$(printf '0100007F:%04X' "$2")
  inode=$(awk -v address="$hex" '$2 == address && $4 == "0A" { print $10 }' /proc/net/tcp)
  [[ -n $inode && -n $(find "/proc/$pid/fd" -lname "socket:\[$inode\]" 2>/dev/null) ]]
}

# process_end FILE SIGNAL SECONDS signals the process and its group, waits until
# it is gone, and after SECONDS kills it.
process_end() {
  local file=$1 signal=$2 limit=$((SECONDS + $3)) pid
  [[ -e $file ]] || return 0
  read -r pid _ <"$file"
  if process_alive "$file"; then
    kill "-$signal" -- "-$pid" 2>/dev/null || true
    while process_alive "$file"; do
      [[ $SECONDS -lt $limit ]] || kill -KILL -- "-$pid" 2>/dev/null || true
      sleep 0.05
    done
  fi
  rm -f "$file"
}
