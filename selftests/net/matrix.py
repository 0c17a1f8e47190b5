#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""
P1 by matrix: from every kind of port every kind of frame; what arrives where, to
the byte, must be what a naive model says, and every counter must be, too.

    matrix.py [leak]    leak: one port is given another VLAN behind the model's
                        back, and the matrix must notice
"""
import sys

from wire import Wire, be16, balance, mac, quiet, run, tag

TAGS = (0x8100, 0x88a8, 0x9100, 0x9200, 0x9300)
SWITCH = "swm"


class Port:
    def __init__(self, name, mode, access=0, vlans=(), native=0, isolated=False, uplink=False, mtu=9000):
        self.name, self.mode, self.access, self.native = name, mode, access, native
        self.vlans = set(vlans) if mode == "trunk" else {access} if mode == "access" else set()
        self.untagged = native if mode == "trunk" else access if mode == "access" else 0
        self.isolated, self.uplink, self.mtu = isolated, uplink, mtu
        self.mac = None

    def config(self):
        words = [f"mode={('off', 'access', 'trunk').index(self.mode)}", f"role={int(self.uplink)}",
                 f"isolated={int(self.isolated)}", "macs=" + ":".join(f"{b:02x}" for b in self.mac)]
        if self.mode == "access":
            words.append(f"access={self.access}")
        if self.mode == "trunk":
            vlans = sorted(self.vlans)
            # as ranges, so that 4094 of them fit
            ranges, first = [], vlans[0]
            for v, after in zip(vlans, vlans[1:] + [0]):
                if after != v + 1:
                    ranges.append(f"{first}-{v}")
                    first = after
            words += ["trunk=" + ",".join(ranges), f"native={self.native}"]
        return words


PORTS = [
    Port("a10", "access", 10),
    Port("b10", "access", 10),
    Port("c20", "access", 20, mtu=1500),
    Port("t", "trunk", vlans={10, 20, 30}),
    Port("tn30", "trunk", vlans={10, 30}, native=30),
    Port("tn20", "trunk", vlans=range(20, 41), native=20),
    Port("i10", "access", 10, isolated=True),
    Port("j10", "access", 10, isolated=True),
    Port("up", "trunk", vlans=range(1, 4095), uplink=True),
    Port("up10", "access", 10, uplink=True),
    Port("off", "off"),
]
for n, p in enumerate(PORTS):
    p.mac = bytes((2, 0xee, 0, 0, 0, n))
BY_MAC = {p.mac: p for p in PORTS}

BROADCAST = b"\xff" * 6
DESTINATIONS = [BROADCAST, mac("01:00:5e:00:00:05"), mac("33:33:00:00:00:05"), mac("02:99:00:00:00:01")]
DESTINATIONS += [p.mac for p in PORTS]
RESERVED = [mac("01:80:c2:00:00:%02x" % i) for i in (0, 1, 2, 3, 14, 15)]
NOT_RESERVED = [mac("01:80:c2:00:00:10")]

OUTER = [b"", tag(0), tag(0, pcp=7), tag(10), tag(10, pcp=5), tag(20), tag(30), tag(99), tag(4094), tag(4095),
         tag(10, 0x88a8), tag(0, 0x88a8), tag(10, 0x9100), tag(20, 0x9200)]
INNER = [b"", tag(10), tag(20), tag(0), tag(10, 0x88a8), tag(10, 0x9100)]


def word(data):
    return int.from_bytes(data[:2], "big")


def model(sender, frame):
    """Where the frame must arrive and how, {name: bytes}; or the reason why nowhere; and drops on the way out."""
    dst, src, rest = frame[:6], frame[6:12], frame[12:]
    if sender.mode == "off":
        return {}, ["drop_off"]
    outer = word(rest)
    pcp = 0
    if sender.mode == "access":
        if outer in TAGS:
            return {}, ["drop_tagged"]
        vid = sender.access
    else:
        vid = 0
        if outer == 0x8100:
            vid, pcp, rest = word(rest[2:]) & 0xfff, word(rest[2:]) >> 13, rest[4:]
        elif outer in TAGS:
            return {}, ["drop_vlan"]
        if vid and vid not in sender.vlans:
            return {}, ["drop_vlan"]
        if not vid:
            vid = sender.native
        if not vid:
            return {}, ["drop_no_vlan"]
    if src[0] & 1 or src == bytes(6):
        return {}, ["drop_source"]
    if dst[:5] == b"\x01\x80\xc2\0\0" and dst[5] < 16:
        return {}, ["drop_reserved"]
    # a neighbour's address is static there
    owner = BY_MAC.get(src)
    if owner and owner is not sender and vid in owner.vlans:
        return {}, ["drop_moved"]
    target = BY_MAC.get(dst)
    if target and vid in target.vlans:
        if target is sender:
            return {}, ["drop_hairpin"]
        places = [target]
    elif dst[0] & 1:
        places = [p for p in PORTS if p is not sender and vid in p.vlans]
    else:
        places = [p for p in PORTS if p is not sender and vid in p.vlans and p.uplink]
    allowed = [p for p in places if p.uplink or sender.uplink or not (p.isolated or sender.isolated)]
    if not allowed:
        hidden = target in places and target and vid == target.untagged and word(rest) in TAGS
        return {}, ["drop_vlan" if hidden else "drop_isolated" if places else "drop_nowhere"]
    arrives, drops = {}, []
    for p in allowed:
        if vid == p.untagged and word(rest) in TAGS:
            drops.append("drop_vlan")
        elif len(rest) - 2 - 4 * (word(rest) in TAGS) > p.mtu:
            drops.append("drop_tx_size")
        elif vid == p.untagged:
            arrives[p.name] = dst + src + rest
        else:
            arrives[p.name] = dst + src + tag(vid, pcp=pcp) + rest
    return arrives, drops


def frames(sender, number):
    """All kinds; the source address says which one it is."""
    count = 0

    def source():
        nonlocal count
        count += 1
        return bytes((2, 0x11, number)) + count.to_bytes(3, "big")

    few = [BROADCAST, PORTS[1].mac, DESTINATIONS[3]]
    for outer in OUTER:
        for inner in INNER if outer else [b""]:
            for dst in few if inner else DESTINATIONS + RESERVED[:1] + NOT_RESERVED:
                yield dst + source() + outer + inner + be16(0x88b5) + b"payload" * 7
    for outer in b"", tag(10):
        for dst in RESERVED:
            yield dst + source() + outer + be16(0x88b5) + b"bpdu" * 10
        # lengths: nothing, largest, one more, far more
        for size in 0, 1, 1500, 1501, 8000:
            for dst in BROADCAST, PORTS[1].mac, PORTS[2].mac:
                yield dst + source() + outer + be16(0x88b5) + bytes(size)
        yield BROADCAST + source() + outer + tag(20) + be16(0x88b5) + bytes(1500)
        # spoofed: group, none, each neighbour, itself
        for src in [b"\x03" + bytes(5), BROADCAST, bytes(6)] + [p.mac for p in PORTS]:
            yield BROADCAST + src + outer + be16(0x88b5) + source() * 6


def collect(got, more):
    for name, some in more.items():
        got[name] += some


def main():
    leak = "leak" in sys.argv[1:]
    run("ip", "link", "add", SWITCH, "type", "ivmsw")
    wires = [Wire(SWITCH, p.name, *p.config(), port_mtu=p.mtu, mtu=9000) for p in PORTS]
    by_name = {w.name: w for w in wires}
    if leak:
        by_name["c20"].set("access=10")
    quiet(wires, 0.5)
    bad = total = arrived = 0
    for number, sender in enumerate(PORTS[:3] if leak else PORTS):
        wire = by_name[sender.name]
        wire.set("learn=65536")
        before = {w.name: w.stats() for w in wires}
        expected = {p.name: [] for p in PORTS}
        got = {p.name: [] for p in PORTS}
        counted = {}
        for frame in frames(sender, number):
            # a veth hands over nothing that is too long for the device at its other end
            if len(frame) > sender.mtu + 18:
                continue
            # an untagged VLAN header is what the core makes of it; a frame cut inside its tag never comes to us
            arrives, drops = model(sender, frame)
            for name, data in arrives.items():
                expected[name].append(data)
            for drop in drops:
                counted[drop] = counted.get(drop, 0) + 1
            wire.send(frame)
            total += 1
            # far fewer than the queues of a veth hold, so that the switch never finds one full
            if total % 32 == 0:
                collect(got, quiet(wires, 0.01))
        collect(got, quiet(wires))
        for name, want in expected.items():
            arrived += len(want)
            have = sorted(got[name])
            want = sorted(want)
            if have != want:
                bad += 1
                missing = [f for f in want if f not in have]
                surplus = [f for f in have if f not in want]
                print(f"# {sender.name} -> {name}: {len(missing)} missing, {len(surplus)} surplus")
                for kind, some in ("missing", missing), ("surplus", surplus):
                    for f in some[:3]:
                        print(f"#    {kind} {f[:30].hex()} ({len(f)} bytes)")
        after = {w.name: w.stats() for w in wires}
        for drop in sorted(k for k in after[sender.name] if k.startswith("drop_")):
            n = sum(int(after[w.name][drop]) - int(before[w.name][drop]) for w in wires)
            if n != counted.get(drop, 0):
                bad += 1
                print(f"# from {sender.name}: {drop} is {n}, not {counted.get(drop, 0)}")
    came, went = balance(wires)
    if came != went:
        bad += 1
        print(f"# {came} frames came in, {went} went somewhere")
    print(f"# {total} frames sent, {arrived} arrivals expected, {bad} differences")
    for w in wires:
        run("ip", "link", "del", w.port)
    run("ip", "link", "del", SWITCH)
    sys.exit(bad > 0 and 1 or 0)


main()
