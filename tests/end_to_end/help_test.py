"""Help, man pages, and completion by the real bash, zsh and fish."""
import os
import pty
import re
import select
import socket
import subprocess
import tempfile
import time
import unittest

from harness import BIDE, Bide, definition, event

CLEAN = {name: value for name, value in os.environ.items()
         if not name.startswith("BIDE_") and name not in ("COLUMNS", "LC_ALL", "LANG")}


def run(*arguments, **env):
    return subprocess.run(arguments, env=dict(CLEAN, **env), capture_output=True, timeout=60, check=False)


def commands():
    """The words of all commands, as `bide help` lists them."""
    text = run(BIDE, "help").stdout.decode()
    return re.findall(r"^  ([a-z]+)  ", text.split("Commands:\n")[1].split("\n\n")[0], re.M)


class Help(unittest.TestCase):
    def test_every_command_has_help(self):
        self.assertLessEqual({"serve", "run", "emit", "get", "wait", "delete", "help", "version", "completion"},
                             set(commands()))
        for command in commands():
            for columns in (40, 80, 200):
                said = run(BIDE, command, "--help", COLUMNS=str(columns))
                self.assertEqual((said.returncode, said.stderr), (0, b""), command)
                self.assertEqual(run(BIDE, "help", command, COLUMNS=str(columns)).stdout, said.stdout)
                text = said.stdout.decode("ascii")  # Whatever the locale is.
                self.assertNotIn("\x1b", text)
                self.assertIn("\nExamples:\n  ", text, command)
                for line in text.split("\nExamples:\n")[0].splitlines():
                    self.assertLessEqual(len(line), columns)
        for alias in ("--help", "-h"):
            self.assertEqual(run(BIDE, alias).stdout, run(BIDE, "help").stdout)
        nothing = run(BIDE)
        self.assertEqual((nothing.returncode, nothing.stdout), (2, b""))
        self.assertIn(b"Commands:", nothing.stderr)

    def test_version(self):
        said = run(BIDE, "version")
        self.assertEqual((said.returncode, said.stderr), (0, b""))
        self.assertEqual(run(BIDE, "--version").stdout, said.stdout)
        with open(os.path.join(os.path.dirname(__file__), "../../CMakeLists.txt"), encoding="utf-8") as file:
            version = re.search(r"project\(bide VERSION (\S+)", file.read())[1]
        self.assertRegex(said.stdout.decode().splitlines()[0], rf"^bide {re.escape(version)}( \([0-9a-f]+(-dirty)?\))?$")
        for part in ("compiler", "OpenSSL", "nats.c", "cpp-httplib"):
            self.assertRegex(said.stdout.decode(), rf"(?m)^{re.escape(part)}: \S")

    def test_a_terminal_has_its_width(self):
        master, slave = pty.openpty()
        with open(slave, "wb", buffering=0) as terminal:
            subprocess.run(["stty", "cols", "40"], stdin=terminal, check=True, timeout=20)
            done = subprocess.Popen([BIDE, "help", "wait"], env=CLEAN, stdin=terminal, stdout=terminal, stderr=terminal)
            text = b""
            while b"Exit codes" not in text:
                self.assertTrue(select.select([master], [], [], 20)[0], text)
                text += os.read(master, 65536)
            while select.select([master], [], [], 0)[0] or done.poll() is None:
                if select.select([master], [], [], 0.01)[0]:
                    text += os.read(master, 65536)
        os.close(master)
        before_examples = text.decode().split("Examples:")[0]
        self.assertLessEqual(max(map(len, before_examples.splitlines())), 40)

    def test_man_pages(self):
        with tempfile.TemporaryDirectory(prefix="bide-e2e-") as scratch:
            made = run(BIDE, "help", "--man", scratch + "/man")
            self.assertEqual((made.returncode, made.stdout, made.stderr), (0, b"", b""))
            pages = sorted(os.listdir(scratch + "/man"))
            self.assertEqual(pages, sorted(["bide.1", "bide.toml.5"] + [f"bide-{word}.1" for word in commands()]))
            for page in pages:
                path = f"{scratch}/man/{page}"
                lint = run("mandoc", "-T", "lint", "-W", "warning", path)
                self.assertEqual((lint.returncode, lint.stdout), (0, b""), page)
                shown = run("man", "--warnings", "-l", path, LC_ALL="C.UTF-8", MANROFFOPT="-ww", MANPAGER="cat", MANWIDTH="80")
                self.assertEqual((shown.returncode, shown.stderr), (0, b""), page)
                self.assertIn(page.rpartition(".")[0].encode(), shown.stdout.lower())
            with open(scratch + "/man/bide-serve.1", encoding="ascii") as file:
                serve = file.read().replace("\\-", "-")
            with open(scratch + "/man/bide.toml.5", encoding="ascii") as file:
                toml = file.read().replace("\\-", "-")
            flags = re.findall(r"^  --([a-z-]+)", run(BIDE, "serve", "--help").stdout.decode(), re.M)
            self.assertIn("max-wait", flags)
            for flag in flags:
                self.assertIn(f"\\fB--{flag}\\fR", serve)
                self.assertEqual(f"\\fB{flag}\\fR" in toml, flag not in ("config",), flag)
        self.assertEqual(run(BIDE, "help", "--man", "/dev/null/x").returncode, 1)


