"""What connections that wait cost: 18,000 idle ones no thread more and half a kilobyte each; held ones with TLS what OpenSSL takes."""
import resource
import socket
import ssl
import struct
import time
import unittest

from harness import PATIENCE_S, Bide, definition, wait_until
from tls_test import Certificates, TlsBide

CONNECTIONS = 18_000
BYTES_EACH_MAX = 1024
TLS_CONNECTIONS = 1_000
# Beyond those of a connection without TLS. OpenSSL 3.5 (Debian 13) keeps 22 KB, of which its two record layers are 9.
TLS_BYTES_EACH_MAX = (16 if ssl.OPENSSL_VERSION_INFO < (3, 2) else 24) * 1024
# A network of its own: with one address the ports that other tests have left behind run short.
CLIENT_ADDRESSES = [f"127.0.0.{n}" for n in range(2, 6)]


def use_all_descriptors():
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return hard


def status_of(pid, name):
    with open(f"/proc/{pid}/status", encoding="ascii") as file:
        for line in file:
            if line.startswith(name + ":"):
                return int(line.split()[1])
    raise AssertionError(f"no {name}")


def connect(port, n):
    source = (CLIENT_ADDRESSES[n % len(CLIENT_ADDRESSES)], 0)
    client = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_S, source_address=source)
    # Leaves with a reset, or each would keep its port for a minute.
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    return client


class Idle(unittest.TestCase):
    def test_idle_connections(self):
        if use_all_descriptors() < CONNECTIONS + 1000:
            self.skipTest(f"not {CONNECTIONS} descriptors")
        with Bide("--access-log", "off") as bide:
            bide.put(definition("a"))
            pid = bide.process.pid
            self.assertEqual(bide.get("/job/a").status, 200)
            threads, kilobytes = status_of(pid, "Threads"), status_of(pid, "VmRSS")
            clients = [connect(bide.port, n) for n in range(CONNECTIONS)]
            try:
                wait_until(lambda: bide.metric("bide_connections") == CONNECTIONS + 1, "all are in")
                self.assertEqual(status_of(pid, "Threads"), threads)
                each = (status_of(pid, "VmRSS") - kilobytes) * 1024 / CONNECTIONS
                print(f"{each:.0f} bytes for an idle connection")
                self.assertLess(each, BYTES_EACH_MAX)
                slowest = 0.0
                for _ in range(100):
                    begin = time.monotonic()
                    self.assertEqual(bide.get("/job/a").status, 200)
                    slowest = max(slowest, time.monotonic() - begin)
                self.assertLess(slowest, 0.5)
                clients[-1].sendall(b"GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n")
                self.assertTrue(clients[-1].recv(4096).startswith(b"HTTP/1.1 200 "))
            finally:
                for client in clients:
                    client.close()
            wait_until(lambda: bide.metric("bide_connections") == 1, "all have left")

    def test_held_with_tls(self):
        use_all_descriptors()
        certificates = Certificates()
        self.addCleanup(certificates.dir.cleanup)
        certificates.make("server", "server")
        with Bide("--access-log", "off") as plain:
            without = self.bytes_of_a_held_request(plain, lambda n: connect(plain.port, n))
        for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
            with TlsBide(certificates, "--access-log", "off") as bide:
                bide.context.minimum_version = bide.context.maximum_version = version
                each = self.bytes_of_a_held_request(bide, lambda n: bide.context.wrap_socket(
                    connect(bide.port, n), server_hostname="localhost"))
            print(f"{without:.0f} bytes for a held request, {each:.0f} with {version.name}")
            self.assertLess(each - without, TLS_BYTES_EACH_MAX)

    def bytes_of_a_held_request(self, bide, dial):
        bide.put(definition("held"))
        request = b"GET /job/held?until=done&wait=50s HTTP/1.1\r\nHost: localhost\r\n\r\n"
        clients = []
        sizes = []
        try:
            for held in (0, 100, 100 + TLS_CONNECTIONS):  # The first ones fill the process's own pools.
                while len(clients) < held:
                    clients.append(dial(len(clients)))
                    clients[-1].sendall(request)
                wait_until(lambda: bide.metric("bide_parked") == held, "all are held")
                sizes.append(status_of(bide.process.pid, "VmRSS") * 1024)
        finally:
            for client in clients:
                client.close()
        return (sizes[2] - sizes[1]) / TLS_CONNECTIONS


if __name__ == "__main__":
    unittest.main()
