# SPDX-License-Identifier: GPL-2.0-only
"""The ports of the matrix, and what a switch does, as naively as can be: VLANs are sets, nothing is remembered."""
from card import have_cards
from wire import mac, tag

TAGS = (0x8100, 0x88a8, 0x9100, 0x9200, 0x9300)


class Port:
    def __init__(self, name, mode, access=0, vlans=(), native=0, isolated=False, uplink=False, mtu=9000,
                 card=False):
        self.name, self.mode, self.access, self.native = name, mode, access, native
        self.vlans = set(vlans) if mode == "trunk" else {access} if mode == "access" else set()
        self.untagged = native if mode == "trunk" else access if mode == "access" else 0
        self.isolated, self.uplink, self.mtu = isolated, uplink, mtu
        self.card = card
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


# a host port is such a one, too: one end of a veth pair, whose other end has the host's addresses
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
# of VMs, without a VM behind them, where the module has such
if have_cards():
    PORTS += [
        Port("k10", "access", 10, mtu=1500, card=True),
        Port("l10", "access", 10, mtu=1500, card=True),
        Port("ki10", "access", 10, mtu=1500, isolated=True, card=True),
        Port("k20", "access", 20, mtu=1500, card=True),
        Port("kt", "trunk", vlans={10, 20}, mtu=1500, card=True),
        Port("ktn", "trunk", vlans={10, 20}, native=20, mtu=1500, card=True),
    ]
for n, p in enumerate(PORTS):
    p.mac = bytes((2, 0xee, 0, 0, 0, n))
BY_MAC = {p.mac: p for p in PORTS}


def word(data):
    return int.from_bytes(data[:2], "big")


def model(sender, frame, segment=0):
    """
    Where the frame must arrive and how, {name: bytes}; or the reason why nowhere; and drops on the way out.
    Of one that is to be cut into segments, the length of a segment's packet decides what is too long.
    """
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
        elif (segment or len(rest) - 2 - 4 * (word(rest) in TAGS)) > p.mtu:
            drops.append("drop_tx_size")
        elif vid == p.untagged:
            arrives[p.name] = dst + src + rest
        else:
            arrives[p.name] = dst + src + tag(vid, pcp=pcp) + rest
    return arrives, drops
