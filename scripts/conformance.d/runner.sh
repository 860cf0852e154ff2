# shellcheck shell=bash
#
# The conformance suite's runner, built from the distribution's protobuf. Sourced
# by scripts/conformance.
#
# No package holds the runner. Of protobuf's source only the runner is compiled,
# against the library of the same version: ten files instead of all. protoc,
# headers and library are taken out of their packages and not installed. So what
# is installed matters as little as what an earlier run has left.

# runner_protobuf is the version whose suite the transcoder is held to, and whose
# source is laid out as runner_compile expects.
runner_protobuf=3.21

# runner_build RUNNER
runner_build() {
  local runner=$1 work
  command -v apt-get >/dev/null ||
    die 'this is neither Debian nor Ubuntu: build conformance_test_runner from' \
      "the source of protobuf $runner_protobuf and say --runner PROGRAM"
  command -v g++ >/dev/null || apt_install g++
  work=$(mktemp -d)
  # shellcheck disable=SC2064  # the directory of now is meant
  trap "rm -rf '$work'" EXIT
  runner_fetch "$work"
  runner_compile "$work" || die "the runner cannot be built; above is why." \
    'Build conformance_test_runner otherwise, and say --runner PROGRAM'
  mkdir -p "$(dirname "$runner")"
  mv "$work/runner" "$runner"
  rm -rf "$work"
  trap - EXIT
}

# ---- what it is built from -------------------------------------------------

# runner_fetch WORK puts protobuf's source into WORK/source, and compiler, headers
# and library into WORK/root.
runner_fetch() {
  local work=$1 library source package libraries sources apt_options
  runner_lists "$work"
  while read -r library source; do
    if runner_download "$work" "$library" "$source" >>"$work/log" 2>&1; then
      say "building the suite's runner from protobuf $source, with the library of $library"
      mkdir "$work/source" "$work/root"
      tar -xf "$work"/packages/protobuf_*.orig.tar.* -C "$work/source" --strip-components 1
      for package in "$work"/packages/*.deb; do
        dpkg-deb --extract "$package" "$work/root"
      done
      return
    fi
  done < <(runner_versions)
  cat "$work/log" >&2
  libraries=$(runner_offered Packages libprotobuf-dev | xargs)
  sources=$(runner_offered Sources protobuf | xargs)
  die "apt offers no protobuf $runner_protobuf with both library and source:" \
    "libprotobuf-dev ${libraries:-in no version}, source package protobuf ${sources:-in no version}." \
    "Add its source to apt's, or build conformance_test_runner otherwise and say --runner PROGRAM"
}

# runner_lists WORK fetches the lists of packages and of source packages from the
# sources that the machine has for packages. It sets apt_options.
runner_lists() {
  local work=$1 list parts file
  mkdir "$work/sources.list.d"
  apt_prepare "$work"
  eval "$(apt-config shell list Dir::Etc::sourcelist/f parts Dir::Etc::sourceparts/d)"
  for file in "$list" "$parts"/*.list; do
    [[ ! -e $file ]] || sed -nE 's/^deb([[:space:]].*)/deb\1\ndeb-src\1/p' "$file"
  done >"$work/sources.list"
  for file in "$parts"/*.sources; do
    [[ ! -e $file ]] || sed -E 's/^Types:.*/Types: deb deb-src/' "$file" >"$work/sources.list.d/${file##*/}"
  done
  apt_options+=(-o APT::Sandbox::User= -o Dir::Etc::SourceList="$work/sources.list"
    -o Dir::Etc::SourceParts="$work/sources.list.d")
  # Sources of others may have no source packages. What matters comes next.
  apt-get "${apt_options[@]}" update >"$work/log" 2>&1 || true
}

# runner_versions prints versions of the library and of the source package that
# fit each other, a pair a line, best first. Whole versions need not be the same:
# a mirror may have different revisions of the two, and a rebuilt library has a
# version of its own. What makes them fit is protobuf's own version, which is
# what stands before the last hyphen.
runner_versions() {
  local library source
  for library in $(runner_candidate) $(runner_offered Packages libprotobuf-dev); do
    for source in $(runner_offered Sources protobuf); do
      [[ ${library%-*} != "${source%-*}" || $library != "$runner_protobuf".* ]] || echo "$library $source"
    done
  done
}

# runner_candidate prints the version of the library that apt prefers; it may be
# the installed one and no longer to be had.
runner_candidate() {
  apt-cache "${apt_options[@]}" --no-all-versions show libprotobuf-dev 2>/dev/null | sed -n 's/^Version: //p'
}

# runner_offered KIND NAME prints the versions of a package that the lists have,
# newest first. KIND is Packages or Sources.
runner_offered() {
  apt-cache "${apt_options[@]}" madison "$2" |
    awk -v kind="$1" -v name="$2" '$1 == name && $NF == kind { print $3 }' | sort -rVu
}

# runner_download WORK LIBRARY SOURCE downloads these versions into WORK/packages.
runner_download() {
  local dir=$1/packages library=$2 source=$3 packages=() package
  rm -rf "$dir"
  mkdir "$dir"
  # The libraries' names have their versions in them, which differ.
  for package in libprotobuf-dev protobuf-compiler $(runner_libraries "$library"); do
    packages+=("$package=$library")
  done
  (cd "$dir" && apt-get "${apt_options[@]}" download "${packages[@]}") || return
  # Debian's own part of a source package may be gone from the mirror before the
  # lists say so. It is not needed; protobuf's is.
  (cd "$dir" && apt-get "${apt_options[@]}" source --download-only --only-source "protobuf=$source") || true
  compgen -G "$dir/protobuf_*.orig.tar.*" >/dev/null
}

# runner_libraries VERSION prints the packages of the libraries that protoc loads.
runner_libraries() {
  apt-cache "${apt_options[@]}" show "libprotobuf-dev=$1" "protobuf-compiler=$1" |
    sed -n 's/^Depends: //p' | grep -oE 'libproto(buf|c)[0-9][a-z0-9]*' | sort -u
}

# ---- compiling -------------------------------------------------------------

# runner_compile WORK makes WORK/runner. It is not optimized: it runs for a
# second, and is compiled in a third of the time.
runner_compile() {
  local work=$1 suite=$1/source/conformance library
  library=$(echo "$work"/root/usr/lib/*/libprotobuf.a)
  mkdir -p "$work"/{generated,objects,headers/google/protobuf/stubs}
  # The one header that the runner needs and the -dev package lacks.
  cp "$work/source/src/google/protobuf/stubs/stringprintf.h" "$work/headers/google/protobuf/stubs/"
  LD_LIBRARY_PATH=${library%/*} "$work/root/usr/bin/protoc" -I "$work/source/src" -I "$suite" \
    --cpp_out "$work/generated" conformance.proto \
    google/protobuf/test_messages_proto2.proto google/protobuf/test_messages_proto3.proto || return
  # The largest first, so that the cores end together.
  printf '%s\0' "$work"/generated/google/protobuf/*.cc "$suite"/*_suite.cc "$work/generated/conformance.pb.cc" \
    "$suite"/conformance_test{,_main,_runner}.cc "$suite/third_party/jsoncpp/jsoncpp.cpp" |
    OBJECTS=$work/objects xargs -0 -P "$(nproc)" -I {} sh -c 'g++ -O0 -w -std=c++14 "$@" -c "$0" -o "$OBJECTS/$(basename "$0").o"' \
      {} -I "$work/generated" -I "$work/headers" -I "$work/root/usr/include" -I "$suite" -I "$work/source" || return
  g++ "$work"/objects/*.o "$library" -lpthread -o "$work/runner"
}
