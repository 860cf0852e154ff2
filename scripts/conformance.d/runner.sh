# shellcheck shell=bash
#
# The conformance suite's runner, from the distribution's source package of
# protobuf. Sourced by scripts/conformance.
#
# Only the runner is compiled, against the installed library: ten files instead
# of all of protobuf. No package holds it.

# runner_version prints the source version of the installed library, which the
# runner must fit.
runner_version() {
  dpkg-query --show --showformat '${source:Version}' libprotobuf-dev
}

runner_path() {
  # A version may have an epoch, with a colon.
  local version
  version=$(runner_version)
  printf '%s/mqrpc/conformance/%s/conformance_test_runner\n' \
    "${XDG_CACHE_HOME:-$HOME/.cache}" "${version//:/_}"
}

# runner_build_missing is quick where the runner is in the cache.
runner_build_missing() {
  command -v dpkg-query >/dev/null ||
    die 'this is neither Debian nor Ubuntu: build conformance_test_runner from' \
      "protobuf's own source and say --runner PROGRAM"
  local missing=()
  command -v g++ >/dev/null || missing+=(g++)
  command -v protoc >/dev/null || missing+=(protobuf-compiler)
  [[ -e /usr/include/google/protobuf/message.h ]] || missing+=(libprotobuf-dev)
  if [[ ${#missing[@]} -gt 0 ]]; then
    say "installing ${missing[*]}"
    packages_apt "${missing[@]}"
  fi
  local runner
  runner=$(runner_path)
  [[ -x $runner ]] || runner_build "$runner"
}

# runner_build RUNNER
runner_build() {
  local runner=$1 version work
  version=$(runner_version)
  say "building the suite's runner from the source of protobuf $version, once"
  work=$(mktemp -d)
  # shellcheck disable=SC2064  # the directory of now is meant
  trap "rm -rf '$work'" EXIT
  runner_fetch "$work" "$version"
  runner_compile "$work" || die "the runner cannot be built from protobuf $version; it can from 3.21." \
    'Build conformance_test_runner otherwise, and say --runner PROGRAM'
  mkdir -p "$(dirname "$runner")"
  # Whole or not at all, whoever else is building.
  cp "$work/runner" "$runner.$$"
  mv "$runner.$$" "$runner"
  rm -rf "$work"
  trap - EXIT
}

# runner_fetch WORK VERSION puts the source into WORK/source. apt gets lists and
# caches of its own, and the machine's sources as sources of source packages.
runner_fetch() {
  local work=$1 version=$2 file
  mkdir -p "$work"/{sources.list.d,lists/partial,cache/archives/partial,packages,source}
  touch "$work/sources.list"
  for file in /etc/apt/sources.list /etc/apt/sources.list.d/*.list; do
    [[ ! -e $file ]] || sed -nE 's/^deb([[:space:]])/deb-src\1/p' "$file" >>"$work/sources.list"
  done
  for file in /etc/apt/sources.list.d/*.sources; do
    [[ ! -e $file ]] || sed -E 's/^Types:.*/Types: deb-src/' "$file" >"$work/sources.list.d/${file##*/}"
  done
  local apt=(apt-get -qq -o APT::Sandbox::User= -o Dir::Etc::SourceList="$work/sources.list"
    -o Dir::Etc::SourceParts="$work/sources.list.d" -o Dir::State::Lists="$work/lists"
    -o Dir::Cache="$work/cache")
  # Sources of others may have no source packages: what matters is the next step.
  "${apt[@]}" update >"$work/apt.log" 2>&1 || true
  (cd "$work/packages" && "${apt[@]}" source --download-only --only-source "protobuf=$version") >>"$work/apt.log" 2>&1 ||
    { cat "$work/apt.log" >&2; die "apt has no source package protobuf $version"; }
  tar -xf "$work"/packages/protobuf_*.orig.tar.* -C "$work/source" --strip-components 1
}

# runner_compile WORK makes WORK/runner. It is not optimized: it runs for a
# second, and is compiled in a third of the time.
runner_compile() {
  local work=$1 suite=$1/source/conformance
  mkdir -p "$work"/{generated,objects,headers/google/protobuf/stubs}
  # The one header that the runner needs and the -dev package lacks.
  cp "$work/source/src/google/protobuf/stubs/stringprintf.h" "$work/headers/google/protobuf/stubs/"
  protoc -I "$work/source/src" -I "$suite" --cpp_out "$work/generated" conformance.proto \
    google/protobuf/test_messages_proto2.proto google/protobuf/test_messages_proto3.proto || return
  # The largest first, so that the cores end together.
  printf '%s\0' "$work"/generated/google/protobuf/*.cc "$suite"/*_suite.cc "$work/generated/conformance.pb.cc" \
    "$suite"/conformance_test{,_main,_runner}.cc "$suite/third_party/jsoncpp/jsoncpp.cpp" |
    OBJECTS=$work/objects xargs -0 -P "$(nproc)" -I {} sh -c 'g++ -O0 -w -std=c++14 "$@" -c "$0" -o "$OBJECTS/$(basename "$0").o"' \
      {} -I "$work/generated" -I "$work/headers" -I "$suite" -I "$work/source" || return
  g++ "$work"/objects/*.o -lprotobuf -lpthread -o "$work/runner"
}
