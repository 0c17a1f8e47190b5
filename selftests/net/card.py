# SPDX-License-Identifier: GPL-2.0-only
"""Network cards of VMs whose guest is this program: a module built with IVM_DEBUG has them, see kmod/net/seed.c."""
import os

from wire import Port, tcp4_offsets

CARDS, FRAMES = "/sys/kernel/debug/ivm_net/cards", "/sys/kernel/debug/ivm_net/frames"


def have_cards():
    return os.path.exists(CARDS)


class Card(Port):
    def __init__(self, switch, name, mac, *config):
        self.name = name
        self.write("new", switch, ":".join(f"{b:02x}" for b in mac), "10", "1")
        with open(CARDS) as f:
            device = {line.split()[0]: line.split()[1] for line in f}[name]
        super().__init__(name, device)
        self.set("guard=0", *config)
        self.write("up", "31")
        self.write("room", "-1")

    def write(self, verb, *words):
        with open(CARDS, "w") as f:
            f.write(" ".join((verb, self.name) + words))

    def send(self, frame, segment=0, beside=False):
        if segment:
            ip, tcp = tcp4_offsets(frame)
            self.write("gso", "1", str(segment), str(tcp + 20), str(tcp), "16", frame.hex())
        else:
            self.write("send", frame.hex())

    def rest(self):
        with open(FRAMES) as f:
            got = [bytes.fromhex(line.split()[1]) for line in f if line.split()[0] == self.name]
        self.write("forget")
        return got

    def end(self):
        self.write("del")
