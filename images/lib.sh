# Shared by the scripts of images/ and tests/: messages, the machine's Debian mirrors, private apt roots, package trees.
# Sourced by bash with `set -euo pipefail` in force; sets `repository` to the folder above images/.
# shellcheck shell=bash

repository=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
# shellcheck disable=SC2034 # for the scripts that source this
readonly repository

if [[ -t 1 && -z ${NO_COLOR:-} ]]; then
  bold=$'\e[1m' dim=$'\e[2m' red=$'\e[31m' plain=$'\e[0m'
else
  bold='' dim='' red='' plain=''
fi
# shellcheck disable=SC2034
readonly bold dim red plain

say() { printf '%s\n' "$@"; }
note() { printf '%s\n' "$dim$*$plain"; }
warn() { printf '%s\n' "$red$*$plain" >&2; }
die() {
  warn "${0##*/}: $*"
  exit 1
}

need_root() { [[ $EUID -eq 0 ]] || die "must run as root (try: sudo $0)"; }

# quietly LOG COMMAND...: runs the command with its output in LOG; where it fails, shows the end of LOG.
quietly() {
  local log=$1 status=0
  shift
  "$@" >"$log" 2>&1 </dev/null || status=$?
  ((status == 0)) && return 0
  warn "failed with status $status: $*"
  tail -n 40 "$log" | sed 's/^/  | /' >&2
  warn "the whole log: $log"
  return "$status"
}

# debian_mirror SUITE: prints where this machine's own apt configuration takes a suite of Debian from, as a URI.
# Fails where it has no such suite, or where its lists were never fetched.
debian_mirror() {
  local uri file
  # shellcheck disable=SC2016 # apt expands these
  uri=$(apt-get indextargets --format '$(CREATED_BY) $(ORIGIN) $(CODENAME) $(COMPONENT) $(REPO_URI)' 2>/dev/null |
    awk -v suite="$1" '$1 == "Packages" && $2 == "Debian" && $3 == suite && $4 == "main" && $5 !~ /^cdrom:/ { print $5; exit }')
  [[ -n $uri ]] || return 1
  if [[ $uri == mirror+file:* ]]; then # a file of mirrors, as Debian's cloud images have it: its first one will do
    file=${uri#mirror+file:}
    uri=$(awk '!/^#/ && NF { print $1; exit }' "${file%/}")
  fi
  printf '%s\n' "${uri%/}"
}

# know_mirrors LOG: makes this machine's apt read its sources, where it has not yet read those of bookworm.
know_mirrors() {
  local suite
  for suite in bookworm bookworm-security; do
    debian_mirror "$suite" >/dev/null && continue
    apt-get -q -o Acquire::Retries=3 update >"$1" 2>&1 </dev/null || true
    return 0
  done
}

# A private apt root knows one suite only, so a package's candidate is that suite's version, whatever the machine's
# own sources, pins and installed packages are. Its lists and downloads are kept from one run to the next.
# apt_in ROOT TOOL ARGUMENTS...: runs apt-get or apt-cache in a private root.
apt_in() {
  local root=$1 tool=$2
  shift 2
  "$tool" -q -o Dir::State="$root/state" -o Dir::State::status="$root/state/status" -o Dir::Cache="$root/cache" \
    -o Dir::Cache::pkgcache=pkgcache.bin -o Dir::Cache::srcpkgcache=srcpkgcache.bin \
    -o Dir::Etc::SourceList="$root/sources.list" -o Dir::Etc::SourceParts=/dev/null \
    -o Dir::Etc::Preferences=/dev/null -o Dir::Etc::PreferencesParts=/dev/null \
    -o APT::Sandbox::User=root -o Acquire::Retries=3 -o Acquire::http::Timeout=30 "$@"
}

# source_line URI SUITE: the line of sources.list for it. Debian's own key file is named where the machine has it.
source_line() {
  local keys=/usr/share/keyrings/debian-archive-keyring.gpg
  if [[ -r $keys ]]; then
    printf 'deb [signed-by=%s] %s %s main\n' "$keys" "$1" "$2"
  else
    printf 'deb %s %s main\n' "$1" "$2"
  fi
}

# apt_root ROOT SUITE LOG: makes or refreshes a private root. Lists of an earlier run serve where the mirror does not.
apt_root() {
  local root=$1 suite=$2 log=$3 uri
  uri=$(debian_mirror "$suite") || { warn "this machine's apt has no source for $suite"; return 1; }
  mkdir -p "$root"/state/lists/partial "$root"/cache/archives/partial
  : >"$root/state/status"
  source_line "$uri" "$suite" >"$root/sources.list"
  apt_in "$root" apt-get -o APT::Update::Error-Mode=any update >"$log" 2>&1 </dev/null && return 0
  if compgen -G "$root/state/lists/*_InRelease" >/dev/null; then
    note "the mirror of $suite does not answer; its lists of an earlier run serve"
  else
    warn "the mirror of $suite does not answer: $(grep -m1 -E '^(E|Err)' "$log" || true)"
    return 1
  fi
}

# candidate ROOT PACKAGE: prints the version that the root's suite has; fails where it has none.
candidate() {
  local version
  version=$(LC_ALL=C apt_in "$1" apt-cache policy "$2" | awk '$1 == "Candidate:" { print $2 }')
  [[ -n $version && $version != '(none)' ]] && printf '%s\n' "$version"
}

# fetch_package ROOT PACKAGE LOG: prints the path of the package's file, downloaded unless it is there.
fetch_package() {
  local root=$1 package=$2 log=$3 version files
  version=$(candidate "$root" "$package") || { warn "no package $package in this suite"; return 1; }
  files=("$root/cache/archives/${package}_${version//:/%3a}"_*.deb)
  if [[ ! -f ${files[0]} ]]; then
    (cd "$root/cache/archives/partial" && apt_in "$root" apt-get download "$package" && mv ./*.deb ..) \
      >>"$log" 2>&1 </dev/null || { warn "cannot download $package: $(grep -m1 '^E' "$log" || true)"; return 1; }
    files=("$root/cache/archives/${package}_${version//:/%3a}"_*.deb)
  fi
  printf '%s\n' "${files[0]}"
}

# new_tree DIR: an empty system tree with Debian 12's merged /usr, which packages expect to find.
new_tree() {
  local folder
  mkdir -p "$1"
  for folder in bin sbin lib lib64; do
    mkdir -p "$1/usr/$folder"
    ln -s "usr/$folder" "$1/$folder"
  done
}

# unpack_package FILE TREE: its files laid into the tree, through the links of the merged /usr, with their times.
unpack_package() {
  dpkg-deb --fsys-tarfile "$1" | tar -x -p --numeric-owner --keep-directory-symlink -C "$2"
}

# settle_times TREE STAMP [DATE]: what has got its time from the work itself, later than the file STAMP, gets DATE
# instead, or the newest time in the tree that is not later: the same packages then make the same tree.
settle_times() {
  local tree=$1 stamp=$2 date=${3:-}
  [[ -n $date ]] || date=@$(find "$tree" ! -newer "$stamp" -printf '%T@\n' | sort -n | tail -n 1)
  find "$tree" -newer "$stamp" -exec touch -h -d "$date" {} +
}

# work_stamp FILE: makes the STAMP of settle_times. A second early, as file times are coarser than the clock.
work_stamp() { touch -d '1 second ago' "$1"; }
