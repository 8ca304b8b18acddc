#!/usr/bin/env bats
# corosync and Pacemaker of both hosts, set up by docs/cluster.md as it stands: six guests that need nine VFs, seven VFs on
# each host. A PF goes down, a host is in standby, one loses its power. Guests run where they have VFs; where there are too
# few, none is tried. A fence agent cuts the power of b; a, where the cases run, is never fenced.

bats_require_minimum_version 1.5.0
load ../vfpool
load host

BATS_TEST_TIMEOUT=3600

guests=(web-1 web-2 web-3 web-4 web-5 web-6)
needs=(1 1 2 2 2 1)

setup() {
    wait_until 600 b_serves
    vfpool_ready
    cluster_pool enp1s0 enp2s0
    host_b_begins
    cluster_guests
    cluster_start
    wait_until 300 cluster_of 2
    # A link: it sources what is beside it.
    ln -sf "$(readlink -f "$lab_dir/two/fence_lab")" /usr/sbin/
    LAB_COMMAND_TIMEOUT=300
    run_ok crm configure primitive fencing stonith:fence_lab params pcmk_host_list=lab-b pcmk_host_check=static-list \
        op monitor interval=3600s
    run_ok crm configure location fencing-is-of-a fencing -inf: lab-b
}
teardown() {
    [ -n "${BATS_TEST_COMPLETED:-}" ] || {
        crm_mon -1 --inactive
        grep -a "cannot run\|error:" /var/log/pacemaker/pacemaker.log | tail -n 40
        # What it planned from: crm_simulate --xml-file says the same again.
        cp /var/log/pacemaker/pacemaker.log "$LAB_RESULTS"
        cibadmin --query > "$LAB_RESULTS/cib.xml"
    }
    cluster_stop
    on_b "$(declare -f cluster_stop); cluster_stop"
    vfpool_end
    on_b 'BATS_TEST_COMPLETED=1 vfpool_end'
}

