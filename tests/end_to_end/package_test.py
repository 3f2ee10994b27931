"""The Debian package: what is in it, what lintian and systemd say of it, and that it runs as its unit says."""
import glob
import os
import re
import shlex
import subprocess
import tempfile
import unittest

from harness import BIDE, Bide, wait_until

BUILD = os.environ["TESTED_BUILD"]
CLEAN = {name: value for name, value in os.environ.items() if not name.startswith("BIDE_")}


def run(*command, **rest):
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False, **rest)


class Package(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.dir = cls.enterClassContext(tempfile.TemporaryDirectory(prefix="bide-package-"))
        made = run("cpack", "--config", f"{BUILD}/CPackConfig.cmake", "-B", cls.dir)
        assert made.returncode == 0, made.stdout + made.stderr
        cls.deb, = glob.glob(cls.dir + "/bide_*.deb")
        cls.client_deb, = glob.glob(cls.dir + "/bide-client_*.deb")
        cls.root = os.path.join(cls.dir, "root")
        cls.client = os.path.join(cls.dir, "client/usr/bin/bide")
        subprocess.run(["dpkg-deb", "-x", cls.deb, cls.root], check=True)
        subprocess.run(["dpkg-deb", "-x", cls.client_deb, os.path.join(cls.dir, "client")], check=True)

    def read(self, path):
        with open(self.root + path, encoding="utf-8") as file:
            return file.read()

    def test_name_version_and_dependencies(self):
        version = run(BIDE, "version").stdout.split()[1]
        self.assertRegex(os.path.basename(self.deb), rf"^bide_{re.escape(version)}-1_\w+\.deb$")
        fields = run("dpkg-deb", "-f", self.deb, "Depends", "Recommends").stdout
        self.assertRegex(fields, r"Depends: .*libnats.*\n")
        self.assertIn("Recommends: nats-server", fields)
        fields = run("dpkg-deb", "-f", self.client_deb).stdout
        self.assertRegex(fields, r"\nConflicts: bide\n")
        self.assertNotRegex(fields, "nats|systemd")

    def test_lintian_finds_no_error(self):
        # As root it warns of that.
        found = run("lintian", "--fail-on", "error", self.deb, self.client_deb)
        self.assertEqual(found.returncode, 0, found.stdout)
        self.assertEqual([line for line in found.stdout.splitlines() if line.startswith("E:")], [])

    def test_what_is_installed(self):
        for path in ("/usr/bin/bide", "/etc/bide/bide.toml", "/usr/lib/systemd/system/bide.service",
                     "/usr/lib/systemd/system/bide.socket", "/usr/lib/sysusers.d/bide.conf",
                     "/usr/share/man/man1/bide-wait.1.gz", "/usr/share/man/man5/bide.toml.5.gz",
                     "/usr/share/bash-completion/completions/bide", "/usr/share/zsh/vendor-completions/_bide",
                     "/usr/share/fish/vendor_completions.d/bide.fish", "/usr/share/doc/bide/copyright"):
            self.assertTrue(os.path.isfile(self.root + path), path)
        found = run("find", self.root, "-perm", "/022", "!", "-type", "l").stdout
        self.assertEqual(found, "")  # Nobody but root may change it.
        # bide finds no settings of its own in it: all are commented out.
        self.assertEqual(re.findall(r"^[^#\n].*", self.read("/etc/bide/bide.toml"), re.M), [])

    def test_the_unit_is_hardened(self):
        unit = self.root + "/usr/lib/systemd/system/bide.service"
        exposure = run("systemd-analyze", "security", "--offline=true", "--no-pager", unit).stdout
        self.assertLessEqual(float(re.search(r"Overall exposure level for bide.service: ([\d.]+)", exposure)[1]), 1.5,
                             exposure)

    def test_it_runs_as_its_unit_says(self):
        start = shlex.split(re.search(r"^ExecStart=(.*)$", self.read("/usr/lib/systemd/system/bide.service"), re.M)[1])
        self.assertEqual(start[:3], ["/usr/bin/bide", "serve", "--config"])
        state = os.path.join(self.dir, "state")
        os.mkdir(state, 0o700)
        log = os.path.join(self.dir, "log")
        with open(log, "wb") as file:
            process = subprocess.Popen([self.root + start[0], *start[1:3], self.root + start[3], "--listen", "127.0.0.1:0"],
                                       env=dict(CLEAN, XDG_STATE_HOME=state), stderr=file)
        try:
            def said():
                with open(log, encoding="utf-8") as file:
                    return re.search(r'"msg":"listening","url":"([^"]+)"', file.read())
            wait_until(said, "bide listens")
            url = said()[1]
            wait_until(lambda: run("curl", "-sf", url + "/readyz").returncode == 0, "bide is ready")
            self.assertEqual(os.listdir(state), ["bide"])
        finally:
            process.terminate()
            self.assertEqual(process.wait(30), 0)


    def test_the_client_alone_reports_and_waits(self):
        with Bide() as bide:
            def ask(*arguments):
                return run(self.client, *arguments, env=dict(CLEAN, BIDE_SERVER=bide.url, BIDE_DATA_DIR=bide.data_dir))

            self.assertEqual(ask("emit", "a", "started").returncode, 0)
            self.assertEqual(ask("health").returncode, 0)
            self.assertEqual(ask("run", "b", "--", "sh", "-c", "exit 3").returncode, 3)
            self.assertEqual(ask("emit", "a", "completed").returncode, 0)
            waited = ask("wait", "a", "b", "--timeout", "20s")
            self.assertEqual(waited.returncode, ask("wait", "b").returncode)
            self.assertIn("failed", ask("get", "b").stdout)
            self.assertEqual(ask("delete", "b").returncode, 0)
            self.assertEqual(ask("list", "-o", "jsonl").stdout.count("\n"), 1)
        # A flag of NATS is unknown, and there is no server.
        self.assertEqual(run(self.client, "emit", "a", "started", "--nats", "nats://127.0.0.1:1").returncode, 2)
        self.assertEqual(run(self.client, "serve").returncode, 2)
        pages = run("sh", "-c", f"ls {self.dir}/client/usr/share/man/*").stdout
        self.assertIn("bide-wait.1.gz", pages)
        self.assertNotRegex(pages, "serve|toml")


class Sources(unittest.TestCase):
    def test_the_page_is_the_same_wherever_it_is_built(self):
        made = []
        for _ in range(2):
            with tempfile.TemporaryDirectory(prefix="bide-embed-") as scratch:
                with open(scratch + "/a.js", "w", encoding="ascii") as file:
                    file.write("1;\n")
                done = run("cmake", "-D", f"OUTPUT={scratch}/out.cc", "-D", "VARIABLE=kFiles", "-D",
                           f"FILES=assets/a.js={scratch}/a.js", "-P", "cmake/embed.cmake",
                           cwd=os.path.join(os.path.dirname(os.path.abspath(__file__)), "../.."))
                self.assertEqual(done.returncode, 0, done.stderr)
                with open(scratch + "/out.cc", encoding="ascii") as file:
                    made.append(file.read())
        self.assertIn('"/assets/', made[0])
        self.assertEqual(*made)


class Install(unittest.TestCase):
    def test_another_prefix_has_everything_below_it(self):
        with tempfile.TemporaryDirectory(prefix="bide-install-") as prefix:
            made = run("cmake", "--install", BUILD, "--prefix", prefix)
            self.assertEqual(made.returncode, 0, made.stderr)
            self.assertEqual(run(prefix + "/bin/bide", "version").returncode, 0)
            with open(prefix + "/lib/systemd/system/bide.service", encoding="utf-8") as file:
                self.assertIn(f"ExecStart={prefix}/bin/bide serve --config {prefix}/etc/bide/bide.toml\n", file.read())
            self.assertTrue(os.path.isfile(prefix + "/etc/bide/bide.toml"))


if __name__ == "__main__":
    unittest.main()
