"""A TCP link to a nats-server that can be stalled, as a network does, and counts what goes over it."""
import os
import socket
import threading


class StallingLink:
    """A context manager. `url`: of the nats-server of `data_dir`, or at `to`, by this link. `stalls_at`: what
    a client sends that this is in is the first that does not pass."""

    def __init__(self, data_dir="", to="", stalls_at=None):
        self.stalls_at = stalls_at
        if not to:
            with open(os.path.join(data_dir, "nats-url"), encoding="ascii") as file:
                to = file.read().strip()
        login, separator, address = to.removeprefix("nats://").rpartition("@")
        host, _, port = address.rpartition(":")
        self.target = (host, int(port))
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"nats://{login}{separator}127.0.0.1:{self.listener.getsockname()[1]}"
        self.flowing = threading.Event()
        self.flowing.set()
        self.answering = threading.Event()
        self.answering.set()
        self.closing = False
        self.connections = 0
        self.tail_requests = 0
        self.sockets = []
        self.threads = []
        self._run(self._accept)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.closing = True
        self.release()
        for one in [self.listener, *self.sockets]:
            try:
                one.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            one.close()
        for thread in self.threads:
            thread.join(5)

    def stall(self):
        """Nothing passes from now on, in neither direction: no data, no end of a connection, and nothing
        for a connection that is made meanwhile, which is not refused either."""
        self.flowing.clear()

    def stall_answers(self):
        """What the server says does not pass from now on."""
        self.answering.clear()

    def cut(self):
        """Ends all connections; those that are made meanwhile stall."""
        self.stall()
        for one in self.sockets:
            try:
                one.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
        self.sockets = []

    def release(self):
        self.flowing.set()
        self.answering.set()

    def _run(self, work, *arguments):
        thread = threading.Thread(target=work, args=arguments, daemon=True)
        self.threads.append(thread)
        thread.start()

    def _accept(self):
        while not self.closing:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            try:
                server = socket.create_connection(self.target, timeout=5)
            except OSError:
                client.close()
                continue
            for one in (client, server):
                one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                one.settimeout(None)
            self.sockets += [client, server]
            self.connections += 1
            self._run(self._pass_on, client, server, True)
            self._run(self._pass_on, server, client, False)

    def _pass_on(self, source, drain, counts):
        try:
            while not self.closing:
                chunk = source.recv(65536)
                if counts and self.stalls_at and self.stalls_at in chunk:
                    self.stall()
                self.flowing.wait()  # Behind the read: it may have begun before the stall.
                if not counts:
                    self.answering.wait()
                if not chunk:
                    break
                if counts:
                    self.tail_requests += chunk.count(b"$JS.API.STREAM.INFO.")
                drain.sendall(chunk)
        except (OSError, ValueError):
            pass
        for one in (source, drain):
            try:
                one.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
