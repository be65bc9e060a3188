"""The network requests of firmware and iPXE before they boot: DHCP with the options of PXE, and TFTP."""

import os
import socket
import struct
import time
from collections.abc import Iterator
from dataclasses import dataclass

DISCOVER, OFFER, REQUEST, ACK = 1, 2, 3, 5
MAC = bytes.fromhex("525400000001")
_MAGIC = bytes.fromhex("63825363")
_SECONDS = 5

Options = dict[int, bytes]


@dataclass(frozen=True)
class Client:
    """A DHCP client: its architecture (option 93), and whether iPXE already runs."""

    architecture: int
    ipxe: bool = False
    plain: bool = False
    """Does not want to boot from the network at all: a laptop."""

    def options(self) -> Options:
        if self.plain:
            return {55: bytes([1, 3, 6])}
        found = {
            55: bytes([1, 3, 6, 43, 60, 66, 67]),
            60: f"PXEClient:Arch:{self.architecture:05}:UNDI:003016".encode(),
            93: struct.pack(">H", self.architecture),
            94: bytes([1, 3, 16]),
            97: bytes(17),
        }
        return found | ({77: b"iPXE"} if self.ipxe else {})


@dataclass(frozen=True)
class Answer:
    """A DHCP answer: who sent it, the address it gives, the server to load from, the file, the options."""

    sender: str
    address: str
    next_server: str
    file: str
    options: Options

    @property
    def kind(self) -> int:
        return self.options[53][0]


def packet(client: Client, kind: int, xid: bytes, *, address: str = "0.0.0.0", more: Options | None = None) -> bytes:
    """A DHCP packet that asks for answers by broadcast."""
    head = struct.pack(">BBBB", 1, 1, 6, 0) + xid + struct.pack(">HH", 0, 0x8000)
    head += socket.inet_aton(address) + bytes(12) + MAC.ljust(16, b"\0") + bytes(64 + 128)
    options = {53: bytes([kind]), **client.options(), **(more or {})}
    return head + _MAGIC + b"".join(bytes([key, len(value)]) + value for key, value in options.items()) + b"\xff"


def parse(data: bytes, sender: str) -> Answer:
    """Read an answer. The file stands in its own field, or in option 67 for who asked for that."""
    options = dict(_options(data[240:]))
    return Answer(
        sender=sender,
        address=socket.inet_ntoa(data[16:20]),
        next_server=socket.inet_ntoa(data[20:24]),
        file=(data[108:236].split(b"\0")[0] or options.get(67, b"").rstrip(b"\0")).decode(),
        options=options,
    )


def _options(data: bytes) -> Iterator[tuple[int, bytes]]:
    while data and data[0] != 255:
        if data[0] == 0:
            data = data[1:]
            continue
        yield data[0], data[2 : 2 + data[1]]
        data = data[2 + data[1] :]


def discover(client: Client, servers: int) -> list[Answer]:
    """Broadcast a DISCOVER; returns the offers of this many servers, or of those that answer in time."""
    return _ask(packet(client, DISCOVER, xid := os.urandom(4)), xid, "255.255.255.255", 67, servers)


def request(client: Client, offer: Answer) -> Answer:
    """Request an offered address."""
    more = {50: socket.inet_aton(offer.address), 54: offer.options[54]}
    (answer,) = _ask(packet(client, REQUEST, xid := os.urandom(4), more=more), xid, "255.255.255.255", 67, 1)
    return answer


def boot_file(client: Client, offer: Answer, address: str) -> str | None:
    """What a client loads that has this address and the offer of a PXE server: as firmware finds it out.

    The offer names it. Else the server is asked again, on port 4011: for the first entry of its menu, if it has one.
    """
    if offer.file:
        return offer.file
    more: Options = {}
    if 43 in offer.options:
        menu = dict(_options(offer.options[43] + b"\xff"))[9]
        more = {43: bytes([71, 4]) + menu[:2] + b"\0\0\xff"}
    data = packet(client, REQUEST, xid := os.urandom(4), address=address, more=more)
    answers = _ask(data, xid, offer.sender, 4011, 1, own_port=4011, seconds=2)
    return answers[0].file if answers else None


def _ask(
    data: bytes, xid: bytes, address: str, port: int, count: int, own_port: int = 68, seconds: float = _SECONDS
) -> list[Answer]:
    answers: list[Answer] = []
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
        asking.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
        asking.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, b"eth0")
        asking.bind(("", own_port))
        asking.sendto(data, (address, port))
        deadline = time.monotonic() + seconds
        while len(answers) < count and (left := deadline - time.monotonic()) > 0:
            asking.settimeout(left)
            try:
                received, (sender, _) = asking.recvfrom(4096)
            except TimeoutError:
                break
            if received[4:8] == xid:
                answers.append(parse(received, sender))
    return answers


def load(server: str, name: str) -> bytes:
    """Load a file by TFTP (RFC 1350), in blocks of 512 bytes. Raises OSError with the server's words."""
    content = b""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
        asking.settimeout(_SECONDS)
        asking.sendto(b"\0\1" + name.encode() + b"\0octet\0", (server, 69))
        while True:
            data, sender = asking.recvfrom(1024)
            kind, number = struct.unpack(">HH", data[:4])
            if kind != 3:
                raise OSError(data[4:].decode(errors="replace"))
            asking.sendto(struct.pack(">HH", 4, number), sender)
            content += data[4:]
            if len(data) < 4 + 512:
                return content
