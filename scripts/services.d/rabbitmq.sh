# shellcheck shell=bash
#
# One private RabbitMQ node per directory. Sourced by scripts/services.
#
# What is the same for every backend is here: which backend, the ports, the
# configuration, the life cycle. A backend BACKEND is the functions
#
#   rabbitmq_BACKEND_launch DIR   start it; return at once
#   rabbitmq_BACKEND_alive DIR    is it running?
#   rabbitmq_BACKEND_listens DIR  is it the one that listens on its ports?
#   rabbitmq_BACKEND_stop DIR     stop it gracefully; return when it is gone
#   rabbitmq_BACKEND_kill DIR     kill -9; return when it is gone
#   rabbitmq_BACKEND_ctl DIR ...  rabbitmqctl
#   rabbitmq_BACKEND_log DIR      print the log
#   rabbitmq_BACKEND_conf DIR     print lines for rabbitmq.conf
#   rabbitmq_BACKEND_delete DIR   delete what it keeps outside DIR
#
# DIR/node.env keeps what a restart must find unchanged: backend, root and ports.

# shellcheck source=rabbitmq-package.sh
source "$scripts_dir/services.d/rabbitmq-package.sh"
# shellcheck source=rabbitmq-unpack.sh
source "$scripts_dir/services.d/rabbitmq-unpack.sh"
# shellcheck source=rabbitmq-container.sh
source "$scripts_dir/services.d/rabbitmq-container.sh"

# ---- life cycle ------------------------------------------------------------

# rabbitmq_start DIR [--port N] [--tls CERTS] [--conf FILE]
rabbitmq_start() {
  local dir=$1 port='' tls='' conf=''
  shift
  while [[ $# -gt 0 ]]; do
    case $1 in
      --port) port=${2:?--port needs a number} ;;
      --tls) tls=${2:?--tls needs a directory} ;;
      --conf) conf=${2:?--conf needs a file} ;;
      *) die "node start: unknown option $1" ;;
    esac
    shift 2
  done
  mkdir -p "$dir"
  dir=$(cd "$dir" && pwd)

  if [[ -e $dir/node.env ]]; then # not the first start: all as it was
    rabbitmq_alive "$dir" || rabbitmq_boot "$dir" || { rabbitmq_explain "$dir"; exit 1; }
  else
    rabbitmq_start_new "$dir" "$port" "$tls" "$conf"
  fi
  rabbitmq_url "$dir"
}

# rabbitmq_start_new tries again where it chose the ports itself: somebody may
# have taken one before the broker did.
rabbitmq_start_new() {
  local dir=$1 port=$2 tries=3
  [[ -z $port ]] || tries=1
  while :; do
    rabbitmq_create "$@"
    ! rabbitmq_boot "$dir" || return 0
    tries=$((tries - 1))
    [[ $tries -gt 0 ]] || rabbitmq_explain "$dir"
    rabbitmq_call kill "$dir"
    rabbitmq_call delete "$dir"
    rm -rf "$dir/data" "$dir/node.env"
    [[ $tries -gt 0 ]] || exit 1
  done
}

# rabbitmq_create DIR PORT TLS CONF writes a new node's files.
rabbitmq_create() {
  local dir=$1 port=$2 tls=$3 conf=$4
  local backend root=${MQRPC_RABBITMQ_ROOT:-}
  backend=$(rabbitmq_backend)
  [[ -z $root || -n $(rabbitmq_package_bin "$root") ]] ||
    die "no RabbitMQ in $root, which is MQRPC_RABBITMQ_ROOT: scripts/services unpack makes one"
  [[ -n $port ]] || port=$(rabbitmq_free_port)
  printf '%s=%q\n' service rabbitmq backend "$backend" root "$root" \
    port "$port" tls "${tls:+yes}" >"$dir/node.env"
  mkdir -p "$dir/certs" "$dir/data"
  if [[ -n $tls ]]; then
    cp "$tls/ca.pem" "$tls/server.pem" "$tls/server-key.pem" "$dir/certs/"
  fi
  {
    rabbitmq_common_conf
    "rabbitmq_${backend}_conf" "$dir"
    [[ -z $conf ]] || cat "$conf"
  } >"$dir/rabbitmq.conf"
}

# rabbitmq_common_conf: small, and no alarm on a machine with a full disk.
rabbitmq_common_conf() {
  cat <<'CONF'
log.file.level = info
disk_free_limit.absolute = 1MB
raft.wal_max_size_bytes = 33554432
CONF
}

# rabbitmq_tls_conf ADDRESS CERTS prints a TLS listener's lines.
rabbitmq_tls_conf() {
  cat <<CONF
listeners.ssl.1 = $1
ssl_options.cacertfile = $2/ca.pem
ssl_options.certfile = $2/server.pem
ssl_options.keyfile = $2/server-key.pem
ssl_options.verify = verify_peer
ssl_options.fail_if_no_peer_cert = true
CONF
}

