# shellcheck shell=bash
#
# Services that are one process of a package from the distribution: PostgreSQL,
# ZooKeeper, etcd. Sourced by scripts/services.
#
# What is the same for all is here: the life cycle of one private server per
# directory. A service SERVICE is the functions
#
#   SERVICE_packages            print the packages to install; nothing if they are
#   SERVICE_port_offset         print the last digit of its ports
#   SERVICE_create DIR          write a new server's files; DIR/node.env is there
#   SERVICE_command DIR         set the array command, which becomes the server
#   SERVICE_ready DIR           does it answer? Called while its process lives
#   SERVICE_url DIR             print its address as its clients take it
#   SERVICE_stop DIR            stop it gracefully; return when it is gone
#   SERVICE_kill DIR            kill -9; return when it is gone
#   SERVICE_delete DIR          delete what it keeps outside DIR
#
# DIR/node.env keeps what a restart must find unchanged.

# shellcheck source=postgres.sh
source "$scripts_dir/services.d/postgres.sh"
# shellcheck source=zookeeper.sh
source "$scripts_dir/services.d/zookeeper.sh"
# shellcheck source=etcd.sh
source "$scripts_dir/services.d/etcd.sh"

# daemon_start SERVICE DIR [--port N] [--tls CERTS]
daemon_start() {
  local service=$1 dir=$2 port='' tls=''
  shift 2
  while [[ $# -gt 0 ]]; do
    case $1 in
      --port) port=${2:?--port needs a number} ;;
      --tls) tls=${2:?--tls needs a directory} ;;
      *) die "node start: unknown option $1 for $service" ;;
    esac
    shift 2
  done
  [[ -z $tls || $service == etcd ]] || die "node start: $service has no --tls"
  mkdir -p "$dir"
  dir=$(cd "$dir" && pwd)

  if [[ -e $dir/node.env ]]; then # not the first start: all as it was
    process_alive "$dir/node.pid" || daemon_boot "$service" "$dir" || daemon_explain "$service" "$dir"
  else
    daemon_start_new "$service" "$dir" "$port" "$tls"
  fi
  "${service}_url" "$dir"
}

# daemon_start_new tries again where it chose the port itself: somebody may have
# taken it before the server did.
daemon_start_new() {
  local service=$1 dir=$2 port=$3 tls=$4 tries=3
  [[ -z $port ]] || tries=1
  while :; do
    daemon_create "$service" "$dir" "${port:-$(daemon_free_port "$service")}" "$tls"
    ! daemon_boot "$service" "$dir" || return 0
    tries=$((tries - 1))
    [[ $tries -gt 0 ]] && ! process_alive "$dir/node.pid" || daemon_explain "$service" "$dir"
    "${service}_delete" "$dir"
    rm -rf "$dir/data" "$dir/node.env"
  done
}

# daemon_create SERVICE DIR PORT TLS writes a new server's files.
daemon_create() {
  local service=$1 dir=$2 port=$3 tls=$4
  printf '%s=%q\n' service "$service" port "$port" tls "${tls:+yes}" >"$dir/node.env"
  if [[ -n $tls ]]; then
    mkdir -p "$dir/certs"
    cp "$tls/ca.pem" "$tls/server.pem" "$tls/server-key.pem" "$dir/certs/"
  fi
  "${service}_create" "$dir" || die "$service: could not set up $dir"
}

# daemon_boot launches a server and waits until it answers.
daemon_boot() {
  local service=$1 dir=$2 limit=$((SECONDS + ${MQRPC_SERVICES_TIMEOUT:-90})) command
  "${service}_command" "$dir"
  process_launch "$dir/node.pid" "$dir/console.log" "${command[@]}"
  until "${service}_ready" "$dir" && process_alive "$dir/node.pid"; do
    process_alive "$dir/node.pid" || return 1
    [[ $SECONDS -lt $limit ]] || return 1
    sleep 0.05
  done
}

# daemon_explain says why a server did not start, kills it and exits.
daemon_explain() {
  daemon_log "$1" "$2" 2>/dev/null | tail -n 30 >&2
  "$1_kill" "$2"
  die "$1 did not start in $2; above is the end of its log, if it got that far." \
    "Its port is $(node_var "$2" port): is it taken?"
}

daemon_stop() { "$1_stop" "$2"; }
daemon_kill() { "$1_kill" "$2"; }
daemon_url() { "$1_url" "$2"; }
daemon_log() { [[ ! -e $2/console.log ]] || cat "$2/console.log"; }
daemon_ctl() { die "node ctl is for RabbitMQ; $1 is asked at $("$1_url" "$2")"; }

daemon_remove() {
  "$1_kill" "$2"
  "$1_delete" "$2"
  rm -rf "$2"
}

# daemon_free_port SERVICE prints a free port. Services differ in the last digit,
# so that those which start at the same time do not take one another's; see
# rabbitmq_free_port for why ports are so low.
daemon_free_port() {
  local base offset
  offset=$("$1_port_offset")
  while :; do
    base=$((12000 + (RANDOM % 800) * 10 + offset))
    if ! (exec 3<>"/dev/tcp/127.0.0.1/$base") 2>/dev/null; then
      echo "$base"
      return
    fi
  done
}
