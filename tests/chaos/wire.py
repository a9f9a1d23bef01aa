"""Just enough of the link protocol to be hostile with it. It is specified in messages/frame.hpp,
messages/wire.hpp and actors/cluster/link_logic.hpp. OpenSSL does GMAC, libxxhash the checksums.
"""
import ctypes
import ctypes.util
import hashlib
import hmac
import os
import socket
import struct

import chaoslib as chaos

PREFACE = b"TROUPE\0\1"
VERSION = 2
HELLO, PROOF, WELCOME, BYE, PING, PONG, ENVELOPES, CHUNK = 1, 2, 3, 4, 5, 6, 8, 9
REQUEST, ACKNOWLEDGE = 0x01, 0x04  # an envelope's kind
AGENT_MESSAGE, BLOB_GET = 10, 32
TO_SERVICE, TO_AGENT = 1, 2
BLOBS = 7
POINTER = ctypes.c_void_p


def library(name):
    found = ctypes.util.find_library(name)
    if not found:
        raise chaos.Skipped(f"lib{name} is not installed: the link protocol cannot be spoken")
    return ctypes.CDLL(found)


class Libraries:
    """Loads the libraries at the first frame, so that a missing one can be reported."""
    crypto = xxhash = None

    @classmethod
    def load(cls):
        if cls.crypto:
            return
        cls.xxhash = library("xxhash")
        cls.xxhash.XXH3_64bits_withSeed.restype = ctypes.c_uint64
        cls.xxhash.XXH3_64bits_withSeed.argtypes = [ctypes.c_char_p, ctypes.c_size_t,
                                                    ctypes.c_uint64]
        crypto = library("crypto")
        for function in ("EVP_CIPHER_CTX_new", "EVP_aes_256_gcm"):
            getattr(crypto, function).restype = POINTER
        crypto.EVP_CIPHER_CTX_free.argtypes = [POINTER]
        crypto.EVP_EncryptInit_ex.argtypes = [POINTER] * 3 + [ctypes.c_char_p] * 2
        crypto.EVP_EncryptUpdate.argtypes = [POINTER] * 3 + [ctypes.c_char_p, ctypes.c_int]
        crypto.EVP_EncryptFinal_ex.argtypes = [POINTER] * 3
        crypto.EVP_CIPHER_CTX_ctrl.argtypes = [POINTER, ctypes.c_int, ctypes.c_int, POINTER]
        cls.crypto = crypto


def frame(kind, body, length=None, checksum=None, reserved=(0, 0)):
    """A plain frame: Hello, Proof, or something invalid."""
    Libraries.load()
    if checksum is None:
        checksum = Libraries.xxhash.XXH3_64bits_withSeed(body, len(body), kind) & 0xffffffff
    return struct.pack("<IBBHI", len(body) if length is None else length, kind, *reserved,
                       checksum) + body


class Seal:
    """Tags of the frames of one direction, in order."""
    TAG_BYTES = 16
    GET_TAG = 0x10  # EVP_CTRL_AEAD_GET_TAG

    def __init__(self, key):
        Libraries.load()
        self.crypto = Libraries.crypto
        self.context, self.number = self.crypto.EVP_CIPHER_CTX_new(), 0
        self._must(self.crypto.EVP_EncryptInit_ex(self.context, self.crypto.EVP_aes_256_gcm(),
                                                  None, key, None))

    def __del__(self):
        self.crypto.EVP_CIPHER_CTX_free(self.context)

    @staticmethod
    def _must(result):
        if result != 1:
            raise RuntimeError("OpenSSL refused to make a tag")

    def frame(self, kind, body):
        text = struct.pack("<IBBH", len(body), kind, 0, 0) + body
        size, tag = ctypes.c_int(0), ctypes.create_string_buffer(self.TAG_BYTES)
        nonce = struct.pack("<QI", self.number, 0)
        crypto, context = self.crypto, self.context
        self._must(crypto.EVP_EncryptInit_ex(context, None, None, None, nonce))
        self._must(crypto.EVP_EncryptUpdate(context, None, ctypes.byref(size), text, len(text)))
        self._must(crypto.EVP_EncryptFinal_ex(context, tag, ctypes.byref(size)))
        self._must(crypto.EVP_CIPHER_CTX_ctrl(context, self.GET_TAG, self.TAG_BYTES, tag))
        self.number += 1
        return text + tag.raw