# rabbitmq_boot launches a node and waits until it speaks AMQP.
rabbitmq_boot() {
  local dir=$1 limit=$((SECONDS + ${MQRPC_SERVICES_TIMEOUT:-90})) port
  port=$(node_var "$dir" port)
  rabbitmq_call launch "$dir" || return 1
  until rabbitmq_call listens "$dir" && rabbitmq_speaks "$port"; do
    rabbitmq_alive "$dir" || return 1
    [[ $SECONDS -lt $limit ]] || return 1
    sleep 0.1
  done
}

# rabbitmq_explain says why a node did not start.
rabbitmq_explain() {
  rabbitmq_log "$1" 2>/dev/null | tail -n 30 >&2
  say "RabbitMQ did not start in $1; above is the end of its log, if it got that far." \
    "Its ports are $(node_var "$1" port) and the nine after it: is one taken?"
}

rabbitmq_stop() { node_known "$1" && rabbitmq_call stop "$1"; }
rabbitmq_kill() { node_known "$1" && rabbitmq_call kill "$1"; }
rabbitmq_ctl() { node_known "$1" && rabbitmq_call ctl "$@"; }
rabbitmq_log() { node_known "$1" && rabbitmq_call log "$1"; }
rabbitmq_alive() { [[ -e $1/node.env ]] && rabbitmq_call alive "$1"; }

rabbitmq_remove() {
  [[ -d $1 ]] || return 0
  if [[ -e $1/node.env ]]; then
    rabbitmq_call kill "$1"
    rabbitmq_call delete "$1"
  elif [[ ! -e $1/rabbitmq.conf && -n $(ls -A "$1") ]]; then
    die "$1 is not a node's directory: not deleted"
  fi
  rm -rf "$1"
}

# ---- what is known of a node -----------------------------------------------

# rabbitmq_call VERB DIR ... calls the function of the node's own backend.
rabbitmq_call() {
  local verb=$1 dir
  dir=$(cd "$2" && pwd)
  shift 2
  "rabbitmq_$(node_var "$dir" backend)_$verb" "$dir" "$@"
}

# rabbitmq_listener DIR SCHEME prints the URL of one listener.
rabbitmq_listener() {
  local port
  port=$(node_var "$1" port)
  [[ $2 == amqp ]] || port=$((port + 1))
  printf '%s://guest:guest@127.0.0.1:%d/\n' "$2" "$port"
}

rabbitmq_url() {
  node_known "$1"
  rabbitmq_listener "$1" amqp
  [[ -z $(node_var "$1" tls) ]] || rabbitmq_listener "$1" amqps
}

# rabbitmq_packages prints the packages to install.
rabbitmq_packages() {
  if [[ -z ${MQRPC_RABBITMQ_ROOT:-} && $(rabbitmq_backend) == package && -z $(rabbitmq_package_bin) ]]; then
    echo rabbitmq-server
  fi
}

# rabbitmq_backend prints the backend for new nodes: the package, unless only
# a container engine can do it.
rabbitmq_backend() {
  if [[ -n ${MQRPC_RABBITMQ_ROOT:-} ]]; then
    echo package
  elif [[ -n ${MQRPC_SERVICES_BACKEND:-} ]]; then
    case $MQRPC_SERVICES_BACKEND in
      package | container) echo "$MQRPC_SERVICES_BACKEND" ;;
      *) die "MQRPC_SERVICES_BACKEND is package or container, not $MQRPC_SERVICES_BACKEND" ;;
    esac
  elif [[ -n $(rabbitmq_package_bin) ]] || command -v apt-get >/dev/null; then
    echo package
  elif [[ -n $(rabbitmq_container_engine) ]]; then
    echo container
  else
    echo package
  fi
}

# ---- ports -----------------------------------------------------------------

# A node owns ten ports from its first on: AMQP, AMQP over TLS, Erlang
# distribution, epmd, and the rest for rabbitmqctl. Free ones are looked for
# below 32768, where Linux begins to hand out ports to outgoing connections,
# so that a stopped node finds its ports free when it starts again.
rabbitmq_free_port() {
  local port offset
  while :; do
    port=$((20000 + (RANDOM % 1200) * 10))
    for offset in {0..9}; do
      ! (exec 3<>"/dev/tcp/127.0.0.1/$((port + offset))") 2>/dev/null || continue 2
    done
    echo "$port"
    return
  done
}

# rabbitmq_speaks PORT asks for an AMQP handshake: a broker answers with a
# method frame (type 1), and one that is still booting not at all.
rabbitmq_speaks() {
  local first
  first=$(
    exec 2>/dev/null
    exec 3<>"/dev/tcp/127.0.0.1/$1" && printf 'AMQP\0\0\x09\x01' >&3 &&
      timeout 2 head -c 1 <&3 | od -An -tx1
  ) || return 1
  [[ $first == *01* ]]
}
