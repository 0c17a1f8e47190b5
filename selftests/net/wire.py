# SPDX-License-Identifier: GPL-2.0-only
"""Far ends of ports: veth pairs whose inner end is a port, and raw sockets on the outer ones."""
import os
import select
import socket
import subprocess
import sys
import time

SWCTL = os.path.join(os.path.dirname(os.path.abspath(__file__)), "swctl")
SOL_PACKET, PACKET_AUXDATA, PACKET_VNET_HDR, PACKET_IGNORE_OUTGOING = 263, 8, 15, 23
VLAN_VALID, TPID_VALID = 0x10, 0x40


def run(*words):
    subprocess.run(words, check=True)


def be16(n):
    return n.to_bytes(2, "big")


def mac(text):
    return bytes(int(x, 16) for x in text.split(":"))


def tag(vid, proto=0x8100, pcp=0):
    return be16(proto) + be16(pcp << 13 | vid)


def swctl(*words):
    run(SWCTL, *words)


def silence(dev):
    with open(f"/proc/sys/net/ipv6/conf/{dev}/disable_ipv6", "w") as f:
        f.write("1")


def sender(dev, segments):
    """A socket that only sends; with segments, frames to be cut up by whoever has to."""
    s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
    if segments:
        s.setsockopt(SOL_PACKET, PACKET_VNET_HDR, 1)
    s.bind((dev, 0))
    s.setblocking(False)
    return s


def tcp4_offsets(frame):
    """Where the headers of IPv4, without options, and TCP begin."""
    ip = frame.index(b"\x08\x00\x45", 12) + 2
    return ip, ip + 20


def tcp4_header(frame, size):
    """What says that frame is to be cut into segments of size bytes: virtio_net_hdr."""
    ip, tcp = tcp4_offsets(frame)
    return b"\1\1" + b"".join(n.to_bytes(2, sys.byteorder) for n in (tcp + 20, size, tcp, 16))


class Port:
    """A port of a switch by its device, whatever is behind it."""

    def __init__(self, name, port):
        self.name, self.port = name, port

    def set(self, *config):
        if config:
            swctl("port", self.port, *config)

    def stats(self):
        text = subprocess.run((SWCTL, "show", self.port), check=True, capture_output=True).stdout.decode()
        return {line.split()[0]: line.split()[1] if len(line.split()) > 1 else "" for line in text.splitlines()}

    def rest(self):
        """What arrived and quiet() does not see."""
        return []


class Wire(Port):
    """The outer end qNAME of a port pNAME of a switch."""

    def __init__(self, switch, name, *config, mtu=9000, port_mtu=9000):
        super().__init__(name, "p" + name)
        self.dev = "q" + name
        run("ip", "link", "add", self.port, "mtu", str(port_mtu), "type", "veth",
            "peer", "name", self.dev, "mtu", str(mtu))
        for dev in self.port, self.dev:
            silence(dev)
        run("ip", "link", "set", self.port, "up", "master", switch)
        run("ip", "link", "set", self.dev, "up", "promisc", "on", "arp", "off")
        self.set(*config)
        self.socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
        self.socket.setsockopt(socket.SOL_SOCKET, 33, 64 << 20)     # SO_RCVBUFFORCE
        self.socket.setsockopt(SOL_PACKET, PACKET_AUXDATA, 1)
        self.socket.setsockopt(SOL_PACKET, PACKET_IGNORE_OUTGOING, 1)
        self.socket.bind((self.dev, 3))                             # ETH_P_ALL
        self.socket.setblocking(False)

        self.senders = {}

    def sender(self, tags, segments):
        """Of frames whose outermost tag is put beside them, as a network card would: by way of a vlan device."""
        dev = self.dev
        if tags:
            dev = f"r{self.name}{tags.hex()}"
            if (tags, False) not in self.senders and (tags, True) not in self.senders:
                run("ip", "link", "add", "link", self.dev, "name", dev, "mtu", "9000", "type", "vlan",
                    "proto", {b"\x81\0": "802.1q", b"\x88\xa8": "802.1ad"}[tags[:2]],
                    "id", str(int.from_bytes(tags[2:], "big")))
                silence(dev)
                run("ip", "link", "set", dev, "up", "arp", "off")
        if (tags, segments) not in self.senders:
            self.senders[tags, segments] = sender(dev, segments)
        return self.senders[tags, segments]

    def send(self, frame, segment=0, beside=False):
        """Waits where a queue on the way is full; a frame that is refused was not sent."""
        tags = b""
        if beside:
            tags, frame = frame[12:16], frame[:12] + frame[16:]
        to = self.sender(tags, segment > 0)
        if segment:
            frame = tcp4_header(frame, segment) + frame
        for tries in range(500):
            try:
                to.send(frame)
                return
            except OSError as e:
                if e.errno != 105:      # ENOBUFS
                    raise
                time.sleep(0.01)
        raise OSError(f"{self.dev} takes no frame of {len(frame)} bytes")

    def receive(self):
        """The next frame with its tag where it is on the wire, or None."""
        try:
            data, aux, _, _ = self.socket.recvmsg(65536, 256)
        except BlockingIOError:
            return None
        for level, kind, value in aux:
            if level == SOL_PACKET and kind == PACKET_AUXDATA:
                status = int.from_bytes(value[:4], "little")
                if status & VLAN_VALID:
                    proto = value[18:20] if status & TPID_VALID else b"\0\x81"
                    data = data[:12] + proto[::-1] + value[17:15:-1] + data[12:]
        return data

    def end(self):
        run("ip", "link", "del", self.port)


def quiet(wires, seconds=0.3):
    """All that arrives until nothing has for a while: {name: [frame...]}."""
    got = {w.name: [] for w in wires}
    wires = [w for w in wires if isinstance(w, Wire)]
    last = time.monotonic()
    while time.monotonic() - last < seconds:
        ready, _, _ = select.select([w.socket for w in wires], [], [], seconds)
        for w in wires:
            if w.socket in ready:
                while (frame := w.receive()) is not None:
                    got[w.name].append(frame)
                    last = time.monotonic()
    return got


def balance(wires):
    """Sums over all ports: what came in, with copies, and what became of it."""
    came = went = 0
    for w in wires:
        s = w.stats()
        came += int(s["rx"]) + int(s["copies"])
        went += int(s["tx"]) + sum(int(v) for k, v in s.items() if k.startswith("drop_"))
    return came, went
