"""Captures of raw IP packets, written and read without a library."""
import pathlib
import struct

LINKTYPE_RAW = 101


def write_pcap(path, packets):
    with open(path, "wb") as file:
        file.write(struct.pack("=IHHiIII", 0xa1b2c3d4, 2, 4, 0, 0, 262144, LINKTYPE_RAW))
        for number, packet in enumerate(packets):
            file.write(struct.pack("=IIII", 1_700_000_000, number % 1_000_000, len(packet), len(packet)) + packet)


def read_pcap(path):
    data = pathlib.Path(path).read_bytes()
    packets, offset = [], 24
    while offset + 16 <= len(data):
        length = struct.unpack_from("=I", data, offset + 8)[0]
        packets.append(data[offset + 16:offset + 16 + length])
        offset += 16 + length
    return packets