# Seven VFs of two cards. Settles it: libvirt gives none before.
cluster_pool() {
    cat > /etc/vfpool/passthrough.xml << XML
<network><name>passthrough</name><forward mode='hostdev' managed='yes'><pf dev='$1' vfs='0-3'/><pf dev='$2' vfs='0-2'/></forward></network>
XML
    vfpool reconcile
}
# The same guests on each host.
cluster_guests() {
    local i j interfaces
    mkdir -p /etc/libvirt/cluster
    # Lines as libvirt makes them: VirtualDomain looks for one with the name alone.
    for i in "${!guests[@]}"; do
        interfaces=
        for ((j = 0; j < needs[i]; j++)); do interfaces+=$(lab_interface passthrough "52:54:00:37:0$i:0$j"); done
        lab_guest "${guests[$i]}" "$interfaces" | sed "s|<name>|<uuid>00000000-0000-4000-8000-00000000370$i</uuid><name>|" |
            xmllint --format - > "/etc/libvirt/cluster/${guests[$i]}.xml"
    done
}
cluster_start() {
    cat > /etc/corosync/corosync.conf << 'CONF'
totem {
    version: 2
    cluster_name: lab
    transport: knet
    token: 20000
}
nodelist {
    node {
        nodeid: 1
        name: lab-a
        ring0_addr: 192.168.250.1
    }
    node {
        nodeid: 2
        name: lab-b
        ring0_addr: 192.168.250.2
    }
}
quorum {
    provider: corosync_votequorum
    two_node: 1
    wait_for_all: 0
}
logging {
    to_logfile: yes
    logfile: /var/log/corosync.log
    to_syslog: no
}
CONF
    rm -rf /var/lib/pacemaker/cib/* /var/lib/corosync/*
    mkdir -p /var/log/pacemaker
    chown hacluster:haclient /var/log/pacemaker
    : > /var/log/pacemaker/pacemaker.log
    detached corosync || return
    wait_until 60 corosync-cfgtool -s || return
    # Itself forks: whom bash has in the background for it would keep what is ssh's.
    detached setsid -f pacemakerd
}
cluster_stop() {
    local pid
    for pid in $(pgrep -x pacemakerd) $(pgrep -x corosync); do
        kill "$pid"
        wait_until 300 libvirtd_gone "$pid" || kill -9 "$pid"
    done
}
functions=$(declare -f cluster_pool cluster_guests cluster_start cluster_stop; declare -p guests needs)
host_b_begins() { LAB_COMMAND_TIMEOUT=300 on_b "$functions; vfpool_ready && cluster_pool enp4s0 enp5s0 && cluster_guests && cluster_start"; }

# cluster_of NODES: they are online, and one of them decides.
cluster_of() { [ "$(crm_mon -1 --output-as xml | xmllint --xpath 'count(//nodes/node[@online="true"])' -)" = "$1" ]; }
# Nothing is left to do.
settled() { LAB_COMMAND_TIMEOUT=900 run_ok crm_resource --wait --timeout 800; }
# capacity NODE: of the pool, as Pacemaker knows it
capacity() { crm_attribute --type nodes --node "$1" --utilization --name vfpool-passthrough --query --quiet; }
capacity_is() { [ "$(capacity "$1")" = "$2" ]; }
# free_vfs: that any guest can have, on each host
free_vfs() { vfpool status passthrough --format json | jq '[.pools[0].vfs[] | select(.state == "free")] | length'; }

# "GUEST HOST" of all that run, as libvirt has them
running() {
    virsh -q list --name | sed '/^$/d; s/$/ a/'
    [ "${b_is:-there}" = lost ] || on_b "virsh -q list --name" | sed '/^$/d; s/$/ b/'
}
none_refused() {
    [ -s /var/log/libvirt/libvirtd.log ] && ! grep -haE "none are available|has no free VF" /var/log/libvirt/libvirtd.log
}
# all_right COUNT: so many guests run, each once and with its VFs, nothing has failed, no start found a pool used up, and
# none that is stopped would fit.
all_right() {
    local line guest room i
    running > /tmp/running
    cat /tmp/running
    [ "$(wc -l < /tmp/running)" = "$1" ]
    [ "$(cut -d' ' -f1 /tmp/running | sort -u | wc -l)" = "$1" ]
    while read -r guest line; do
        if [ "$line" = a ]; then is_exact "$guest"; else b_ok "is_exact $guest"; fi
    done < /tmp/running
    [ "$(crm_mon -1 --output-as xml | xmllint --xpath 'count(//failures/failure)' -)" = 0 ]
    none_refused
    [ "${b_is:-there}" = lost ] || on_b "$(declare -f none_refused); none_refused"
    for i in "${!guests[@]}"; do
        grep -q "^${guests[$i]} " /tmp/running || for room in "${rooms[@]}"; do [ "${needs[$i]}" -gt "$room" ]; done
    done
}
# count_rooms HOSTS: the free VFs of each that takes guests, in ${rooms[@]}
count_rooms() {
    rooms=()
    [[ $1 != *a* ]] || rooms+=("$(free_vfs)")
    [[ $1 != *b* ]] || rooms+=("$(on_b "$(declare -f free_vfs); free_vfs")")
}
took() { printf 'cluster: %-40s %s s\n' "$1" "$(($(cut -d. -f1 /proc/uptime) - since))" | tee -a "$LAB_RESULTS/times.txt"; }
begin() { since=$(cut -d. -f1 /proc/uptime); }

@test "docs/cluster.md: a PF goes down, a host is in standby, one is lost, and each comes back" {
    # All but the look at it.
    follow cluster 1 2
    settled
    count_rooms ab
    all_right 6
    capacity_is lab-a 7
    capacity_is lab-b 7
    follow cluster 3 3
    says "web-6"

    # What a guest has of it counts, the rest of its four VFs does not; nobody is moved for it.
    local had
    had=$(on_b "vfpool status passthrough --format json" | jq '[.pools[0].vfs[] | select(.pf == "enp4s0" and .guest)] | length')
    running > /tmp/before
    begin
    b_ok 'ip link set enp4s0 down'
    wait_until 60 capacity_is lab-b $((3 + had))
    took "a PF is down, and the node's number follows"
    begin
    b_ok 'OCF_ROOT=/usr/lib/ocf OCF_RESOURCE_INSTANCE=vfs /usr/lib/ocf/resource.d/vfpool/pool monitor'
    took "one monitor of the agent, and a look at b"
    settled
    count_rooms ab
    all_right 6
    cmp /tmp/before /tmp/running

    # The guests of a come to b as far as it has VFs of the other PF.
    local said
    said=$(wc -c < /var/log/pacemaker/pacemaker.log)
    begin
    run_ok crm node standby lab-a
    settled
    took "a host is in standby"
    [ -z "$(virsh -q list --name)" ]
    count_rooms b
    all_right "$(on_b 'virsh -q list --name' | grep -c .)"
    tail -c "+$said" /var/log/pacemaker/pacemaker.log > /tmp/said
    local guest
    for guest in "${guests[@]}"; do
        grep -q "^$guest " /tmp/running || grep -qa "Resource $guest cannot run anywhere" /tmp/said
    done

    b_ok 'ip link set enp4s0 up'
    begin
    run_ok crm node online lab-a
    wait_until 60 capacity_is lab-b 7
    settled
    took "host and PF are back"
    count_rooms ab
    all_right 6

    # Its guests are started on a, where they fit, once its power is cut for certain.
    begin
    b_lost
    b_is=lost
    wait_until 300 cluster_of 1
    settled
    took "a host is lost"
    count_rooms a
    all_right "$(virsh -q list --name | grep -c .)"
    b_back
    b_is=there
    host_b_begins
    begin
    wait_until 300 cluster_of 2
    settled
    took "the host is back"
    count_rooms ab
    all_right 6
    run_ok crm resource stop "${guests[@]}"
    settled
}
