# shellcheck shell=bash
#
# A RabbitMQ node in a container, for machines that have Docker or Podman but
# no package. Sourced by rabbitmq.sh, which says what each function has to do.

# rabbitmq_container_engine prints the first engine that works.
rabbitmq_container_engine() {
  local engine
  for engine in docker podman; do
    if command -v "$engine" >/dev/null && "$engine" info >/dev/null 2>&1; then
      echo "$engine"
      return
    fi
  done
}

rabbitmq_container_name() { printf 'mqrpc-rabbitmq-%d' "$(node_var "$1" port)"; }

# rabbitmq_container_do VERB DIR ... runs an engine's command on the container.
rabbitmq_container_do() {
  local verb=$1 dir=$2 engine
  shift 2
  engine=$(rabbitmq_container_engine)
  [[ -n $engine ]] || { say "no container engine answers"; return 1; }
  "$engine" "$verb" "$@" "$(rabbitmq_container_name "$dir")"
}

rabbitmq_container_conf() {
  # The engine's bridge is not loopback, and the ports are published on it only.
  echo 'loopback_users = none'
  [[ -z $(node_var "$1" tls) ]] || rabbitmq_tls_conf 5671 /certs
}

rabbitmq_container_launch() {
  local dir=$1 port engine
  # The container that was stopped or killed has the data.
  ! rabbitmq_container_do start "$dir" >/dev/null 2>&1 || return 0
  engine=$(rabbitmq_container_engine)
  [[ -n $engine ]] || { say "no container engine answers"; return 1; }
  port=$(node_var "$dir" port)
  chmod -R a+rX "$dir/certs" "$dir/rabbitmq.conf" # the broker's user is another there
  "$engine" run --detach --name "$(rabbitmq_container_name "$dir")" \
    --hostname mqrpc --env RABBITMQ_NODENAME=rabbit@localhost \
    --publish "127.0.0.1:$port:5672" --publish "127.0.0.1:$((port + 1)):5671" \
    --volume "$dir/rabbitmq.conf:/etc/rabbitmq/conf.d/90-mqrpc.conf:ro" \
    --volume "$dir/certs:/certs:ro" \
    "${MQRPC_RABBITMQ_IMAGE:-rabbitmq:4}" >/dev/null
}

rabbitmq_container_alive() {
  [[ $(rabbitmq_container_do inspect "$1" --format '{{.State.Running}}' 2>/dev/null) == true ]]
}

# The engine has refused to publish a port that is taken.
rabbitmq_container_listens() { rabbitmq_container_alive "$1"; }

rabbitmq_container_stop() { rabbitmq_container_do stop "$1" >/dev/null; }

rabbitmq_container_kill() {
  ! rabbitmq_container_alive "$1" || rabbitmq_container_do kill "$1" >/dev/null
}

# rabbitmq_container_delete removes the container and its data.
rabbitmq_container_delete() {
  rabbitmq_container_do rm "$1" --force --volumes >/dev/null 2>&1 || true
}

rabbitmq_container_ctl() {
  local dir=$1 engine
  shift
  engine=$(rabbitmq_container_engine)
  "$engine" exec "$(rabbitmq_container_name "$dir")" rabbitmqctl --quiet "$@" </dev/null
}

rabbitmq_container_log() { rabbitmq_container_do logs "$1" 2>&1; }
