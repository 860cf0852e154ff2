# shellcheck shell=bash
#
# RabbitMQ of another Debian than the machine's, to test with a version that the
# machine's own distribution has not. Sourced by scripts/services.
#
# Its packages, with Erlang and all libraries down to libc, are unpacked into a
# directory. Nothing of them is installed, so no privilege is needed, and several
# versions may stand side by side.

# rabbitmq_unpack RELEASE DIR makes DIR anew: a tree for MQRPC_RABBITMQ_ROOT.
rabbitmq_unpack() {
  local release=$1 dir=$2 keys=/usr/share/keyrings/debian-archive-keyring.gpg package apt_options
  command -v apt-get >/dev/null || die 'unpack: there is no apt-get here, as on Debian and Ubuntu'
  [[ -e $keys ]] || apt_install debian-archive-keyring
  [[ ! -e $dir || -e $dir/usr/lib/erlang || -z $(ls -A "$dir") ]] || die "unpack: $dir holds something else: not deleted"
  rm -rf "$dir"
  mkdir -p "$dir/apt"
  dir=$(cd "$dir" && pwd)
  say "unpacking RabbitMQ of Debian's $release into $dir"
  apt_prepare "$dir/apt"
  # As if nothing was installed and nothing configured: all of one release.
  apt_options+=(-o APT::Sandbox::User= -o Dir::State::status=/dev/null
    -o Dir::Etc::SourceList="$dir/apt/sources.list" -o Dir::Etc::SourceParts=/dev/null
    -o Dir::Etc::Preferences=/dev/null -o Dir::Etc::PreferencesParts=/dev/null)
  echo "deb [signed-by=$keys] ${MQRPC_DEBIAN_MIRROR:-http://deb.debian.org/debian} $release main" >"$dir/apt/sources.list"
  apt-get "${apt_options[@]}" update </dev/null >&2 || die "unpack: no packages of $release; MQRPC_DEBIAN_MIRROR names another mirror"
  apt-get "${apt_options[@]}" install --yes --no-install-recommends --download-only rabbitmq-server </dev/null >&2 ||
    die "unpack: RabbitMQ of $release cannot be downloaded"
  for package in "$dir"/apt/cache/archives/*.deb; do
    dpkg-deb --extract "$package" "$dir"
  done
  rm -rf "$dir/apt"
  rabbitmq_unpack_erlang "$dir"
}

# rabbitmq_unpack_erlang DIR makes Erlang run from where it is. Its scripts have a
# place compiled in; its programs get the libraries that they were built for, by
# way of the loader among these.
rabbitmq_unpack_erlang() {
  local dir=$1 loader program real
  loader=$(echo "$dir"/usr/lib/*/ld-linux*.so.*)
  sed -i "s|/usr/lib/erlang|$dir/usr/lib/erlang|" "$dir"/usr/lib/erlang/{bin,erts-*/bin}/erl
  while read -r program; do
    [[ $(head -c 4 "$program" | tr -d '\0') == $'\x7fELF' ]] || continue
    real=${program%/*}/.${program##*/}
    mv "$program" "$real"
    printf '#!/bin/sh\nexec "%s" --library-path "%s" --argv0 "$0" "%s" "$@"\n' \
      "$loader" "${loader%/*}" "$real" >"$program"
    chmod 755 "$program"
  done < <(find "$dir/usr/lib/erlang" -type f -perm -100 ! -name '*.so')
}
