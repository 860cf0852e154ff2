# shellcheck shell=bash
#
# A node: one private server of any service, with all that is known of it in one
# directory. Sourced by scripts/services.

all_services=(rabbitmq postgres zookeeper etcd)

# node_var DIR NAME prints one of node.env's variables.
node_var() {
  local service=rabbitmq backend='' root='' port='' tls='' home=''
  # shellcheck disable=SC1091
  source "$1/node.env"
  printf '%s' "${!2}"
}

# node_known DIR fails where no node is.
node_known() { [[ -e $1/node.env ]] || die "no node in $1: scripts/services node start $1"; }

# node_do ACTION DIR ... does something with a node that is there.
node_do() {
  local action=$1 dir=$2 service
  shift 2
  node_known "$dir"
  dir=$(cd "$dir" && pwd)
  service=$(node_var "$dir" service)
  if [[ $service == rabbitmq ]]; then
    "rabbitmq_$action" "$dir" "$@"
  else
    "daemon_$action" "$service" "$dir" "$@"
  fi
}

# node_start SERVICE DIR ... starts a node, also again.
node_start() {
  local service=$1
  shift
  node_check_service "$service"
  if [[ $service == rabbitmq ]]; then
    rabbitmq_start "$@"
  else
    daemon_start "$service" "$@"
  fi
}

# node_remove DIR also removes what a start that was cut short has left.
node_remove() {
  if [[ -e $1/node.env ]]; then
    node_do remove "$1"
  else
    rabbitmq_remove "$1"
  fi
}

node_alive() {
  [[ -e $1/node.env ]] || return 1
  if [[ $(node_var "$1" service) == rabbitmq ]]; then
    rabbitmq_alive "$1"
  else
    process_alive "$1/node.pid"
  fi
}

node_check_service() {
  local service
  for service in "${all_services[@]}"; do
    [[ $1 != "$service" ]] || return 0
  done
  die "unknown service $1: there are ${all_services[*]}"
}
