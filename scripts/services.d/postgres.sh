# shellcheck shell=bash
#
# A PostgreSQL server. Sourced by daemon.sh, which says what each function has
# to do.
#
# PostgreSQL refuses to run as root; root has it run by the user nobody, with
# its data in a directory of its own below /tmp, since nobody cannot enter what
# is root's.

# postgres_bin prints the directory of the newest installed version's programs.
postgres_bin() {
  local bin
  for bin in $(printf '%s\n' /usr/lib/postgresql/*/bin | sort -rV) /usr/local/bin /usr/bin; do
    if [[ -x $bin/postgres && -x $bin/initdb ]]; then
      echo "$bin"
      return
    fi
  done
}

postgres_packages() { [[ -n $(postgres_bin) ]] || echo postgresql; }
postgres_port_offset() { echo 0; }

# postgres_as sets the array as: what to put before a command to run it as the
# server's user.
postgres_as() {
  as=(env -i PATH="$PATH" LANG=C.UTF-8)
  if [[ $(id -u) -eq 0 ]]; then
    as+=(setpriv "--reuid=nobody" "--regid=$(id -g nobody)" --clear-groups --)
  fi
}

postgres_create() {
  local dir=$1 home=$1 as
  if [[ $(id -u) -eq 0 ]]; then
    home=$(mktemp -d /tmp/mqrpc-postgres.XXXXXX)
  fi
  printf 'home=%q\n' "$home" >>"$dir/node.env"
  echo mqrpc >"$home/password"
  [[ $(id -u) -ne 0 ]] || chown -R nobody: "$home"
  postgres_as
  (cd / && "${as[@]}" "$(postgres_bin)/initdb" --pgdata="$home/data" --username=mqrpc \
    --auth=scram-sha-256 --pwfile="$home/password" --encoding=UTF8 --no-sync) \
    >"$dir/console.log" 2>&1 || { cat "$dir/console.log" >&2; return 1; }
}

# Small and quick: what is not flushed survives the death of the server, though
# not of the machine. Its shared memory is mapped, so that a kill leaves none.
postgres_command() {
  local dir=$1 as
  postgres_as
  command=("${as[@]}" "$(postgres_bin)/postgres" -D "$(node_var "$dir" home)/data" -p "$(node_var "$dir" port)"
    -c listen_addresses=127.0.0.1 -c unix_socket_directories=
    -c fsync=off -c shared_buffers=16MB -c max_connections=200
    -c shared_memory_type=mmap -c dynamic_shared_memory_type=mmap)
}

# The eighth line of postmaster.pid says "ready" when it listens.
postgres_ready() {
  local lines
  mapfile -t lines < <(cat "$(node_var "$1" home)/data/postmaster.pid" 2>/dev/null)
  [[ ${lines[7]:-} == ready* && ${lines[0]} == "$(cut -d' ' -f1 "$1/node.pid")" ]]
}

postgres_url() {
  printf 'postgres://mqrpc:mqrpc@127.0.0.1:%d/postgres?sslmode=disable\n' "$(node_var "$1" port)"
}

postgres_stop() { process_end "$1/node.pid" INT 30; }

# A backend is in a process group of its own and outlives the postmaster for a
# moment.
postgres_kill() {
  local pid backends=() backend
  [[ -e $1/node.pid ]] || return 0
  read -r pid _ <"$1/node.pid"
  if process_alive "$1/node.pid"; then
    read -ra backends <"/proc/$pid/task/$pid/children" || true
  fi
  process_end "$1/node.pid" KILL 5
  for backend in "${backends[@]}"; do
    kill -KILL "$backend" 2>/dev/null || true
  done
  for backend in "${backends[@]}"; do
    while [[ -n $(process_start_time "$backend") ]]; do sleep 0.01; done
  done
  postgres_forget "$1"
}

# postgres_forget removes what a killed server has left to guard its data: a file
# and a small segment of System V shared memory.
postgres_forget() {
  local file lines
  file=$(node_var "$1" home)/data/postmaster.pid
  mapfile -t lines < <(cat "$file" 2>/dev/null)
  [[ -z ${lines[6]:-} ]] || ipcrm -m "${lines[6]##* }" 2>/dev/null || true
  rm -f "$file"
}

postgres_delete() {
  local home
  home=$(node_var "$1" home)
  [[ -z $home ]] || rm -rf "$home"
}
