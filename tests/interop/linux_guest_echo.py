"""Runs inside the guest: UDP echo on port 7 of every address, and a socket that lets the kernel take ESP out of UDP 4500."""
import socket

UDP_ENCAP, UDP_ENCAP_ESPINUDP = 100, 2

echo = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
echo.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
# The answer must leave from the address that was asked.
echo.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_RECVPKTINFO, 1)
echo.bind(("::", 7))
encap4 = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
encap4.setsockopt(socket.IPPROTO_UDP, UDP_ENCAP, UDP_ENCAP_ESPINUDP)
encap4.bind(("0.0.0.0", 4500))
encap6 = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
encap6.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
encap6.setsockopt(socket.IPPROTO_UDP, UDP_ENCAP, UDP_ENCAP_ESPINUDP)
encap6.bind(("::", 4500))
while True:
    data, ancillary, _, peer = echo.recvmsg(65536, 256)
    try:
        echo.sendmsg([data], ancillary, 0, peer)
    except OSError:
        pass
