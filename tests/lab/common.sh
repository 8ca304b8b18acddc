# Sourced by build.sh, boot.sh and run.sh (on the machine, not inside): which Debian, and where its files are.
# shellcheck shell=bash

DEBIAN=${DEBIAN:-13}
case $DEBIAN in
12) suite=bookworm ;;
13) suite=trixie ;;
*) echo "lab: DEBIAN is 12 or 13, not '$DEBIAN'" >&2; exit 2 ;;
esac
case "$DEBIAN ${LAB_LIBVIRT:-}" in
'13 backports' | '12 ' | '13 ') ;;
*) echo "lab: LAB_LIBVIRT is backports, on Debian 13, or nothing, not '$LAB_LIBVIRT'" >&2; exit 2 ;;
esac
case ${LAB_TWO:-} in '' | 1) ;; *) echo "lab: LAB_TWO is 1, or nothing, not '$LAB_TWO'" >&2; exit 2 ;; esac
top=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
# The image's folder; and what a host of it has for itself, which is the same but for two hosts (two/run.sh).
work=${LAB_WORK:-$top/build/lab}/$DEBIAN${LAB_LIBVIRT:+-$LAB_LIBVIRT}${LAB_TWO:+-two}
here=${LAB_HERE:-$work}
export DEBIAN suite top work here

# pack_source: on standard output, the tree as it would be committed, deleted files left out; one without git (a release)
# as it is.
pack_source() (
    cd "$top" || exit
    if git rev-parse --git-dir >/dev/null 2>&1; then
        git ls-files -z --cached --others --exclude-standard | while IFS= read -rd '' file; do
            if [ -e "$file" ] || [ -L "$file" ]; then printf '%s\0' "$file"; fi
        done | tar --null -T - -cf -
    else
        tar --exclude=./build -cf - .
    fi
)

# What objects are made of, as one word: another checkout has the same content with other times.
compiled_key() { (cd "$top" && tar --sort=name --mtime=@0 --owner=0 --group=0 -cf - Makefile hook lib xslt) | sha256sum | cut -d' ' -f1; }

# The machine's own mirror of Debian; empty (mmdebstrap then uses its default) where it has none.
mirror() {
    # shellcheck disable=SC2016 # apt's variables, not the shell's
    apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Origin: Debian' 'Label: Debian' | head -n 1
}

# What the image is made of, as one word.
image_key() {
    (cd "$top/tests/lab" && { echo "$DEBIAN${LAB_LIBVIRT:-}${LAB_TWO:+ two}"; cat build.sh lab-init guard.bash; } | sha256sum | cut -d' ' -f1)
}

# debian_sources: for mmdebstrap, where packages come from, and how backports come before the rest, in ${sources[@]} and
# ${pin[@]}.
debian_sources() {
    local from
    from=$(mirror)
    sources=(${from:+"$from"})
    pin=()
    [ "${LAB_LIBVIRT:-}" = backports ] || return 0
    [ -n "$from" ] || { echo "lab: no mirror of Debian is known" >&2; exit 1; }
    # shellcheck disable=SC2034 # for who called
    sources=("deb $from $suite main" "deb $from $suite-backports main")
    # shellcheck disable=SC2016,SC2034 # $1 is for mmdebstrap's shell: the root file system
    pin=(--setup-hook='mkdir -p "$1/etc/apt/preferences.d" && cp '"$work/preferences"' "$1/etc/apt/preferences.d/lab"')
    printf '%s\n' 'Package: *' "Pin: release n=$suite-backports" 'Pin-Priority: 900' > "$work/preferences"
}
