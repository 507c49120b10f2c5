"""A RADIUS server in a few lines: RFC 2865, RFC 2866, and Message-Authenticator of RFC 2869 section 5.14.

    radius_server.py ADDRESS PORT SECRET SIGNED    SIGNED: signed, bare or silent

Says "ready", and then each request as a line of JSON.  Who may log in stands in USERS.
"""
import hashlib
import hmac
import json
import socket
import struct
import sys

USERS = {
    "anna": ("tulip in spring", {8: bytes([10, 88, 0, 7]), 9: bytes([255, 255, 255, 0]), 25: b"gold"}),
    "berta": ("rose", {8: bytes([255, 255, 255, 254])}),
}
NAMES = {1: "user", 4: "nas", 8: "address", 25: "class", 31: "caller", 32: "name", 40: "status", 44: "session", 46: "seconds"}
ADDRESSES = {4, 8}
NUMBERS = {40, 46}


def attributes(data):
    found = []
    while data:
        found.append((data[0], data[2:data[1]]))
        data = data[data[1]:]
    return found


def revealed(hidden, secret, authenticator):
    """RFC 2865 section 5.2, the other way."""
    plain, before = b"", authenticator
    for at in range(0, len(hidden), 16):
        block = hidden[at:at + 16]
        plain += bytes(a ^ b for a, b in zip(block, hashlib.md5(secret + before).digest()))
        before = block
    return plain.rstrip(b"\0").decode(errors="replace")


def proven(packet, secret):
    """Whether Message-Authenticator is there and right."""
    at = 20
    while at < len(packet):
        if packet[at] == 80:
            zeroed = packet[:at + 2] + bytes(16) + packet[at + 18:]
            return hmac.compare_digest(hmac.new(secret, zeroed, "md5").digest(), packet[at + 2:at + 18])
        at += packet[at + 1]
    return False


def report(packet, secret):
    found = attributes(packet[20:])
    said = {"code": packet[0], "proven": proven(packet, secret)}
    for kind, value in found:
        if kind in NAMES:
            text = socket.inet_ntoa(value) if kind in ADDRESSES else int.from_bytes(value, "big") if kind in NUMBERS else value.decode()
            said[NAMES[kind]] = text
        if kind == 2:
            said["password"] = revealed(value, secret, packet[4:20])
    if packet[0] == 4:
        said["proven"] = hashlib.md5(packet[:4] + bytes(16) + packet[20:] + secret).digest() == packet[4:20]
    return said


def answer(packet, said, secret, signed):
    given = {}
    code = 5
    if packet[0] == 1:
        known = USERS.get(said["user"])
        right = known and known[0] == said["password"]
        code, given = (2, known[1]) if right else (3, {18: b"no such luck"})
    body = b"".join(bytes([kind, len(value) + 2]) + value for kind, value in given.items())
    body = (bytes([80, 18]) + bytes(16) if signed and code != 5 else b"") + body
    head = struct.pack("!BBH", code, packet[1], 20 + len(body))
    if signed and code != 5:
        body = bytes([80, 18]) + hmac.new(secret, head + packet[4:20] + body, "md5").digest() + body[18:]
    return head + hashlib.md5(head + packet[4:20] + body + secret).digest() + body


def main(address, port, secret, signed):
    secret = secret.encode()
    server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    server.bind((address, int(port)))
    print("ready", flush=True)
    while True:
        packet, client = server.recvfrom(4096)
        said = report(packet, secret)
        print(json.dumps(said), flush=True)
        if signed != "silent":
            server.sendto(answer(packet, said, secret, signed == "signed"), client)


if __name__ == "__main__":
    main(*sys.argv[1:])
