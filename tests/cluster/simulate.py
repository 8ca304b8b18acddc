#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""A cluster that Pacemaker plans: nodes with pools, guests that need VFs, failures at random.

    simulate.py NEEDS NODES FAILURES SEED

NEEDS is what "vfpool needs --format xml" says of the guests. Each node has a pool of two PFs with VFS VFs each. At each step
a node dies or comes back, or a PF goes down or up; then crm_simulate(8) plans by the utilization attributes that
ocf:vfpool:pool would have set by then, and the plan is carried out VF by VF, stops first: a guest keeps the VFs that it has,
also of a PF that is down, and one that starts takes free ones of PFs that are up. It fails where a plan starts a guest that
finds none ("none are available"), has one on a node that is not there, or leaves one stopped that would fit on some node.
"""
import random
import re
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as xml

VFS = 32
TRANSITION = "1:1:0:00000000-0000-4000-8000-000000000000"
ACTION = re.compile(r"^ +\* (Start|Stop|Move|Migrate|Recover|Restart) +(\S+) +\( *(\S+)(?: -> +(\S+))? *\)")


class Node:
    def __init__(self, number):
        self.number, self.name = number, f"n{number}"
        self.online = True
        self.up = [True, True]
        self.guests = {}  # name: the PF of each of its VFs

    def used(self, pf):
        return sum(vfs.count(pf) for vfs in self.guests.values())

    def free(self):
        return [pf for pf in (0, 1) if self.up[pf] for _ in range(VFS - self.used(pf))]

    def capacity(self):
        """As status has it: what guests have, and what any guest could have."""
        return sum(map(len, self.guests.values())) + len(self.free())


def needs_of(path):
    return {guest.get("name"): sum(int(pool.get("vfs")) for pool in guest) for guest in xml.parse(path).getroot()}


def add(parent, tag, **attributes):
    return xml.SubElement(parent, tag, {name.replace("_", "-"): str(value) for name, value in attributes.items()})


def utilization(parent, identity, value):
    add(add(parent, "utilization", id=f"{identity}-u"), "nvpair", id=f"{identity}-p", name="vfpool-p", value=value)


def write_cib(path, nodes, needs):
    cib = xml.Element("cib", {"validate-with": "pacemaker-3.0", "epoch": "1", "num_updates": "0", "admin_epoch": "0",
                              "have-quorum": "1", "dc-uuid": "1"})
    configuration, status = add(cib, "configuration"), add(cib, "status")
    options = add(add(configuration, "crm_config"), "cluster_property_set", id="options")
    # Fencing is not what is tried, nor what probes would find.
    for name, value in (("placement-strategy", "balanced"), ("stonith-enabled", "false"),
                        ("enable-startup-probes", "false"), ("no-quorum-policy", "ignore")):
        add(options, "nvpair", id=name, name=name, value=value)
    # A guest that leaves a PF that is down leaves no VF behind: none moves without need (docs/cluster.md).
    defaults = add(add(configuration, "rsc_defaults"), "meta_attributes", id="defaults")
    add(defaults, "nvpair", id="stickiness", name="resource-stickiness", value="100")
    members, resources = add(configuration, "nodes"), add(configuration, "resources")
    add(configuration, "constraints")
    for name, vfs in needs.items():
        utilization(add(resources, "primitive", id=name, **{"class": "ocf"}, provider="pacemaker", type="Dummy"), name, vfs)
    for node in nodes:
        utilization(add(members, "node", id=node.number, uname=node.name), node.name, node.capacity())
        state = add(status, "node_state", id=node.number, uname=node.name)
        state.attrib.update({"in_ccm": "true", "crmd": "online", "join": "member", "expected": "member"} if node.online else
                            {"in_ccm": "false", "crmd": "offline", "join": "down", "expected": "down"})
        ran = add(add(state, "lrm", id=node.number), "lrm_resources")
        for name in node.guests:
            resource = add(ran, "lrm_resource", id=name, **{"class": "ocf"}, provider="pacemaker", type="Dummy")
            # The digest is that of no parameters: without it each looks as if its definition had changed.
            xml.SubElement(resource, "lrm_rsc_op", {
                "id": f"{name}_last_0", "operation_key": f"{name}_start_0", "operation": "start", "interval": "0",
                "transition-key": TRANSITION, "transition-magic": f"0:0;{TRANSITION}", "call-id": "1", "rc-code": "0",
                "op-status": "0", "op-digest": "f2317cad3d54cec5d7d7aa7d0bf35cf8", "crm_feature_set": "3.16.1"})
    xml.ElementTree(cib).write(path)


def plan(path):
    """(action, guest, from or on, to) of each that is not left as it is"""
    done = subprocess.run(["crm_simulate", "-x", path, "-R"], capture_output=True, text=True, check=True, timeout=60)
    return [match.groups() for match in map(ACTION.match, done.stdout.splitlines()) if match]


def carry_out(actions, nodes, needs):
    by_name = {node.name: node for node in nodes}
    for action, guest, here, _ in actions:
        if action not in ("Start", "Recover"):
            del by_name[here].guests[guest]
    for action, guest, here, there in actions:
        if action == "Stop":
            continue
        node = by_name[there or here]
        free = node.free()
        if not node.online or len(free) < needs[guest]:
            sys.exit(f"{guest}, which needs {needs[guest]}, is to start on {node.name}, which has {len(free)} free")
        node.guests[guest] = free[: needs[guest]]


def check(nodes, needs):
    running = [guest for node in nodes for guest in node.guests]
    if len(running) != len(set(running)):
        sys.exit("a guest runs twice")
    left = [guest for guest in needs if guest not in running]
    room = max(len(node.free()) if node.online else 0 for node in nodes)
    for guest in left:
        if needs[guest] <= room:
            sys.exit(f"{guest}, which needs {needs[guest]}, is left stopped, and a node has {room} free")
    return len(left)


def fail(nodes):
    """One more failure, or the end of one."""
    node = random.choice(nodes)
    if random.random() < 0.5 or not node.online:
        node.online = not node.online
        node.guests = {}
    else:
        pf = random.randrange(2)
        node.up[pf] = not node.up[pf]


def main():
    needs, count, failures, seed = needs_of(sys.argv[1]), *map(int, sys.argv[2:5])
    random.seed(seed)
    nodes = [Node(number) for number in range(1, count + 1)]
    actions, most = 0, 0
    with tempfile.NamedTemporaryFile(suffix=".xml") as cib:
        for step in range(failures + 1):
            if step > 0:
                fail(nodes)
            write_cib(cib.name, nodes, needs)
            planned = plan(cib.name)
            carry_out(planned, nodes, needs)
            actions += len(planned)
            most = max(most, check(nodes, needs))
    print(f"{failures} failures, {actions} actions of {len(needs)} guests on {count} nodes, {most} stopped at most")


main()
