"""What keeps bide from starting is one clear line on stderr, and an exit code that scripts can use."""
import os
import socket
import subprocess
import tempfile
import unittest

from harness import BIDE, Bide

CLEAN = {name: value for name, value in os.environ.items() if not name.startswith("BIDE_")}


class StartErrors(unittest.TestCase):
    def setUp(self):
        self.dir = tempfile.TemporaryDirectory(prefix="bide-e2e-")
        self.addCleanup(self.dir.cleanup)

    def path(self, name):
        return os.path.join(self.dir.name, name)

    def write(self, name, text, mode=0o644):
        with open(self.path(name), "w", encoding="ascii") as file:
            file.write(text)
        os.chmod(self.path(name), mode)
        return self.path(name)

    def fails(self, code, *words, flags=(), env=None):
        done = subprocess.run([BIDE, "serve", "--listen", "127.0.0.1:0", "--data-dir", self.path("data"),
                               *flags], env=dict(CLEAN, **(env or {})), capture_output=True, text=True,
                              timeout=40, check=False)
        self.assertEqual(done.returncode, code, done.stderr)
        lines = [line for line in done.stderr.splitlines() if not line.startswith("{")]
        self.assertEqual(len(lines), 1, done.stderr)
        for word in words:
            self.assertIn(word, lines[0])

    def test_usage(self):
        self.fails(2, "--no-such", flags=["--no-such"])
        self.fails(2, "max-wait", flags=["--max-wait", "soon"])
        self.fails(2, "BIDE_MAX_WAIT", env={"BIDE_MAX_WAIT": "soon"})
        self.fails(2, "--allow-anonymous", flags=["--listen", "0.0.0.0:0"])
        config = self.write("bide.toml", "max-wait = \"30s\"\nmax-weight = 3\n")
        self.fails(2, "bide.toml:2", "max-weight", flags=["--config", config])

    def test_port_in_use(self):
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
            self.fails(1, str(port), "in use", flags=["--listen", f"127.0.0.1:{port}"])

    def test_data_dir_that_cannot_be_written(self):
        self.fails(1, "/file", "--data-dir", flags=["--data-dir", self.write("file", "") + "/below"])

    def test_data_dir_in_use(self):
        os.makedirs(self.path("data"))
        with Bide("--access-log", "off", data_dir=self.path("data")) as bide:
            self.fails(1, "in use", str(bide.process.pid))

    def test_environment_that_does_not_matter(self):
        # No nats-server in PATH, a service named `bide` beside it, and a variable that is no setting.
        env = {"PATH": self.dir.name, "BIDE_PORT": "tcp://10.96.7.31:8080", "BIDE_NO_SUCH": "1"}
        with Bide("--access-log", "off", env=env) as bide:
            self.assertIn("BIDE_NO_SUCH: no such setting", bide.log_text())
            self.assertNotIn("BIDE_PORT", bide.log_text())

    def test_nats_server_ends_at_once(self):
        os.mkdir(self.path("bin"))
        self.write("bin/nats-server", "#!/bin/sh\necho 'no such luck' >&2\nexit 3\n", 0o755)
        self.fails(1, "ended at once", "no such luck", env={"PATH": self.path("bin") + ":/usr/bin:/bin"})

    def test_nats_server_does_not_answer(self):
        os.mkdir(self.path("bin"))
        self.write("bin/nats-server", "#!/bin/sh\nexec sleep 60\n", 0o755)
        self.fails(1, "did not answer within 10 s", env={"PATH": self.path("bin") + ":/usr/bin:/bin"})


if __name__ == "__main__":
    unittest.main()