# -- protobuf -------------------------------------------------------------------------------------

def varint(number):
    out = b""
    while True:
        out += bytes([number & 0x7f | (0x80 if number > 0x7f else 0)])
        number >>= 7
        if not number:
            return out


def field(number, value):
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    value = value.encode() if isinstance(value, str) else value
    return varint(number << 3 | 2) + varint(len(value)) + value


def hello(cluster="default", nonce=None, session=None, version=VERSION, client=True, node=None,
          wanted=None):
    body = field(1, version) + field(2, cluster) + field(3, nonce or os.urandom(32))
    if client:
        body += field(4, 1)
    if node is not None:
        body += field(5, node)
    if session != 0:
        body += field(6, session or new_session())
    if wanted:
        body += field(7, wanted)
    return body


def new_session():
    return int.from_bytes(os.urandom(7), "little") | 1


# -- handshake ------------------------------------------------------------------------------------

def both(dialled, accepted):
    return str(len(dialled)).encode() + b" " + dialled + accepted


def sha256_mac(key, text):
    return hmac.new(key, text, hashlib.sha256).digest()


def proof(secret, who, dialled, accepted):
    return field(1, sha256_mac(secret, b"troupe link 2 " + who + both(dialled, accepted)))


def dialler_key(secret, dialled, accepted):
    extracted = sha256_mac(b"troupe link 2 keys" + both(dialled, accepted), secret)
    return sha256_mac(extracted, b"troupe link 2 frames\1")


def receive(connection, size):
    data = b""
    while len(data) < size:
        got = connection.recv(size - len(data))
        if not got:
            raise EOFError(data)
        data += got
    return data


def read_plain(connection):
    size, kind = struct.unpack("<IB", receive(connection, 12)[:5])
    return kind, receive(connection, size)


def read_sealed(connection):
    """Does not check the tag, because nobody is in between."""
    size, kind = struct.unpack("<IB", receive(connection, 8)[:5])
    return kind, receive(connection, size + Seal.TAG_BYTES)[:size]


class Client:
    """A client that has proven that it knows the secret."""

    def __init__(self, address, secret, cluster="default", timeout=5):
        self.session = new_session()
        self.connection = socket.create_connection(address, timeout=timeout)
        self.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        own = hello(cluster, session=self.session)
        self.connection.sendall(PREFACE + frame(HELLO, own))
        chaos.hold(receive(self.connection, 8) == PREFACE, "an acceptor begins with the preface")
        kinds = [read_plain(self.connection) for _ in range(2)]
        chaos.hold([k for k, _ in kinds] == [HELLO, PROOF], "an acceptor says Hello and Proof")
        other = kinds[0][1]
        chaos.hold(kinds[1][1] == proof(secret, b"acceptor", own, other),
                   "an acceptor proves that it knows the secret")
        self.connection.sendall(frame(PROOF, proof(secret, b"dialler", own, other)))
        self.seal = Seal(dialler_key(secret, own, other))
        self.sequence = 0
        while self.read()[0] != WELCOME:
            pass

    def send(self, kind, body):
        self.connection.sendall(self.seal.frame(kind, body))

    def read(self):
        kind, body = read_sealed(self.connection)
        if kind == PING:
            self.send(PONG, body)
        return kind, body

    def ask(self, agent, text):
        """Sends a message to an agent, waits for the answer, and acknowledges it."""
        self.sequence += 1
        self.send(ENVELOPES, route(self.sequence, TO_AGENT, 0, agent.encode())
                  + self.envelope(AGENT_MESSAGE, field(1, text), self.sequence))
        while True:
            kind, body = self.read()
            if kind == BYE:
                raise EOFError(body)
            if kind == ENVELOPES and body:
                self.send(ENVELOPES, self.envelope(0, b"", self.sequence, ACKNOWLEDGE))
                return body

    def envelope(self, payload_kind, payload, target, kind=REQUEST, milliseconds=10000):
        """An envelope as `append_envelope` writes it, with a deadline."""
        return struct.pack("<BBBBHHIIIQQI", 0, kind, 4, 0, 1, payload_kind, len(payload), target,
                           0, self.session, self.sequence, milliseconds) + payload

    def close(self):
        self.connection.close()


def route(number, kind, service=0, agent=b""):
    return struct.pack("<BIBBQQQH", 1, number, kind, service, 0, 0, 0, len(agent)) + agent
