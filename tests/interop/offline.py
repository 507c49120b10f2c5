"""Packets through `testudo pcap`: a setkey script, a list of packets in, a list of packets out.  For tests/interop."""
import hashlib
import os
import pathlib
import socket
import struct
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
from pcap import read_pcap, write_pcap  # noqa: E402

SOURCE = pathlib.Path(os.environ.get("TESTUDO_SOURCE", pathlib.Path(__file__).resolve().parent.parent.parent))
BIN = pathlib.Path(os.environ.get("TESTUDO_BIN", SOURCE / "build" / "dev" / "bin"))


def skip(reason):
    """Leaves with the status that ctest takes for a skipped test."""
    print("skipped: " + reason)
    sys.exit(77)


def bytes_of(seed, length):
    """As many bytes as wanted that look random and are the same in each run."""
    return hashlib.shake_128(seed.encode()).digest(length)


def hexkey(key):
    return "0x" + key.hex() if key else ""


def upper(packet):
    """Protocol and bytes behind the IP header (and, in IPv6, behind hop-by-hop, routing and destination options)."""
    if packet[0] >> 4 == 4:
        return packet[9], packet[(packet[0] & 15) * 4:]
    protocol, rest = packet[6], packet[40:]
    while protocol in (0, 43, 60):
        protocol, rest = rest[0], rest[(rest[1] + 1) * 8:]
    return protocol, rest


def addresses(packet):
    """Source and destination of the outermost header, as text."""
    at, length, family = (12, 4, socket.AF_INET) if packet[0] >> 4 == 4 else (8, 16, socket.AF_INET6)
    return tuple(socket.inet_ntop(family, packet[at + i * length:at + (i + 1) * length]) for i in (0, 1))


def spi_of(packet):
    """The SPI of an ESP, AH or UDP-encapsulated packet, or None."""
    protocol, rest = upper(packet)
    offset = {50: 0, 51: 4, 17: 8}.get(protocol)
    return struct.unpack_from("!I", rest, offset)[0] if offset is not None else None


class Lab:
    """An engine that knows `script` and has the addresses `locals_`."""

    def __init__(self, folder, script, locals_):
        if not (BIN / "testudo").exists():
            skip(f"needs testudo in {BIN}")
        self.folder = pathlib.Path(folder)
        self.script = self.folder / "ipsec.conf"
        self.script.write_text(script)
        self.arguments = [word for address in locals_ for word in ("--local", address)]
        self.said = ""

    def run(self, packets):
        """What the engine makes of them; its report is kept in `said`."""
        source, target = self.folder / "in.pcap", self.folder / "out.pcap"
        write_pcap(source, packets)
        command = [BIN / "testudo", "pcap", "--config", self.script, *self.arguments, source, target]
        done = subprocess.run([str(c) for c in command], capture_output=True, text=True, check=False)
        self.said = done.stdout
        if done.returncode != 0:
            raise SystemExit(f"testudo pcap: exit {done.returncode}\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
        return read_pcap(target)
