"""nats-servers with configurations of the test's, and certificates for them."""
import datetime
import ipaddress
import os
import re
import signal
import socket
import subprocess

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from harness import Nats, wait_until
from rig.ports import free_port

DOCS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "docs", "nats.md")


def nats_version():
    """(major, minor) of the nats-server that the tests use."""
    out = subprocess.run(["nats-server", "--version"], capture_output=True, text=True, check=True).stdout
    return tuple(map(int, re.search(r"v(\d+)\.(\d+)", out).groups()))


def documented(word):
    """The configuration in docs/nats.md that has this word, as it stands there."""
    with open(DOCS, encoding="utf-8") as file:
        return next(one for one in re.findall(r"^```conf\n(.*?)^```", file.read(), re.M | re.S) if word in one)


class NatsServer:
    """Runs in `folder`, which relative names in its configuration are of."""

    def __init__(self, folder, config, env=None):
        self.folder = folder
        self.port = free_port()
        self.env = {**os.environ, **(env or {})}
        self.path = os.path.join(folder, f"nats-{self.port}.conf")
        self.log_path = os.path.join(folder, f"nats-{self.port}.log")
        self.process = None
        self.write(config)
        self.start()

    @property
    def address(self):
        return f"127.0.0.1:{self.port}"

    @property
    def url(self):
        return "nats://" + self.address

    def write(self, config):
        store = os.path.join(self.folder, f"store-{self.port}")
        with open(self.path, "w", encoding="utf-8") as file:
            file.write(f'listen: "{self.address}"\njetstream {{ store_dir: "{store}" }}\n{config}\n')

    def start(self):
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(["nats-server", "-c", self.path], cwd=self.folder,
                                            stderr=log, env=self.env)
        wait_until(self._answers, "nats-server answers")

    def _answers(self):
        assert self.process.poll() is None, self.log_text()
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=1) as connection:
                return connection.recv(4).startswith(b"INFO")
        except OSError:
            return False

    def log_text(self):
        with open(self.log_path, encoding="utf-8", errors="replace") as file:
            return file.read()

    def violations(self):
        """Pairs of a user and what it was refused, `Publish Violation "SUBJECT"`, each once.

        nats-server 2.15 names the user before the violation (`"ACCOUNT/user:NAME" - Publish Violation - `), older
        ones behind it (`Publish Violation - User "NAME", `).
        """
        lines = [line for line in self.log_text().splitlines() if " Violation - " in line]
        pattern = r'(?:"[^"]*/user:([^"]+)" - )?(\w+ Violation) - (?:User "([^"]+)", )?Subject ("[^"]+")'
        found = [re.search(pattern, line) for line in lines]
        assert all(found), lines
        return {(one[1] or one[3], f"{one[2]} {one[4]}") for one in found}

    def reload(self, config):
        done = "Reloaded server configuration"
        before = self.log_text().count(done)
        self.write(config)
        self.process.send_signal(signal.SIGHUP)
        wait_until(lambda: self.log_text().count(done) > before, "nats-server has read its configuration")

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
            self.process.wait(20)


class Worker(Nats):
    """Somebody with a user and a password who writes many entries at once."""

    def __init__(self, server, user, password, inbox):
        # pylint: disable=super-init-not-called
        self.connect(("127.0.0.1", server.port), {"user": user, "pass": password}, inbox)


class Authority:
    """Signs certificates; all files are PEM."""

    def __init__(self, folder, name):
        self.folder = folder
        self.name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        self.key = ec.generate_private_key(ec.SECP256R1())
        constraints = [(x509.BasicConstraints(ca=True, path_length=None), True)]
        self.file = self._write(name + ".pem", self._certificate(self.name, self.key, constraints))

    def _certificate(self, subject, key, extensions):
        now = datetime.datetime.now(datetime.timezone.utc)
        builder = (x509.CertificateBuilder().subject_name(subject).issuer_name(self.name)
                   .public_key(key.public_key()).serial_number(x509.random_serial_number())
                   .not_valid_before(now - datetime.timedelta(hours=1))
                   .not_valid_after(now + datetime.timedelta(hours=1)))
        for extension, critical in extensions:
            builder = builder.add_extension(extension, critical)
        signed = builder.sign(self.key, hashes.SHA256())
        return signed.public_bytes(serialization.Encoding.PEM)

    def _write(self, name, data):
        path = os.path.join(self.folder, name)
        with open(path, "wb") as file:
            file.write(data)
        return path

    def issue(self, name, subject):
        """`NAME.pem` and `NAME.key` for 127.0.0.1; returns their paths."""
        key = ec.generate_private_key(ec.SECP256R1())
        address = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
        common_name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, subject)])
        private = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
                                    serialization.NoEncryption())
        return (self._write(name + ".pem", self._certificate(common_name, key, [(address, False)])),
                self._write(name + ".key", private))
