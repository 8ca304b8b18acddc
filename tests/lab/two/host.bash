# Inside each of the two hosts (run.sh): a network between them, names, a shell on b from a, a libvirt that the other one
# can call. Sourced by inside.sh, and by the cases, which run on a.
# shellcheck shell=bash

# shellcheck source-path=SCRIPTDIR source=../guard.bash
. "$(dirname "${BASH_SOURCE[0]}")/../guard.bash" || exit

two_net=192.168.250
ssh_options=(-o ControlMaster=auto -o ControlPath=/run/lab-ssh-%h -o ControlPersist=yes)

# The plain card by its MAC address (boot.sh), in a bridge where guests may be, too.
two_network() {
    local number=1 address nic=
    [ "$LAB_HOST" = a ] || number=2
    modprobe virtio_net
    udevadm settle
    for address in /sys/class/net/*/address; do
        [[ $(< "$address") != 52:54:00:1a:ff:* ]] || nic=$(basename "$(dirname "$address")")
    done
    [ -n "$nic" ] || { echo "Bail out! there is no card to the other host: $(cat /sys/class/net/*/address | xargs)"; return 1; }
    ip link add br0 type bridge forward_delay 0 mcast_snooping 0
    ip link set "$nic" up master br0
    ip address add "$two_net.$number/24" dev br0
    ip link set br0 up
    printf '%s\n' '127.0.0.1 localhost' "$two_net.1 lab-a host-a" "$two_net.2 lab-b host-b" > /etc/hosts
}

two_shell() {
    install -d -m 700 /root/.ssh
    install -m 600 /host/key /root/.ssh/key
    install -m 600 /host/key.pub /root/.ssh/authorized_keys
    printf '%s\n' 'IdentityFile /root/.ssh/key' 'BatchMode yes' 'StrictHostKeyChecking no' 'UserKnownHostsFile /dev/null' \
        'LogLevel ERROR' 'ConnectTimeout 30' > /root/.ssh/config
    mkdir -p /run/sshd
    detached /usr/sbin/sshd -h /root/.ssh/key -o PermitRootLogin=yes -o UsePAM=no -o MaxStartups=100
}

two_begin() {
    two_network && two_shell || return
    printf '%s\n' 'listen_tls = 0' 'listen_tcp = 1' 'auth_tcp = "none"' >> /etc/libvirt/libvirtd.conf
}

# What b does: it is there, until a is done.
two_serve() {
    while [ ! -e /host/done ]; do read -rt 1 _ <> <(:) || true; done
}

# on_b WORDS: a line of bash on the other host, with the functions of the cases. b_ok WORDS, b_fail WORDS: it ends so, as
# run_ok and run_fail have it.
on_b() (
    # The first ssh stays as the connection of all others, and would keep what is bats'.
    keep_standard
    timeout "${LAB_COMMAND_TIMEOUT:-60}" ssh "${ssh_options[@]}" lab-b "$(b_line "$*")" < /dev/null
)
b_line() { echo "cd /usr/src/vfpool && export LAB_HOST=b && . tests/lab/vfpool.bash && . tests/lab/system.bash && $*"; }
b_ok() { run_ok ssh "${ssh_options[@]}" lab-b "$(b_line "$*")"; }
b_fail() { run_fail ssh "${ssh_options[@]}" lab-b "$(b_line "$*")"; }
# to_b FILE: the same there
# shellcheck disable=SC2029 # its name is this side's
to_b() { ssh "${ssh_options[@]}" lab-b "cat > '$1'" < "$1"; }
# The case waits for b to serve; its host boots beside a.
b_serves() { on_b 'libvirtd_answers && command -v vfpool'; }

# b_lost, b_back: its power is cut, and comes again (run.sh).
two_ask() {
    rm -f /host/results/b.done
    echo "$1" > /host/results/b.new
    mv /host/results/b.new /host/results/b
    wait_until 60 test -e /host/results/b.done
}
b_lost() {
    two_ask kill
    ssh "${ssh_options[@]}" -O exit lab-b 2> /dev/null || true
}
b_back() {
    two_ask boot
    wait_until 600 b_serves
}
