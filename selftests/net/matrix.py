#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""
P1 by matrix: from every kind of port every kind of frame; what arrives where, to
the byte, must be what a naive model says, and every counter must be, too.

    matrix.py [leak]    leak: one port is given another VLAN behind the model's
                        back, and the matrix must notice
"""
import sys
from typing import NamedTuple

from card import Card
from model import PORTS, model, word
from wire import Wire, be16, balance, mac, quiet, run, swctl, tag

SWITCH = "swm"

BROADCAST = b"\xff" * 6
DESTINATIONS = [BROADCAST, mac("01:00:5e:00:00:05"), mac("33:33:00:00:00:05"), mac("02:99:00:00:00:01")]
DESTINATIONS += [p.mac for p in PORTS]
RESERVED = [mac("01:80:c2:00:00:%02x" % i) for i in (0, 1, 2, 3, 14, 15)]
NOT_RESERVED = [mac("01:80:c2:00:00:10")]

OUTER = [b"", tag(0), tag(0, pcp=7), tag(10), tag(10, pcp=5), tag(20), tag(30), tag(99), tag(4094), tag(4095),
         tag(10, 0x88a8), tag(0, 0x88a8), tag(10, 0x9100), tag(20, 0x9200)]
BESIDE = [tag(10), tag(20), tag(30), tag(99), tag(0), tag(10, 0x88a8)]
INNER = [b"", tag(10), tag(20), tag(0), tag(10, 0x88a8), tag(10, 0x9100)]


class Kind(NamedTuple):
    """A frame as it is on the wire. beside: its outermost tag is not in its bytes; segment: TCP, to be cut up."""
    frame: bytes
    segment: int = 0
    beside: bool = False

    def arrives(self):
        """A frame that ends in its tag is not worth a look to the core, which takes the tag out of it."""
        return self.beside or word(self.frame[12:]) not in (0x8100, 0x88a8) or len(self.frame) >= 20


def frames(number):
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
                yield Kind(dst + source() + outer + inner + be16(0x88b5) + b"payload" * 7)
    for outer in BESIDE:
        for inner in INNER:
            for dst in few:
                yield Kind(dst + source() + outer + inner + be16(0x88b5) + b"beside!" * 7, beside=True)
    for outer in b"", tag(10):
        for dst in RESERVED:
            yield Kind(dst + source() + outer + be16(0x88b5) + b"bpdu" * 10)
        # lengths: nothing, largest, one more, far more
        for size in 0, 1, 1500, 1501, 8000:
            for dst in BROADCAST, PORTS[1].mac, PORTS[2].mac:
                yield Kind(dst + source() + outer + be16(0x88b5) + bytes(size))
                if outer:
                    yield Kind(dst + source() + outer + be16(0x88b5) + bytes(size), beside=True)
        yield Kind(BROADCAST + source() + outer + tag(20) + be16(0x88b5) + bytes(1500))
    # segments that fit everywhere, just fit, and do not fit into the smallest MTU
    for outer in b"", tag(0), tag(10), tag(20), tag(30), tag(99):
        for size in 1000, 1460, 1461:
            for dst in BROADCAST, PORTS[1].mac, PORTS[2].mac, DESTINATIONS[3]:
                yield Kind(dst + source() + outer + TCP, size)
                if outer in BESIDE:
                    yield Kind(dst + source() + outer + TCP, size, beside=True)
    # spoofed: group, none, each neighbour, itself. Last, since where it is allowed it is learnt.
    for outer in b"", tag(10):
        for src in [b"\x03" + bytes(5), BROADCAST, bytes(6)] + [p.mac for p in PORTS]:
            yield Kind(BROADCAST + src + outer + be16(0x88b5) + source() * 6)


# 3000 bytes of TCP over IPv4; in the place of its checksum is that of the pseudo header
TCP = bytes.fromhex("0800" "45000be000004000400625150a0000010a000002" "303900500000000000000000501004001a2b0000") + bytes(3000)


def collect(got, more):
    for name, some in more.items():
        got[name] += some


def main():
    leak = "leak" in sys.argv[1:]
    run("ip", "link", "add", SWITCH, "type", "ivmsw")
    wires = [Card(SWITCH, p.name, p.mac, *p.config()) if p.card else
             Wire(SWITCH, p.name, *p.config(), port_mtu=p.mtu, mtu=9000) for p in PORTS]
    by_name = {w.name: w for w in wires}
    if leak:
        by_name["c20"].set("access=10")
    quiet(wires, 0.5)
    bad = total = arrived = 0
    for number, sender in enumerate(PORTS[:3] if leak else PORTS):
        wire = by_name[sender.name]
        wire.set("learn=65536")
        swctl("switch", SWITCH, "flush")
        before = {w.name: w.stats() for w in wires}
        expected = {p.name: [] for p in PORTS}
        got = {p.name: [] for p in PORTS}
        counted = {}
        for kind in frames(number):
            # a veth hands over nothing that is too long for the device at its other end
            if not kind.segment and len(kind.frame) > sender.mtu + 18:
                continue
            # a guest has no place for a tag but the frame
            if sender.card and kind.beside:
                continue
            arrives, drops = model(sender, kind.frame, kind.segment and kind.segment + 40)
            if not sender.card and not kind.arrives():
                arrives, drops = {}, []
            for name, data in arrives.items():
                expected[name].append(data)
            for drop in drops:
                counted[drop] = counted.get(drop, 0) + 1
            wire.send(*kind)
            total += 1
            # far fewer than the queues of a veth hold, so that the switch never finds one full
            if total % 32 == 0:
                collect(got, quiet(wires, 0.01))
        collect(got, quiet(wires))
        collect(got, {w.name: w.rest() for w in wires})
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
        w.end()
    run("ip", "link", "del", SWITCH)
    sys.exit(bad > 0 and 1 or 0)


main()
