# shellcheck shell=bash
#
# The packages that tests need. Sourced by scripts/services.

# packages_missing SERVICE ... prints the Debian and Ubuntu packages that tests
# with these services need and this machine lacks.
packages_missing() {
  # The race detector needs a C compiler.
  command -v gcc >/dev/null || command -v clang >/dev/null || printf '%s\n' gcc libc6-dev
  # The plugin's tests call the real protoc, with its standard imports.
  command -v protoc >/dev/null || echo protobuf-compiler
  [[ -e $(packages_prefix protoc)/include/google/protobuf/descriptor.proto ]] || echo libprotobuf-dev
  local service
  for service in "$@"; do
    "${service}_packages"
  done
}

# packages_prefix COMMAND prints what a command is installed under: /usr.
packages_prefix() {
  local path
  path=$(command -v "$1" || echo /usr/bin/none)
  dirname "$(dirname "$(readlink -f "$path")")"
}

# packages_install_missing SERVICE ... is quick where nothing is missing.
packages_install_missing() {
  [[ -z $(packages_missing "$@") ]] || packages_install "$@"
}

packages_install() {
  local missing
  mapfile -t missing < <(packages_missing "$@")
  if [[ ${#missing[@]} -eq 0 ]]; then
    say 'everything that the tests need is installed'
    return
  fi
  command -v apt-get >/dev/null ||
    die "missing: ${missing[*]} (Debian's names). There is no apt-get here to install" \
      "them: install what they hold yourself. RabbitMQ can run in Docker or Podman" \
      "(MQRPC_SERVICES_BACKEND=container); the other services only from packages," \
      "and --with rabbitmq leaves them out."
  apt_install "${missing[@]}"
}
