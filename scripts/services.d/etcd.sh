# shellcheck shell=bash
#
# An etcd server. Sourced by daemon.sh, which says what each function has to do.
#
# It owns three ports: for clients, for peers (it has none), and for its health,
# which is plain HTTP whatever the clients' one is.

etcd_packages() { command -v etcd >/dev/null || echo etcd-server; }
etcd_port_offset() { echo 2; }

# Its data are in memory where that has room: etcd flushes every write, which
# takes longer than all else on a slow disk. They survive a kill all the same.
etcd_create() {
  local home=$1 room
  room=$(df --output=avail -m /dev/shm 2>/dev/null | tail -n 1)
  if [[ -w /dev/shm && ${room:-0} -ge 1024 ]]; then
    home=$(mktemp -d /dev/shm/mqrpc-etcd.XXXXXX)
  fi
  printf 'home=%q\n' "$home" >>"$1/node.env"
}

etcd_command() {
  local dir=$1 port scheme=http tls=()
  port=$(node_var "$dir" port)
  if [[ -n $(node_var "$dir" tls) ]]; then
    scheme=https
    tls=(--cert-file "$dir/certs/server.pem" --key-file "$dir/certs/server-key.pem"
      --trusted-ca-file "$dir/certs/ca.pem" --client-cert-auth)
  fi
  command=(
    env -i PATH="$PATH" LANG=C.UTF-8 ETCD_UNSUPPORTED_ARCH="$(go env GOARCH)"
    etcd --name mqrpc --data-dir "$(node_var "$dir" home)/data" --logger zap --log-outputs stderr
    --listen-client-urls "$scheme://127.0.0.1:$port"
    --advertise-client-urls "$scheme://127.0.0.1:$port"
    --listen-peer-urls "http://127.0.0.1:$((port + 1))"
    --initial-advertise-peer-urls "http://127.0.0.1:$((port + 1))"
    --initial-cluster "mqrpc=http://127.0.0.1:$((port + 1))"
    --listen-metrics-urls "http://127.0.0.1:$((port + 2))"
    --heartbeat-interval 50 --election-timeout 500 "${tls[@]}"
  )
}

etcd_ready() {
  local port answer
  port=$(node_var "$1" port)
  process_listens "$1/node.pid" "$port" || return 1
  answer=$(
    exec 2>/dev/null
    exec 3<>"/dev/tcp/127.0.0.1/$((port + 2))" &&
      printf 'GET /health HTTP/1.0\r\n\r\n' >&3 && timeout 2 cat <&3
  ) || return 1
  [[ $answer == *'"health":"true"'* ]]
}

etcd_url() {
  local scheme=http
  [[ -z $(node_var "$1" tls) ]] || scheme=https
  printf '%s://127.0.0.1:%d\n' "$scheme" "$(node_var "$1" port)"
}

etcd_stop() { process_end "$1/node.pid" TERM 30; }
etcd_kill() { process_end "$1/node.pid" KILL 5; }

etcd_delete() {
  local home
  home=$(node_var "$1" home)
  [[ -z $home ]] || rm -rf "$home"
}
