# shellcheck shell=bash
#
# Packages from the distribution. Sourced by scripts/services.

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
  if ! command -v apt-get >/dev/null; then
    die "missing: ${missing[*]} (Debian's names). There is no apt-get here to install" \
      "them: install what they hold yourself. RabbitMQ can run in Docker or Podman" \
      "(MQRPC_SERVICES_BACKEND=container); the other services only from packages," \
      "and --with rabbitmq leaves them out."
  fi
  say "installing ${missing[*]}"
  packages_apt "${missing[@]}"
}

# packages_apt installs without starting the services that packages bring:
# the machine's own broker is none of the tests' business.
packages_apt() {
  local root=()
  if [[ $(id -u) -ne 0 ]]; then
    command -v sudo >/dev/null ||
      die "not root, and no sudo. As root, run: apt-get install --no-install-recommends $*"
    root=(sudo)
  fi
  local policy=/usr/sbin/policy-rc.d made_policy=
  if [[ ! -e $policy ]]; then
    made_policy=yes
    printf '#!/bin/sh\nexit 101\n' | "${root[@]}" install -m 755 /dev/stdin "$policy"
  fi
  local install=("${root[@]}" env RUNLEVEL=1 DEBIAN_FRONTEND=noninteractive
    apt-get -qq -o DPkg::Lock::Timeout=300 install --yes --no-install-recommends "$@")
  local status=0
  # Package lists may be absent or old: fetch them when the first try fails.
  "${install[@]}" >/dev/null 2>&1 ||
    { "${root[@]}" apt-get -qq update && "${install[@]}" >/dev/null; } ||
    status=$?
  [[ -z $made_policy ]] || "${root[@]}" rm -f "$policy"
  [[ $status -eq 0 ]] || die "apt-get could not install $*"
}
