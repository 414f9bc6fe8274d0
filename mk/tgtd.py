"""tgtd, the established iSCSI target on Linux, on a port of its own: what ours is put beside."""

import os
import socket
import subprocess
import time

CONTROL = "17"  # tgtd's control port: apart from one that the machine may run
NAME = "iqn.2010-05.example.tgtd:0"


class NotThere(Exception):
    """tgtd cannot be started, and what to do."""


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Tgtd:
    """One target with one unit, LUN 1. Options as tgtadm knows them: thin_provisioning=1,removable=1."""

    def __init__(self, image, options=None):
        port = free_port()
        os.makedirs("/var/run/tgtd", exist_ok=True)
        try:
            self.process = subprocess.Popen(["tgtd", "-f", "-C", CONTROL, "--iscsi", "portal=127.0.0.1:%d" % port],
                                            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        except FileNotFoundError:
            raise NotThere("there is no tgtd; make deps-serve installs it (package tgt)")
        for _ in range(50):
            if subprocess.run(self.admin("show", "target"), capture_output=True).returncode == 0:
                break
            time.sleep(0.1)
        self.tell("new", "target", "--tid", "1", "-T", NAME)
        self.tell("new", "logicalunit", "--tid", "1", "--lun", "1", "-b", image)
        if options:
            self.tell("update", "logicalunit", "--tid", "1", "--lun", "1", "--params", options)
        self.tell("bind", "target", "--tid", "1", "-I", "ALL")
        self.url = "iscsi://127.0.0.1:%d/%s/1" % (port, NAME)

    @staticmethod
    def admin(operation, mode):
        return ["tgtadm", "-C", CONTROL, "--lld", "iscsi", "--op", operation, "--mode", mode]

    def tell(self, operation, mode, *words):
        done = subprocess.run(self.admin(operation, mode) + list(words), capture_output=True, text=True)
        if done.returncode != 0:
            self.close()
            raise NotThere("tgtadm --op %s --mode %s: %s" % (operation, mode, (done.stderr or done.stdout).strip()))

    def alive(self):
        return self.process.poll() is None

    def close(self):
        self.process.kill()  # SIGTERM does not end it while it has targets
        self.process.wait()
