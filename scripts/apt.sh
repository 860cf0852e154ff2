# shellcheck shell=bash
#
# Packages from the distribution, by package lists of our own. However old the
# machine's lists are, whoever holds their lock and whichever of its sources does
# not answer, ours are new. The machine's lists and its configuration of apt are
# read and not changed. Sourced by scripts/services and scripts/conformance, which
# have say and die.

# apt_policy, while it is there, keeps packages from starting the services that
# they bring.
apt_policy=/usr/sbin/policy-rc.d

# apt_prepare DIR [COMMAND ...] makes the directories below DIR for lists and
# downloads, by way of COMMAND, and sets the array apt_options: with them apt-get
# and apt-cache use these directories.
apt_prepare() {
  local dir=$1
  shift
  "$@" mkdir -p "$dir"/{lists,cache/archives}/partial
  "$@" chmod 755 "$dir" # root's apt downloads as another user, who has to enter
  # shellcheck disable=SC2034  # for those who source this
  apt_options=(-qq -o "Dir::State::Lists=$dir/lists" -o "Dir::Cache=$dir/cache"
    -o Acquire::Languages=none -o DPkg::Lock::Timeout=300)
}

# apt_install PACKAGE ... installs packages without starting their services: the
# machine's own broker is none of the tests' business. It is a subshell, which
# tidies up whatever ends it.
apt_install() (
  say "installing $*"
  root=()
  if [[ $(id -u) -ne 0 ]]; then
    command -v sudo >/dev/null ||
      die "not root, and no sudo. As root, run: apt-get install --no-install-recommends $*"
    root=(sudo)
  fi
  # One at a time: the first to end takes the policy away.
  exec {lock}<"${apt_policy%/*}"
  flock -w 600 "$lock" || die "another run has been installing packages for ten minutes"
  dir=$("${root[@]}" mktemp -d /var/tmp/mqrpc-apt.XXXXXX)
  made=("$dir")
  trap '"${root[@]}" rm -rf "${made[@]}"' EXIT
  # One that was killed may have left its policy.
  if [[ ! -e $apt_policy ]] || grep -q mqrpc "$apt_policy"; then
    made+=("$apt_policy")
    printf '#!/bin/sh\n# while mqrpc installs packages\nexit 101\n' |
      "${root[@]}" install -m 755 /dev/stdin "$apt_policy"
  fi
  apt_prepare "$dir" "${root[@]}"
  # A source that does not answer may be one of which nothing is needed. Whether
  # it matters, the installation tells.
  log=$("${root[@]}" apt-get "${apt_options[@]}" update 2>&1) || true
  log+=$'\n'$("${root[@]}" env RUNLEVEL=1 DEBIAN_FRONTEND=noninteractive apt-get "${apt_options[@]}" \
    install --yes --no-install-recommends "$@" 2>&1 </dev/null) ||
    { printf '%s\n' "$log" >&2; die "apt-get could not install $*"; }
)