class Completion(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.bide = Bide("--access-log", "off").start()
        cls.bide.put(definition("build-7"), event("build-7", "started"), definition("build-8"),
                     event("build-8", "completed"), definition("deploy_1"))
        cls.scratch = tempfile.TemporaryDirectory(prefix="bide-e2e-")
        os.symlink(BIDE, cls.scratch.name + "/bide")
        for name in ("ca one.pem", "ca-two.pem"):
            with open(f"{cls.scratch.name}/{name}", "w", encoding="ascii"):
                pass
        cls.env = dict(CLEAN, PATH=cls.scratch.name + ":" + os.environ["PATH"], BIDE_SERVER=cls.bide.url, LC_ALL="C.UTF-8",
                       HOME=cls.scratch.name, XDG_CONFIG_HOME=cls.scratch.name, XDG_DATA_HOME=cls.scratch.name, TERM="dumb")

    @classmethod
    def tearDownClass(cls):
        cls.bide.__exit__()
        cls.scratch.cleanup()

    def shell(self, *command, **env):
        done = subprocess.run(command, env=dict(self.env, **env), cwd=self.scratch.name, capture_output=True, text=True,
                              stdin=subprocess.DEVNULL, timeout=60, check=False)
        self.assertEqual(done.stderr, "", command)
        return done.stdout

    def bash(self, *words, **env):
        script = ('source <(bide completion bash); COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _bide bide; '
                  'printf "%s\\n" "${COMPREPLY[@]}"')
        return [line for line in self.shell("bash", "--norc", "-c", script, "bash", "bide", *words, **env).splitlines() if line]

    def test_bash(self):
        self.assertEqual(self.bash("wai"), ["wait"])
        self.assertLessEqual({"get", "wait", "--version"}, set(self.bash("")))
        self.assertEqual(sorted(self.bash("get", "build")), ["build-7", "build-8"])
        self.assertEqual(sorted(self.bash("get", "")), ["build-7", "build-8", "deploy_1"])
        self.assertEqual(self.bash("wait", "build-7", "-q", "build"), ["build-8"])
        self.assertEqual(self.bash("emit", "build-7", "st"), ["started"])
        self.assertEqual(self.bash("get", "x", "--outp"), ["--output"])
        self.assertEqual(self.bash("wait", "-o", "json"), ["json", "jsonl"])
        self.assertEqual(self.bash("wait", "--until", "su"), ["succeeded", "submitted"])
        # As COMP_WORDBREAKS cuts it: readline replaces the part behind the equals sign.
        self.assertEqual(self.bash("wait", "--output", "=", "jsonl"), ["jsonl"])
        self.assertEqual(self.bash("wait", "--output", "="), ["text", "json", "jsonl"])
        self.assertEqual(sorted(self.bash("get", "--cacert", "ca")), ["ca one.pem", "ca-two.pem"])
        self.assertEqual(self.bash("get", "--cacert", "=", "ca-"), ["ca-two.pem"])
        self.assertIn("bide", self.bash("run", "--", "bid"))
        self.assertEqual(self.bash("help", "del"), ["delete"])
        self.assertEqual(self.bash("completion", "f"), ["fish"])
        self.assertEqual(self.bash("nothing", ""), [])

    def test_silent_without_a_server(self):
        with socket.create_server(("127.0.0.1", 0)) as mute:  # Accepts, and does not answer.
            begun = time.monotonic()
            self.assertEqual(self.bash("get", "", BIDE_SERVER=f"http://127.0.0.1:{mute.getsockname()[1]}"), [])
            self.assertLess(time.monotonic() - begun, 20)
        self.assertEqual(self.bash("get", "", BIDE_SERVER="http://127.0.0.1:1"), [])
        self.assertEqual(self.bash("get", "", BIDE_SERVER="nonsense"), [])
        self.assertEqual(self.bash("get", "--server", self.bide.url, "dep", BIDE_SERVER="http://127.0.0.1:1"), ["deploy_1"])

    def fish(self, line, **env):
        """[candidate, description] of each."""
        out = self.shell("fish", "--no-config", "-c", 'bide completion fish | source; complete -C "$argv[1]"', line, **env)
        return [row.split("\t") for row in out.splitlines()]

    def test_fish(self):
        self.assertEqual(self.fish("bide wai"), [["wait", "wait until jobs are over"]])
        self.assertEqual(sorted(self.fish("bide get build")), [["build-7", "processing"], ["build-8", "completed"]])
        self.assertEqual(len(self.fish("bide get ")), 3)
        self.assertEqual([row[0] for row in self.fish("bide wait --output=js")], ["--output=json", "--output=jsonl"])
        self.assertEqual([row[0] for row in self.fish("bide emit build-7 st")], ["started"])
        self.assertEqual([row[0] for row in self.fish("bide get --cacert ca-")], ["ca-two.pem"])
        self.assertEqual(self.fish("bide get ", BIDE_SERVER="http://127.0.0.1:1"), [])

    def zsh(self, *lines):
        """What stands on each line after Tab, in one interactive zsh."""
        script = r"""
zmodload zsh/zpty
zpty shell zsh -f -i
read_to() {  # Reads until $1 comes, into $seen.
  local chunk; seen=
  while zpty -r shell chunk "*$1*"; do seen+=$chunk; [[ $seen == *$1* ]] && return; done
}
zpty -w shell 'PROMPT= RPROMPT=; unsetopt prompt_sp prompt_cr; setopt no_beep; autoload -Uz compinit && compinit -u -D && source <(bide completion zsh); zstyle ":completion:*" menu no; show() { print -r -- "<<$BUFFER>>"; BUFFER=; zle accept-line }; zle -N show; bindkey "^X" show; print REA""DY'
read_to READY
for line; do
  zpty -w -n shell $line$'\t\x18'
  read_to '>>'
  print -r -- ${${seen##*<<}%%>>*}
done
zpty -d shell
"""
        return self.shell("timeout", "50", "zsh", "-f", "-c", script, "zsh", *lines).splitlines()

    def test_zsh(self):
        self.assertEqual(self.zsh("bide wai", "bide get dep", "bide emit build-7 star", "bide get x --outp",
                                  "bide wait --output=jsonl", "bide get --cacert ca-", "bide get buil"),
                         ["bide wait ", "bide get deploy_1 ", "bide emit build-7 started ", "bide get x --output ",
                          "bide wait --output=jsonl ", "bide get --cacert ca-two.pem ", "bide get build-"])


if __name__ == "__main__":
    unittest.main()
