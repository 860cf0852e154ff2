# shellcheck shell=bash
#
# A RabbitMQ node run by the distribution's rabbitmq-server package, as any
# user, beside the machine's own broker and any number of others. Sourced by
# rabbitmq.sh, which says what each function has to do.
#
# The package is installed, or unpacked below a root directory, which a node
# keeps; see rabbitmq-unpack.sh.

# rabbitmq_package_bin [ROOT] prints the directory of the package's scripts; not
# the wrappers in sbin, which change user.
rabbitmq_package_bin() {
  local bin=${1:-}/usr/lib/rabbitmq/bin
  [[ ! -x $bin/rabbitmq-server ]] || echo "$bin"
}

# rabbitmq_package_path DIR prints the PATH of a node's programs, among them
# Erlang's.
rabbitmq_package_path() {
  local root
  root=$(node_var "$1" root)
  printf '%s%s' "${root:+$root/usr/lib/erlang/bin:}" "$PATH"
}

# rabbitmq_package_command DIR SCRIPT sets the array command to run one of the
# package's scripts in an environment that points everything into DIR and to
# loopback, whatever the caller's environment and /etc/rabbitmq say.
rabbitmq_package_command() {
  local dir=$1 script=$2 port cores
  port=$(node_var "$dir" port)
  cores=$(nproc)
  command=(
    env -i PATH="$(rabbitmq_package_path "$dir")" LANG=C.UTF-8 HOME="$dir/home"
    RUNNING_UNDER_SYSTEMD=true # the script becomes the VM, instead of waiting for it
    ERL_CRASH_DUMP="$dir/log/erl_crash.dump"
    RABBITMQ_NODENAME="mqrpc$port@localhost"
    RABBITMQ_NODE_IP_ADDRESS=127.0.0.1
    RABBITMQ_NODE_PORT="$port"
    RABBITMQ_DIST_PORT=$((port + 2))
    ERL_EPMD_PORT=$((port + 3))
    ERL_EPMD_ADDRESS=127.0.0.1
    RABBITMQ_CTL_DIST_PORT_MIN=$((port + 4))
    RABBITMQ_CTL_DIST_PORT_MAX=$((port + 9))
    RABBITMQ_MNESIA_BASE="$dir/data"
    RABBITMQ_LOG_BASE="$dir/log"
    RABBITMQ_LOGS="$dir/log/rabbit.log"
    RABBITMQ_CONF_ENV_FILE="$dir/none"
    RABBITMQ_CONFIG_FILE="$dir/rabbitmq.conf"
    RABBITMQ_CONFIG_FILES="$dir/none"
    RABBITMQ_ADVANCED_CONFIG_FILE="$dir/none"
    RABBITMQ_ENABLED_PLUGINS_FILE="$dir/enabled_plugins"
    RABBITMQ_PID_FILE="$dir/erlang.pid"
    RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS="+S $cores:$cores -kernel inet_dist_use_interface {127,0,0,1}"
    "$(rabbitmq_package_bin "$(node_var "$dir" root)")/$script"
  )
}

rabbitmq_package_conf() {
  local dir=$1
  if [[ -n $(node_var "$dir" tls) ]]; then
    rabbitmq_tls_conf "127.0.0.1:$(($(node_var "$dir" port) + 1))" "$dir/certs"
  fi
}

rabbitmq_package_launch() {
  local dir=$1 command
  mkdir -p "$dir/home" "$dir/log"
  if [[ ! -e $dir/home/.erlang.cookie ]]; then
    od -An -N16 -tx1 /dev/urandom | tr -d ' \n' >"$dir/home/.erlang.cookie"
    chmod 400 "$dir/home/.erlang.cookie"
    echo '[].' >"$dir/enabled_plugins"
  fi
  rabbitmq_package_launch_epmd "$dir" || return 1
  rabbitmq_package_command "$dir" rabbitmq-server
  process_launch "$dir/node.pid" "$dir/log/console.log" "${command[@]}"
}

# epmd, Erlang's port mapper, is started here so that its pid is known and it
# can be ended: one that the broker starts outlives it.
rabbitmq_package_launch_epmd() {
  local dir=$1 port
  ! process_alive "$dir/epmd.pid" || return 0
  port=$(($(node_var "$dir" port) + 3))
  process_launch "$dir/epmd.pid" "$dir/log/epmd.log" \
    env -i PATH="$(rabbitmq_package_path "$dir")" epmd -port "$port" -address 127.0.0.1
  until process_listens "$dir/epmd.pid" "$port"; do
    process_alive "$dir/epmd.pid" || return 1
    sleep 0.02
  done
}

rabbitmq_package_alive() { process_alive "$1/node.pid"; }

# rabbitmq_package_listens: RabbitMQ 4 opens its listeners one after the other.
rabbitmq_package_listens() {
  local port
  port=$(node_var "$1" port)
  process_listens "$1/node.pid" "$port" &&
    { [[ -z $(node_var "$1" tls) ]] || process_listens "$1/node.pid" $((port + 1)); }
}

rabbitmq_package_stop() {
  process_end "$1/node.pid" TERM 30
  process_end "$1/epmd.pid" TERM 5
}

rabbitmq_package_kill() {
  process_end "$1/node.pid" KILL 5
  process_end "$1/epmd.pid" KILL 5
}

rabbitmq_package_delete() { :; }

rabbitmq_package_ctl() {
  local command
  rabbitmq_package_command "$1" rabbitmqctl
  shift
  "${command[@]}" --quiet "$@" </dev/null
}

rabbitmq_package_log() {
  local file
  for file in epmd.log console.log rabbit.log; do
    [[ ! -e $1/log/$file ]] || cat "$1/log/$file"
  done
}
