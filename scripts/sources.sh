#!/bin/bash
# Downloads and unpacks Debian source packages (with Debian's patches) through a private apt state.
#
#   usage: scripts/sources.sh DIR SUITE PACKAGE...      e.g. .deps bookworm cjson utf8proc
#
# apt checks Release -> Sources -> .dsc -> file hashes; nothing outside DIR is touched.
set -euo pipefail
DIR=$1 SUITE=$2; shift 2; mkdir -p "$DIR"; DIR=$(cd "$DIR" && pwd); A=$DIR/.apt; mkdir -p "$A"/{lists/partial,parts,archives/partial}; : > "$A/status"
URI=$(awk '/^URIs:/{print $2; exit}' /etc/apt/sources.list.d/debian.sources)
echo "deb-src [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $URI $SUITE main" > "$A/sources.list"
cat > "$A/apt.conf" <<X
Dir::Etc::sourcelist "$A/sources.list"; Dir::Etc::sourceparts "$A/parts"; Dir::Etc::preferencesparts "$A/parts";
Dir::State::lists "$A/lists"; Dir::State::status "$A/status"; Dir::Cache "$A"; APT::Sandbox::User "root"; Acquire::Languages "none"; Acquire::Retries "5";
X
export APT_CONFIG=$A/apt.conf; apt-get -qq update; cd "$DIR"; for p; do apt-get -qq source --download-only "$p"; done  # checks Release -> Sources -> .dsc -> file hashes
for f in *.orig.tar.*; do case $f in *.asc) continue;; esac; n=${f%%_*}; mkdir -p "$n"; rm -rf "$n"; mkdir -p "$n"; tar -xf "$f" -C "$n" --strip-components=1
  P=$(ls "$n"_*.debian.tar.* 2>/dev/null || true); [ -z "$P" ] && continue   # Debian's (security) patches
  tar -xf "$P" -C "$n" debian/patches 2>/dev/null && [ -s "$n/debian/patches/series" ] && \
    grep -v '^ *#' "$n/debian/patches/series" | while read -r q _; do [ -z "$q" ] || patch -s -d "$n" -p1 < "$n/debian/patches/$q"; done
done
rm -rf "$A"
