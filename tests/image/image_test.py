#!/usr/bin/env python3
"""The image of scripts/image, started by crun: as its user, on a read-only root, on a volume that belongs to root.

    scripts/test image          or, as root: tests/image/image_test.py ARCHIVE
"""
import contextlib
import json
import os
import shutil
import stat
import subprocess
import sys
import tempfile
import time
import unittest

ARCHIVE = None
USER = 65532
PATIENCE_S = 30


def run(*command, **options):
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, **options)


def wait_until(holds, what):
    end = time.monotonic() + PATIENCE_S
    while not (value := holds()):
        assert time.monotonic() < end, f"did not happen within {PATIENCE_S} s: {what}"
        time.sleep(0.01)
    return value


def content(path):
    with open(path, encoding="utf-8", errors="replace") as file:
        return file.read()


def field(pid, name):
    """Of /proc/PID/status."""
    return next(line.split()[1:] for line in content(f"/proc/{pid}/status").splitlines() if line.startswith(name + ":"))


# crun of Debian 12 refuses machines that have both versions of cgroups, so it sees the second only.
CRUN = ("unshare", "--mount", "sh", "-c", 'mount -t cgroup2 none /sys/fs/cgroup && exec crun --cgroup-manager=disabled "$@"', "crun")


class Container:
    """A context manager; leaving it kills what still runs."""

    def __init__(self, bundle, volume, *flags):
        self.id = f"bide-image-test-{os.getpid()}-{time.monotonic_ns()}"
        self.bundle, self.pid = bundle, None
        with open(bundle + "/config.json", encoding="utf-8") as file:
            self.config = json.load(file)
        process = self.config["process"]
        process.update(terminal=False, noNewPrivileges=True, capabilities={}, args=[*process["args"], *flags])
        self.config["root"]["readonly"] = True
        self.config["mounts"] = [one for one in self.config["mounts"] if one["destination"] not in ("/data", "/sys", "/sys/fs/cgroup")]
        self.config["mounts"].append({"destination": "/data", "type": "bind", "source": volume, "options": ["bind", "rw"]})
        self.config["linux"]["cgroupsPath"] = self.id
        self.config["linux"].pop("resources", None)

    def crun(self, *arguments):
        return run(*CRUN, *arguments)

    def __enter__(self):
        self.stack = contextlib.ExitStack()
        folder = self.stack.enter_context(tempfile.TemporaryDirectory(prefix="bide-container-"))
        with open(folder + "/config.json", "w", encoding="utf-8") as file:
            json.dump(self.config, file)
        self.log = folder + "/log"
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen(
                [*CRUN, "run", "--bundle", self.bundle, "--config", folder + "/config.json", self.id],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        return self

    def started(self):
        """Waits until the container is ready; returns the process id of its process 1."""
        def its_pid():
            assert self.process.poll() is None, content(self.log)
            state = self.crun("state", self.id)
            return state.returncode == 0 and json.loads(state.stdout)["pid"]
        self.pid = wait_until(its_pid, "the container runs")
        wait_until(lambda: self.health() == 0, "bide is ready: " + content(self.log))
        return self.pid

    def health(self):
        return self.crun("exec", self.id, "/usr/bin/bide", "health").returncode

    def curl(self, target, *arguments):
        """Asks from inside the container's network, with this machine's curl."""
        done = run("nsenter", "-t", str(self.pid), "-n", "curl", "-sSf", *arguments, "http://127.0.0.1:8080" + target)
        assert done.returncode == 0, done.stderr + content(self.log)
        return done.stdout

    def processes(self):
        """Names and states of all processes in the container."""
        space = os.readlink(f"/proc/{self.pid}/ns/pid")
        found = []
        for pid in filter(str.isdigit, os.listdir("/proc")):
            with contextlib.suppress(OSError):
                if os.readlink(f"/proc/{pid}/ns/pid") == space:
                    found.append((field(pid, "Name")[0], field(pid, "State")[0], int(pid)))
        return found

    def end(self):
        """SIGTERM to process 1; returns the exit code."""
        assert self.crun("kill", self.id, "TERM").returncode == 0
        return self.process.wait(PATIENCE_S)

    def __exit__(self, *_):
        self.crun("delete", "--force", self.id)
        self.process.wait(PATIENCE_S)
        self.stack.close()


class Image(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.dir = cls.enterClassContext(tempfile.TemporaryDirectory(prefix="bide-image-"))
        os.chmod(cls.dir, 0o755)
        os.mkdir(cls.dir + "/layout")
        subprocess.run(["tar", "-C", cls.dir + "/layout", "-xf", ARCHIVE], check=True)
        tag = run("umoci", "ls", "--layout", cls.dir + "/layout").stdout.strip()
        cls.bundle = cls.dir + "/bundle"
        subprocess.run(["umoci", "unpack", "--image", f"{cls.dir}/layout:{tag}", cls.bundle], check=True)
        cls.root = cls.bundle + "/rootfs"
        cls.tag = tag

    def setUp(self):
        # As Kubernetes hands out volumes with fsGroup.
        self.volume = tempfile.mkdtemp(prefix="bide-volume-", dir=self.dir)
        os.chown(self.volume, 0, USER)
        os.chmod(self.volume, 0o2770)

    def test_a_job_is_reported_and_waited_for_and_outlives_the_container(self):
        begun = time.monotonic()
        with Container(self.bundle, self.volume, "--allow-anonymous") as container:
            pid = container.started()
            print(f"ready after {time.monotonic() - begun:.2f} s", file=sys.stderr)
            self.assertEqual((field(pid, "Uid"), field(pid, "CapEff")), ([str(USER)] * 4, ["0" * 16]))
            mounts = [line.split() for line in content(f"/proc/{pid}/mountinfo").splitlines()]
            self.assertEqual([("ro" in mount[5].split(",")) for mount in mounts if mount[4] == "/"][-1:], [True])

            with subprocess.Popen(["nsenter", "-t", str(pid), "-n", "curl", "-sSf", "-H", "Accept: text/plain",
                                   "http://127.0.0.1:8080/job/build-7?until=done&wait=30s"],
                                  stdout=subprocess.PIPE, text=True) as waiting:
                container.curl("/job/build-7/events", "-d", "started")
                container.curl("/job/build-7/events", "-d", "exit=0")
                self.assertEqual(waiting.communicate(timeout=PATIENCE_S)[0], "completed\n")

            # Process 1 starts nats-server again, and leaves no zombie.
            first = next(one for one in container.processes() if one[0] == "nats-server")
            os.kill(first[2], 9)
            wait_until(lambda: any(one[0] == "nats-server" and one[2] != first[2] for one in container.processes()),
                       "nats-server runs again")
            self.assertEqual(sorted(name for name, _, _ in container.processes()), ["bide", "nats-server"])
            self.assertNotIn("Z", [state for _, state, _ in container.processes()])
            container.curl("/job/build-8/events", "-d", "started", "--retry", "20", "--retry-delay", "1")

            self.assertEqual(container.end(), 0, content(container.log))
        with Container(self.bundle, self.volume, "--allow-anonymous") as container:
            container.started()
            self.assertEqual(container.curl("/job/build-7", "-H", "Accept: text/plain"), "completed\n")
            self.assertEqual(container.crun("exec", container.id, "/usr/bin/bide", "get", "build-8").stdout, "processing\n")
            self.assertEqual(container.end(), 0, content(container.log))

    def test_a_token_file(self):
        tokens = self.volume + "/tokens"
        with open(tokens, "w", encoding="ascii") as file:
            file.write("a-token-of-sixteen-characters-or-more write\n")
        os.chown(tokens, USER, USER)
        os.chmod(tokens, 0o400)
        with Container(self.bundle, self.volume, "--auth", "token-file=/data/tokens") as container:
            pid = container.started()  # The health check needs no token.
            asked = run("nsenter", "-t", str(pid), "-n", "curl", "-s", "-o", "-", "-w", "%{http_code}",
                        "http://127.0.0.1:8080/job/status")
            self.assertTrue(asked.stdout.endswith("401"), asked.stdout)
            self.assertEqual(container.end(), 0)

    def test_nobody_is_let_in_by_default(self):
        with Container(self.bundle, self.volume) as container:
            self.assertEqual(container.process.wait(PATIENCE_S), 2)
            self.assertIn("--auth says who may read, --allow-anonymous", content(container.log))

    def test_nothing_is_in_it_that_does_not_belong_there(self):
        programs = set()
        for folder, _, names in os.walk(self.root):
            for name in names:
                path = os.path.join(folder, name)
                status = os.lstat(path)
                inside = path.removeprefix(self.root)
                self.assertEqual(status.st_uid, 0, inside)
                if stat.S_ISREG(status.st_mode):
                    self.assertEqual(status.st_mode & 0o6022, 0, inside)  # No setuid; nobody else may write.
                    if status.st_mode & 0o111 and ".so" not in name:
                        programs.add(inside)
        self.assertEqual(programs, {"/usr/bin/bide", "/usr/sbin/nats-server"})
        data = os.lstat(self.root + "/data")
        self.assertEqual((data.st_uid, data.st_gid, stat.S_IMODE(data.st_mode)), (USER, USER, 0o700))
        self.assertIn("BEGIN CERTIFICATE", content(self.root + "/etc/ssl/certs/ca-certificates.crt"))
        self.assertEqual(os.path.realpath(os.readlink(self.root + "/usr/lib/ssl/cert.pem")), "/etc/ssl/certs/ca-certificates.crt")

    def test_its_contents_are_listed(self):
        with open(self.root + "/usr/share/sbom/bide.spdx.json", encoding="utf-8") as file:
            sbom = json.load(file)
        self.assertEqual(json.loads(content(ARCHIVE.replace("-oci.tar", "-image.spdx.json"))), sbom)
        listed = {one["name"]: one for one in sbom["packages"]}
        inside = {name for name, one in listed.items() if one["SPDXID"].startswith("SPDXRef-package-")}
        self.assertLessEqual({"bide", "nats-server", "libc6", "libssl3", "ca-certificates"}, inside)
        self.assertTrue(any(name.startswith("golang-") for name in listed))  # Compiled into nats-server.
        self.assertRegex(listed["RapidJSON"]["versionInfo"], r"^\d+\.\d+\.\d+$")
        self.assertEqual("bide:" + listed["bide"]["versionInfo"].split("-")[0], self.tag)
        self.assertEqual(inside, set(os.listdir(self.root + "/var/lib/dpkg/status.d")))
        self.assertEqual({one["relatedSpdxElement"] for one in sbom["relationships"]}, {one["SPDXID"] for one in sbom["packages"]})
        for name in inside:
            self.assertTrue(os.path.isfile(f"{self.root}/usr/share/doc/{name}/copyright"), name)
        size = sum(os.lstat(os.path.join(folder, name)).st_size for folder, _, names in os.walk(self.root) for name in names)
        print(f"{os.path.getsize(ARCHIVE) / 1e6:.1f} MB packed, {size / 1e6:.1f} MB unpacked, {len(inside)} packages",
              file=sys.stderr)


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    ARCHIVE = sys.argv.pop(1)
    if os.geteuid() != 0 or not shutil.which("crun") or not shutil.which("umoci"):
        sys.exit("image_test.py: it needs root, crun and umoci")
    unittest.main()
