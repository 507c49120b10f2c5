"""An LDAP server in a few lines: simple bind, search by equality and conjunction, StartTLS (RFC 4511).

    ldap_server.py ADDRESS PORT WAY [CERTIFICATE KEY]    WAY: answers, silent or ldaps

Says "ready", and then each request as a line of JSON.  Who is there stands in ENTRIES.
"""
import json
import socket
import ssl
import sys
import threading

BASE = "dc=example,dc=org"
ENTRIES = {
    f"cn=seeker,{BASE}": {"cn": ["seeker"], "password": "hide and seek"},
    f"uid=anna,ou=people,{BASE}": {"uid": ["anna"], "password": "tulip in spring", "racoon-address": ["10.88.0.7"],
                                   "racoon-netmask": ["255.255.255.0"]},
    f"uid=berta,ou=people,{BASE}": {"uid": ["berta"], "password": "rose", "racoon-address": ["none"]},
    f"uid=twin,ou=people,{BASE}": {"uid": ["twin"], "password": "rose"},
    f"uid=twin,ou=others,{BASE}": {"uid": ["twin"], "password": "rose"},
    f"cn=vpn,ou=groups,{BASE}": {"cn": ["vpn"], "member": [f"uid=anna,ou=people,{BASE}"]},
}
BIND, SEARCH, UNBIND, EXTENDED = 0x60, 0x63, 0x42, 0x77
WRONG = 49  # invalidCredentials


def element(data, at=0):
    """tag, content, and what comes behind."""
    tag, length, at = data[at], data[at + 1], at + 2
    if length & 0x80:
        count = length & 0x7f
        length, at = int.from_bytes(data[at:at + count], "big"), at + count
    return tag, data[at:at + length], at + length


def elements(data):
    at, found = 0, []
    while at < len(data):
        tag, content, at = element(data, at)
        found.append((tag, content))
    return found


def ber(tag, *parts):
    content = b"".join(parts)
    length = len(content)
    size = bytes([length]) if length < 128 else bytes([0x84]) + length.to_bytes(4, "big")
    return bytes([tag]) + size + content


def number(value, tag=2):
    return ber(tag, bytes([value]))


def text(value, tag=4):
    return ber(tag, value.encode())


def result(tag, code):
    return ber(tag, number(code, 10), text(""), text("no such luck" if code else ""))


def matches(entry, tag, content):
    if tag == 0xa0:
        return all(matches(entry, *each) for each in elements(content))
    if tag == 0xa3:
        (_, name), (_, value) = elements(content)
        return value.decode(errors="replace") in entry.get(name.decode(), [])
    return False


class Client:
    def __init__(self, line, way, certificate):
        self.line, self.way, self.certificate, self.data, self.name = line, way, certificate, b"", ""

    def protect(self):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*self.certificate)
        self.line = context.wrap_socket(self.line, server_side=True)

    def messages(self):
        while True:
            try:
                _, content, end = element(self.data)
                if len(self.data) < end:
                    raise IndexError
                self.data = self.data[end:]
                yield elements(content)
            except IndexError:
                more = self.line.recv(4096)
                if not more:
                    return
                self.data += more

    def send(self, ident, operation):
        self.line.sendall(ber(0x30, ber(2, ident), operation))

    def serve(self):
        if self.way == "ldaps":
            self.protect()
        for (_, ident), (tag, content), *_ in self.messages():
            if self.way == "silent":
                continue
            if tag == BIND:
                self.bind(ident, elements(content))
            elif tag == SEARCH:
                self.search(ident, elements(content))
            elif tag == EXTENDED:
                self.send(ident, result(0x78, 0 if self.certificate else 2))
                if self.certificate:
                    self.protect()
            elif tag == UNBIND:
                return

    def bind(self, ident, parts):
        name, password = parts[1][1].decode(), parts[2][1].decode(errors="replace")
        right = not name or not password or ENTRIES.get(name, {}).get("password") == password
        self.name = name if right and password else ""
        say(asked="bind", name=name, right=right, tls=isinstance(self.line, ssl.SSLSocket), version=parts[0][1][0])
        self.send(ident, result(0x61, 0 if right else WRONG))

    def search(self, ident, parts):
        base, scope, wanted = parts[0][1].decode(), parts[1][1][0], [each.decode() for _, each in elements(parts[7][1])]
        say(asked="search", by=self.name, base=base, scope=scope)
        for name, entry in ENTRIES.items():
            if not name.endswith(base) or name == base or (scope == 1 and name.removesuffix("," + base).count(",")):
                continue
            if matches(entry, *parts[6]):
                values = [ber(0x30, text(key), ber(0x31, *map(text, entry[key]))) for key in wanted if key in entry]
                self.send(ident, ber(0x64, text(name), ber(0x30, *values)))
        self.send(ident, result(0x65, 0))


def say(**what):
    print(json.dumps(what), flush=True)


def attend(line, way, certificate):
    try:
        Client(line, way, certificate).serve()
    except (OSError, IndexError, ValueError) as error:
        say(asked="nothing", error=str(error))
    line.close()


def main():
    address, port, way, *certificate = sys.argv[1:]
    with socket.create_server((address, int(port))) as listener:
        print("ready", flush=True)
        while True:
            line, _ = listener.accept()
            threading.Thread(target=attend, args=(line, way, certificate), daemon=True).start()


main()
