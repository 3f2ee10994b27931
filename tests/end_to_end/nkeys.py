"""Keys and JWTs of NATS, as nk and nsc make them: base32 of a kind, an Ed25519 key and a CRC-16, and
tokens that are signed with such keys."""
import base64
import json
import time

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

# In the top five bits, so that they are the first letter of the base32.
SEED, OPERATOR, ACCOUNT, USER = 18 << 3, 14 << 3, 0, 20 << 3


def crc16(data):
    crc = 0
    for byte in data:
        crc ^= byte << 8
        for _ in range(8):
            crc = (crc << 1 ^ 0x1021 if crc & 0x8000 else crc << 1) & 0xFFFF
    return crc.to_bytes(2, "little")


def encoded(data):
    return base64.b32encode(data + crc16(data)).decode().rstrip("=")


def unpadded(data):
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


class Nkey:
    def __init__(self, kind):
        self.key = Ed25519PrivateKey.generate()
        public = self.key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        secret = self.key.private_bytes(Encoding.Raw, PrivateFormat.Raw, NoEncryption())
        self.public = encoded(bytes([kind]) + public)
        self.seed = encoded(bytes([SEED | kind >> 5, (kind & 31) << 3]) + secret)

    def jwt(self, subject, name, nats, expires_in_s=None):
        """A token that says `nats` about the key `subject`, signed with this key."""
        now = int(time.time())
        claims = {"jti": f"{name}-{time.time_ns()}", "iat": now, "iss": self.public, "name": name,
                  "sub": subject.public, "nats": {"version": 2, **nats}}
        if expires_in_s is not None:
            claims["exp"] = now + expires_in_s
        head = {"typ": "JWT", "alg": "ed25519-nkey"}
        signed = ".".join(unpadded(json.dumps(part).encode()) for part in (head, claims))
        return signed + "." + unpadded(self.key.sign(signed.encode()))


def creds(jwt, seed):
    """What `nsc generate creds` prints."""
    return (f"-----BEGIN NATS USER JWT-----\n{jwt}\n------END NATS USER JWT------\n\n"
            "************************* IMPORTANT *************************\n"
            "NKEY Seed printed below can be used to sign and prove identity.\n"
            "NKEYs are sensitive and should be treated as secrets.\n\n"
            f"-----BEGIN USER NKEY SEED-----\n{seed}\n------END USER NKEY SEED------\n\n"
            "*************************************************************\n")


class Operator:
    """A server's trust, with one account that has JetStream."""

    def __init__(self):
        self.operator, self.system, self.account = Nkey(OPERATOR), Nkey(ACCOUNT), Nkey(ACCOUNT)

    def config(self):
        """For nats-server: the accounts' tokens are all in there."""
        no_limits = {name: -1 for name in ("subs", "data", "payload", "imports", "exports", "conn", "leaf")}
        storage = {"mem_storage": -1, "disk_storage": -1, "streams": -1, "consumer": -1}
        operator = self.operator.jwt(self.operator, "operator", {"type": "operator"})
        tokens = [self.operator.jwt(key, name, {"type": "account", "limits": limits})
                  for key, name, limits in ((self.system, "SYS", no_limits),
                                            (self.account, "jobs", {**no_limits, **storage}))]
        return (f"operator: {operator}\nsystem_account: {self.system.public}\nresolver: MEMORY\n"
                f"resolver_preload: {{ {self.system.public}: {tokens[0]}\n"
                f"  {self.account.public}: {tokens[1]} }}\n")

    def user(self, permissions=None, expires_in_s=None):
        """A credentials file's text for a new user of the account."""
        key = Nkey(USER)
        nats = {"type": "user", "subs": -1, "data": -1, "payload": -1, **(permissions or {})}
        return creds(self.account.jwt(key, "user", nats, expires_in_s), key.seed)
