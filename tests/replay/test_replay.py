#!/usr/bin/env python3
"""What a run has read, read again, as a user meets it.

Usage: test_replay.py PATH_TO_WEIR [unittest arguments]
"""

import collections
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
RECOVERY = os.path.join(HERE, "..", "recovery")
sys.path.insert(0, RECOVERY)
import torture  # noqa: E402

DEBIAN = "/usr/bin/python3"
try:
    import zmq
except ImportError:
    zmq = None
    if sys.executable != DEBIAN and os.path.exists(DEBIAN):
        os.execv(DEBIAN, [DEBIAN, *sys.argv])  # python3-zmq is there for Debian's own python

N_EVENTS = 8000
WEIR = None

LOGINS = """stream login {
  at   time unit s
  user string
  ok   bool
}

source login from %s
sink guessed to %s

rule guessed {
  match  bad: login(not ok){3} -> good: login(ok)
  by     user
  within 10m
  emit   guessed { user, tries: count(bad), till: good.at }
}
"""


def logins(n, users=7):
    """Each user in turn: four failures, then a login."""
    return [
        {"at": 1_700_000_000 + i, "user": f"u{i % users}", "ok": i // users % 5 == 4}
        for i in range(n)
    ]


def lines(rows):
    return "".join(json.dumps(row) + "\n" for row in rows).encode()


class Replayed(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="weir-replay-")
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)

    def path(self, name):
        return os.path.join(self.folder, name)

    def write(self, name, data):
        os.makedirs(os.path.dirname(self.path(name)), exist_ok=True)
        with open(self.path(name), "wb") as file:
            file.write(data if isinstance(data, bytes) else data.encode())

    def read(self, name):
        with open(self.path(name), "rb") as file:
            return file.read()

    def weir(self, *arguments, status=0, stdin=b""):
        done = subprocess.run(
            [WEIR, *arguments],
            cwd=self.folder,
            input=stdin,
            capture_output=True,
            check=False,
        )
        self.assertEqual(done.returncode, status, done.stderr.decode() + done.stdout.decode()[:2000])
        return done

    def start(self, *arguments, **more):
        process = subprocess.Popen(
            [WEIR, *arguments],
            cwd=self.folder,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            **more,
        )

        def end():
            if process.poll() is None:
                process.kill()
            for stream in (process.stdin, process.stdout, process.stderr):
                if stream and not stream.closed:
                    try:
                        stream.close()
                    except BrokenPipeError:
                        pass
            process.wait()

        self.addCleanup(end)
        return process

    def wait_for_committed(self, node, size):
        """Until so many bytes need not be sent again."""
        committed = 0
        while committed < size:
            self.assertIsNone(node.poll(), node.poll() and node.stderr.read().decode())
            shown = subprocess.run(
                [WEIR, "state", "show", "--format", "json", "state"],
                cwd=self.folder,
                capture_output=True,
                check=False,
            ).stdout.decode()
            parts = [json.loads(line) for line in shown.splitlines()]
            committed = max([p.get("committed", 0) for p in parts] or [0])

    def moments(self):
        folder = self.path("state/kept")
        names = os.listdir(folder) if os.path.isdir(folder) else []
        return {name for name in names if name.endswith(".head")}

    def run_in_parts(self, arguments, data, n_parts):
        """A run to its end, with a new moment kept in each part of its input."""
        node = self.start(*arguments)
        seen = set()
        for i in range(n_parts):
            node.stdin.write(data[len(data) * i // n_parts : len(data) * (i + 1) // n_parts])
            node.stdin.flush()
            while not self.moments() - seen:
                try:
                    node.wait(0.005)
                    self.fail(node.stderr.read().decode())
                except subprocess.TimeoutExpired:
                    pass
            seen |= self.moments()
        _, said = node.communicate()
        self.assertEqual(node.returncode, 0, said.decode())

    def digest(self, folder):
        """All that stands in a state directory, but for what readers note in a lock file."""
        found = {}
        for place, _, names in os.walk(self.path(folder)):
            for name in names:
                if name != "lock.mdb":
                    with open(os.path.join(place, name), "rb") as file:
                        found[os.path.join(place, name)] = hashlib.sha1(file.read()).hexdigest()
        return found


class EverythingWithState(Replayed):
    """The rules of the recovery tests: every operator, late events, dead records."""

    def setUp(self):
        super().setUp()
        for name in ("rules.weir", "weights.csv"):
            shutil.copy(os.path.join(RECOVERY, name), self.folder)
        torture.make_events(self.path("in.jsonl"), 1, N_EVENTS)

    def run_pipe(self, *more, parts=0):
        events = self.read("in.jsonl")
        run = ["run", "rules.weir", "--state", "state", "--checkpoint", "20ms", "--quiet"]
        run += ["--from", "-", *more]
        if parts > 0:
            self.run_in_parts(run, events, parts)
        else:
            self.weir(*run, stdin=events)

    def replay(self, *more, status=0):
        return self.weir("replay", "rules.weir", "--state", "state", *more, status=status)

    def assert_same_files(self, folder):
        for name in torture.OUTPUTS:
            self.assertEqual(self.read(f"{folder}/{name}"), self.read(name), name)

    def test_a_pipe_is_replayed_byte_for_byte(self):
        self.run_pipe("--keep-journal", "1G")
        os.remove(self.path("in.jsonl"))
        self.replay("--from", "-", "--to", "again")
        self.assert_same_files("again")

    def test_a_pipe_of_a_run_that_was_killed_is_replayed_byte_for_byte(self):
        events = self.read("in.jsonl")
        run = ["run", "rules.weir", "--state", "state", "--keep-journal", "1G", "--checkpoint"]
        run += ["10ms", "--from", "-"]
        process = self.start(*run)
        process.stdin.write(events[: len(events) // 2])
        process.stdin.flush()
        self.wait_for_committed(process, len(events) // 4)
        process.kill()
        process.wait()
        shown = self.weir("state", "show", "--format", "json", "state").stdout.decode()
        parts = [json.loads(line) for line in shown.splitlines()]
        done = next(p["committed"] for p in parts if p.get("name", "").startswith("reading"))
        self.weir(*run, stdin=events[done:])
        self.replay("--from", "-", "--to", "again")
        self.assert_same_files("again")

    def test_a_file_is_replayed_byte_for_byte_and_compares_equal(self):
        keep = ["--keep-journal", "1G"]  # what the table's file said when it was looked at
        self.weir("run", "rules.weir", "--state", "state", "--quiet", *keep)
        self.replay("--to", "again")
        self.assert_same_files("again")
        said = self.replay("--diff").stdout.decode()
        self.assertIn("0 added, 0 missing, 0 changed", said)
        self.weir("replay", "rules.weir", "--to", "third")
        self.assert_same_files("third")
        self.assertIn(
            "0 added, 0 missing, 0 changed", self.weir("replay", "rules.weir", "--diff").stdout.decode()
        )

    def test_the_original_outputs_are_not_written(self):
        self.run_pipe("--keep-journal", "1G")
        for name in torture.OUTPUTS:
            os.remove(self.path(name))
        before = self.digest("state")
        found = self.replay("--from", "-", "--quiet").stdout
        self.assertGreater(len(found.splitlines()), 1000)
        self.assertEqual(self.digest("state"), before)
        for name in torture.OUTPUTS:
            self.assertFalse(os.path.exists(self.path(name)), name)

    def test_pace_changes_nothing_that_is_written(self):
        self.run_pipe("--keep-journal", "1G")
        self.replay("--from", "-", "--to", "paced", "--speed", "1e9")
        self.assert_same_files("paced")

    def rows(self, text, name):
        header = 1 if name.endswith(".csv") else 0
        return collections.Counter(text.decode().splitlines()[header:])

    def test_with_a_changed_rule_the_diff_names_exactly_the_changed_outputs(self):
        self.run_pipe("--keep-journal", "1G")
        rules = self.read("rules.weir").decode()
        changed = rules.replace("x > p.x)", "x > p.x + 1)").replace("avg(x) > 80", "avg(x) > 82")
        changed = changed.replace("having sum(x) > 700", "having sum(x) > 710")
        self.write("new/rules.weir", changed)
        shutil.copy(self.path("weights.csv"), self.path("new"))
        asked = ["replay", "new/rules.weir", "--state", "state", "--from", "-"]
        self.weir(*asked, "--to", "again")
        diff = self.weir(*asked, "--diff", "--message-format", "json", status=1).stdout
        found = [json.loads(line) for line in diff.splitlines()]
        *found, counts = found
        kinds = collections.Counter(f["change"] for f in found)
        self.assertEqual(
            {k: counts[k] for k in ("added", "missing", "changed")},
            {k: kinds.get(k, 0) for k in ("added", "missing", "changed")},
        )
        self.assertGreater(kinds["missing"], 0)
        self.assertGreater(kinds["changed"], 0)
        n_same = 0
        for name in torture.OUTPUTS:
            then = self.rows(self.read(name), name)
            now = self.rows(self.read(f"again/{name}"), name)
            of_file = [f for f in found if f["sink"].endswith(name)]
            gone = collections.Counter(f["row"] for f in of_file if f["change"] == "missing")
            gone += collections.Counter(f["before"] for f in of_file if f["change"] == "changed")
            new = collections.Counter(f["row"] for f in of_file if f["change"] != "missing")
            self.assertEqual(then - gone + new, now, name)
            self.assertFalse(gone - then, name)
            n_same += sum((then - gone).values())
        self.assertEqual(n_same, counts["same"])
        named = {f["rule"] for f in found}
        self.assertIn("rise or pairs", named)
        self.assertNotIn("sums", named)  # its rule is what it was

    def test_from_a_time_it_begins_with_a_state_that_was_kept(self):
        self.run_pipe("--keep-journal", "30s", parts=4)
        for name in os.listdir(self.path("state/kept")):
            self.assertRegex(name, r"^[0-9]{12}\.(head|state)$")
        since = "2023-11-14T22:13:50Z"
        late = self.replay("--from", "-", "--format", "text", "--since", since)
        self.assertIn("begins with the state as of 2023-11-14T22:1", late.stderr.decode())
        whole = self.weir("replay", "rules.weir", "--from", "in.jsonl", "--format", "text").stdout
        want = [line for line in whole.splitlines() if line.decode().split(" ")[0] >= since[:-1]]
        self.assertEqual(late.stdout.splitlines(), want)
        self.assertGreater(len(want), 100)
        diff = self.replay("--from", "-", "--diff", "--since", since)
        self.assertRegex(diff.stdout.decode(), r"^0 added, 0 missing, 0 changed, [1-9]")

    def test_what_several_shards_have_kept_is_replayed_from_the_middle(self):
        self.run_pipe("--keep-journal", "20s", "--shards", "2", parts=4)
        found = self.replay("--from", "-", "--diff", "--since", "2023-11-14T22:13:50Z")
        self.assertIn("begins with the state as of", found.stderr.decode())
        self.assertRegex(found.stdout.decode(), r"^0 added, 0 missing, 0 changed, [1-9]")

    def test_a_rule_that_has_changed_is_replayed_from_the_start(self):
        self.run_pipe("--keep-journal", "1G")
        rules = self.read("rules.weir").decode()
        self.write("new/rules.weir", rules.replace("x > p.x)", "x > p.x + 1)"))
        shutil.copy(self.path("weights.csv"), self.path("new"))
        asked = ["replay", "new/rules.weir", "--state", "state", "--from", "-"]
        said = self.weir(*asked, "--since", "2023-11-14T22:13:50Z").stderr.decode()
        self.assertIn("begins at the start of what was read", said)

    def test_from_a_position_the_outputs_are_the_last_of_all(self):
        self.run_pipe("--keep-journal", "1G")
        whole = self.replay("--from", "-", "--quiet").stdout
        late = self.replay("--from", "-", "--quiet", "--position", "reading=200000").stdout
        self.assertTrue(whole.endswith(late))
        self.assertLess(len(late), len(whole))
        self.assertGreater(len(late), 1000)

    def test_what_was_not_kept_is_said(self):
        self.run_pipe("--state-limit", "4M")  # in small pieces, so that some are given back
        said = self.replay("--from", "-", status=2).stderr.decode()
        self.assertRegex(said, "begins at byte [1-9][0-9]* of 'reading'.*--keep-journal")

    def test_a_damaged_journal_is_said(self):
        self.run_pipe("--keep-journal", "1G")
        name = self.path("state/journal/data.mdb")
        with open(name, "r+b") as file:
            size = os.path.getsize(name)
            for at in range(3 * 4096, size, 4096):
                file.seek(at + 2000)
                file.write(b"no")
        said = self.replay("--from", "-", status=65).stderr.decode()
        self.assertIn("journal", said)


class Logins(Replayed):
    def test_a_node_that_runs_is_replayed_beside_it(self):
        rules = LOGINS % ("stdin()", 'file("found.jsonl")')
        self.write("rules.weir", rules)
        node = self.start("run", "rules.weir", "--state", "state", "--checkpoint", "1h")
        first = lines(logins(600))
        node.stdin.write(first)
        node.stdin.flush()
        self.wait_for_committed(node, len(first))
        before = self.digest("state")
        seen = self.weir("replay", "rules.weir", "--state", "state", "--quiet").stdout
        self.assertEqual(self.digest("state"), before)
        self.assertGreater(len(seen.splitlines()), 50)
        node.stdin.write(lines(logins(900)[600:]))
        _, said = node.communicate()
        self.assertEqual(node.returncode, 0, said)
        found = self.read("found.jsonl")
        self.assertTrue(found.startswith(seen))
        self.assertGreater(len(found), len(seen))

    def test_what_is_kept_is_bounded_by_size(self):
        rules = LOGINS % ("stdin()", 'file("found.jsonl")')
        self.write("rules.weir", rules)
        events = lines(logins(80000))
        run = ["run", "rules.weir", "--state", "state", "--checkpoint", "1ms", "--state-limit"]
        self.run_in_parts([*run, "8M", "--keep-journal", "1M", "--quiet"], events, 16)
        self.assertGreater(len(events), 3 << 20)
        self.assertLess(len(self.moments()), 12)
        self.assertLess(os.path.getsize(self.path("state/journal/data.mdb")), 4 << 20)
        late = self.weir("replay", "rules.weir", "--state", "state")
        self.assertIn("begins with the state as of", late.stderr.decode())
        found = self.read("found.jsonl")
        self.assertTrue(found.endswith(late.stdout))
        self.assertLess(len(late.stdout), len(found) // 2)
        self.assertGreater(len(late.stdout), len(found) // 16)
        asked = ["replay", "rules.weir", "--state", "state", "--since", "2023-11-14T22:20:00Z"]
        self.assertIn("the oldest moment", self.weir(*asked, status=2).stderr.decode())

    @unittest.skipIf(zmq is None, "python3-zmq is not installed")
    def test_a_socket_with_silence_is_replayed_byte_for_byte(self):
        address = "ipc://" + self.path("feed")
        rules = LOGINS % (f'zmq("{address}") format json idle 30ms', "stdout()")
        rules += """
sink quiet to stdout()

rule quiet {
  match  open: login(ok) -> not login
  by     user
  within 20ms
  emit   quiet { user, since: open.at }
}
"""
        self.write("rules.weir", rules)
        context = zmq.Context()
        self.addCleanup(context.destroy, 0)
        push = context.socket(zmq.PUSH)
        push.bind(address)
        node = self.start("run", "rules.weir", "--state", "state", "--keep-journal", "1G")
        said = b""
        rows = logins(120, users=3)
        for i in range(0, len(rows), 15):  # ends with a login of each user
            push.send(lines(rows[i : i + 15]))
            while said.count(b"since") < i // 15 * 3 + 3:  # what silence alone completes
                line = node.stdout.readline()
                self.assertTrue(line)
                said += line
        node.terminate()
        rest, _ = node.communicate()
        said += rest
        self.assertEqual(said.count(b"tries"), len(rows) // 5)
        seen = self.weir("replay", "rules.weir", "--state", "state", "--quiet").stdout
        self.assertEqual(seen, said)

    def test_a_socket_is_not_read_in_a_replay(self):
        self.write("rules.weir", LOGINS % ('zmq("ipc://feed") format json', "stdout()"))
        said = self.weir("replay", "rules.weir", status=2).stderr.decode()
        self.assertIn("source 'login' cannot be read again: say --state DIR", said)

    def test_each_kind_of_file_is_compared_row_by_row(self):
        for name in ("found.jsonl", "found.csv", "found.msgpack", "found.txt"):
            with self.subTest(name):
                self.write("in.jsonl", lines(logins(300)))
                rules = LOGINS % ('file("in.jsonl")', f'file("{name}")')
                self.write("rules.weir", rules)
                self.weir("run", "rules.weir", "--quiet")
                self.weir("replay", "rules.weir", "--diff")
                self.write("rules.weir", rules.replace("tries: count(bad)", "tries: count(bad) + 1"))
                said = self.weir("replay", "rules.weir", "--diff", status=1).stdout.decode()
                self.assertIn("\n~ 2023-11-14T22:13:48Z  guessed  ", said)
                self.assertIn("\n    tries: 3 -> 4\n", said)
                self.assertRegex(said, r"\n0 added, 0 missing, 56 changed, 0 the same\n$")

    def test_a_diff_reads_like_a_diff(self):
        self.write("in.jsonl", lines(logins(80)))
        rules = LOGINS % ('file("in.jsonl")', 'file("found.jsonl")')
        self.write("rules.weir", rules)
        self.weir("run", "rules.weir", "--quiet")
        self.write("rules.weir", rules.replace("login(not ok)", 'login(not ok and user != "u3")'))
        said = self.weir("replay", "rules.weir", "--diff", status=1).stdout.decode()
        self.assertEqual(
            said,
            "found.jsonl\n"
            '- after 2023-11-14T22:13:50Z  guessed  '
            '{"user":"u3","tries":3,"till":"2023-11-14T22:13:51Z"}\n'
            '- after 2023-11-14T22:14:25Z  guessed  '
            '{"user":"u3","tries":3,"till":"2023-11-14T22:14:26Z"}\n'
            "0 added, 2 missing, 0 changed, 12 the same\n",
        )

    def test_outputs_that_come_again_after_a_crash_are_known_by_their_numbers(self):
        rules = LOGINS % ('file("in.jsonl")', 'stdout() format json(identity: "number")')
        self.write("rules.weir", rules)
        self.write("in.jsonl", lines(logins(30000)))
        undisturbed = self.weir("run", "rules.weir", "--quiet").stdout
        received, known, repeated = b"", 0, 0
        for turn in range(200):
            node = self.start("run", "rules.weir", "--state", "state", "--checkpoint", "5ms", "--quiet")
            kept = 0
            for line in node.stdout:
                if not line.endswith(b"\n"):
                    break  # cut by the kill: it comes again as a whole
                number = json.loads(line)["number"]
                if number > known:
                    self.assertEqual(number, known + 1)
                    received += line
                    known = number
                else:
                    repeated += 1
                kept += 1
                if kept == 200 + 200 * turn:
                    node.kill()
            node.wait()
            if node.returncode == 0:
                break
        self.assertEqual(node.returncode, 0)
        self.assertGreater(turn, 2)
        self.assertGreater(repeated, 0)
        self.assertEqual(received, undisturbed)

    def test_numbers_are_replayed_too(self):
        rules = LOGINS % ("stdin()", 'stdout() format json(identity: "number")')
        self.write("rules.weir", rules)
        run = ["run", "rules.weir", "--state", "state", "--keep-journal", "10m", "--checkpoint"]
        found = self.weir(*run, "1ms", "--quiet", stdin=lines(logins(5000))).stdout
        self.assertIn(b'"number":1}', found)
        asked = ["replay", "rules.weir", "--state", "state", "--since", "2023-11-14T23:20:00Z"]
        seen = self.weir(*asked, "--quiet").stdout
        self.assertTrue(seen and found.endswith(seen))
        self.assertLess(len(seen), len(found))


class Refreshed(Replayed):
    """A table that is looked at again while a run goes on."""

    RULES = """stream login {
  at   time unit s
  user string
  ok   bool
}
table team key user { user string, name string } from file("teams.csv") refresh every 20s

source login from stdin()
sink found to file("found.jsonl")

rule found {
  from login where not ok
  emit found { at, user, team: team[user].name }
}
"""

    def teams(self, name):
        rows = "".join(f"u{i},{name}{i % 3}\n" for i in range(7))
        self.write("new.csv", "user,name\n" + rows)
        os.rename(self.path("new.csv"), self.path("teams.csv"))

    def begin(self, *more):
        """A run during which the table's file changes twice, and that waits for more."""
        self.write("rules.weir", self.RULES)
        self.write("found.jsonl", "")
        self.teams("red")
        node = self.start("run", "rules.weir", "--state", "state", "--quiet", *more)
        n, sent = 0, 0
        for name in ("red", "green", "blue"):
            self.teams(name)
            while name.encode() not in self.read("found.jsonl"):
                data = lines(logins(n + 70)[n:])
                node.stdin.write(data)
                node.stdin.flush()
                n, sent = n + 70, sent + len(data)
                self.wait_for_committed(node, sent)
            while "--keep-journal" in more and not self.moments():
                self.assertIsNone(node.poll())
        return node

    def change(self, *more):
        """Such a run to its end; then the file is gone."""
        node = self.begin("--checkpoint", "20ms", "--keep-journal", "1G", *more)
        _, said = node.communicate()
        self.assertEqual(node.returncode, 0, said.decode())
        os.remove(self.path("teams.csv"))
        return self.read("found.jsonl")

    def replay(self, *more):
        return self.weir("replay", "rules.weir", "--state", "state", *more)

    def test_after_a_crash_it_is_as_it_was_then_up_to_the_end(self):
        node = self.begin("--checkpoint", "1h")
        node.kill()
        node.wait()
        found = self.read("found.jsonl")
        self.teams("black")
        self.weir("run", "rules.weir", "--state", "state", "--quiet")
        self.assertTrue(self.read("found.jsonl").startswith(found), "the run has found something else")

    def test_it_is_replayed_as_it_was_then_when_its_file_is_gone(self):
        found = self.change()
        self.replay("--to", "again")
        self.assertTrue(self.read("again/found.jsonl") == found, "the replay has found something else")
        self.assertRegex(
            self.replay("--diff").stdout.decode(), r"^0 added, 0 missing, 0 changed, [1-9]")

    def test_it_is_replayed_as_it_was_then_when_its_file_says_something_else(self):
        found = self.change()
        self.teams("black")
        self.replay("--to", "again")
        self.assertTrue(self.read("again/found.jsonl") == found, "the replay has found something else")

    def test_what_several_shards_have_looked_at_is_replayed_by_one(self):
        found = self.change("--shards", "3")
        self.replay("--to", "again")
        self.assertTrue(self.read("again/found.jsonl") == found, "the replay has found something else")

    def test_it_is_replayed_from_the_middle(self):
        rows = [json.loads(line) for line in self.change().splitlines()]
        since = next(row["at"] for row in rows if "blue" in row["team"])
        diff = self.replay("--diff", "--since", since)
        self.assertIn("begins with the state as of", diff.stderr.decode())
        self.assertRegex(diff.stdout.decode(), r"^0 added, 0 missing, 0 changed, [1-9]")


class Held(Replayed):
    """weir state dump, of a node that is at work."""

    def begin(self, rules, rows):
        self.write("rules.weir", rules)
        node = self.start("run", "rules.weir", "--state", "state", "--checkpoint", "1ms", "--quiet")
        data = lines(rows)
        node.stdin.write(data)
        node.stdin.flush()
        decoded = 0
        while decoded < len(data):  # in the checkpoint
            self.assertIsNone(node.poll(), node.poll() and node.stderr.read().decode())
            shown = subprocess.run(
                [WEIR, "state", "show", "--format", "json", "state"],
                cwd=self.folder,
                capture_output=True,
                check=False,
            ).stdout.decode()
            parts = [json.loads(line) for line in shown.splitlines()]
            decoded = max([p.get("position", 0) for p in parts] or [0])

    def dump(self, *more, status=0):
        return self.weir("state", "dump", "state", "rules.weir", *more, status=status).stdout.decode()

    def test_partial_matches_are_told_with_steps_values_and_expiry(self):
        rules = LOGINS % ("stdin()", 'file("found.jsonl")')
        rules = rules.replace("  emit ", "  skip   past last\n  emit ")
        self.begin(rules, logins(18))  # the last waits for time to go on
        self.assertEqual(
            self.dump("--key", "u2"),
            "rule guessed: 7 keys, 17 held\n"
            "  key u2\n"
            "    partial match: bad 2023-11-14T22:13:22Z, bad 2023-11-14T22:13:29Z, "
            "bad 2023-11-14T22:13:36Z; until 2023-11-14T22:23:22Z; "
            'user = "u2", count(bad) = 3\n'
            "    partial match: bad 2023-11-14T22:13:29Z, bad 2023-11-14T22:13:36Z; "
            'until 2023-11-14T22:23:29Z; user = "u2", count(bad) = 2\n'
            "    partial match: bad 2023-11-14T22:13:36Z; until 2023-11-14T22:23:36Z; "
            'user = "u2", count(bad) = 1\n',
        )
        rows = [json.loads(line) for line in self.dump("--format", "json").splitlines()]
        keys = [row["key"] for row in rows if row["part"] == "partial match"]
        self.assertEqual(keys, sorted(keys))
        self.assertEqual(len(keys), 17)
        self.assertEqual(rows[1]["taken"][0], {"step": "bad", "time": "2023-11-14T22:13:20Z"})
        self.assertEqual(rows[1]["holds"], {"user": "u0", "count(bad)": 3})
        few = [json.loads(line) for line in self.dump("--format", "json", "--limit", "2").splitlines()]
        self.assertEqual(few, rows[:3] + [{"part": "cut"}])

    def test_rows_of_tables_and_keys_of_windows_are_told(self):
        rules = LOGINS % ("stdin()", 'file("found.jsonl")')
        rules += """
table seen key user { user string, n int? } limit 100
sink tries to file("tries.jsonl")

rule counts {
  from login
  by   user
  emit into seen { user, n: (seen[user].n ?? 0) + 1 }
}

rule tries {
  from   login
  by     user
  window tumbling 1h
  emit   tries { user, n: count() }
}
"""
        self.begin(rules, logins(18))
        self.assertIn(
            '  key u2\n    row of the right, 2023-11-14T22:13:36Z; n = 3\n', self.dump("--rule", "counts")
        )
        self.assertRegex(
            self.dump("--rule", "tries", "--key", "u2"),
            "^rule tries: 7 keys, [0-9]+ held\n  key u2\n    window: [0-9]+ bytes\n"
            "    pane from 2023-11-14T22:00:00Z to 2023-11-14T23:00:00Z; until 2023-11-14T23:00:00Z; count\\(\\) = 3\n$",
        )

    def told_of(self, rule):
        """What is told of the windows of u2, as text and as JSON."""
        self.begin(
            LOGINS.split("sink guessed")[0] % "stdin()"
            + 'sink tries to file("tries.jsonl")\n\nrule tries {\n  from login\n  by user\n  %s\n}\n' % rule,
            logins(18),
        )
        told = self.dump("--key", "u2").split("  key u2\n")[1].splitlines()
        self.assertRegex(told.pop(0), "^    window: [0-9]+ bytes$")
        rows = [json.loads(line) for line in self.dump("--key", "u2", "--format", "json").splitlines()]
        self.assertEqual(len(rows), len(told) + 2)
        return [line.strip().replace("2023-11-14T", "") for line in told], rows[2:]

    def test_of_windows_that_slide_the_total_and_the_events_are_told(self):
        told, rows = self.told_of("window sliding 10s\n  emit tries { user, c: count(), low: min(at) }")
        self.assertEqual(told, [
            'pane from 22:13:29Z; count() = 2, min(at) = 22:13:29Z',
            'row 22:13:29Z; until 22:13:39Z; at = 22:13:29Z',
            'row 22:13:36Z; until 22:13:46Z; at = 22:13:36Z',
        ])
        self.assertEqual([row["part"] for row in rows], ["pane", "row", "row"])
        self.assertEqual(rows[2]["until"], "2023-11-14T22:13:46Z")

    def test_of_windows_of_the_last_events_these_have_no_end(self):
        told, rows = self.told_of("window last 2\n  emit tries { user, f: first(ok), c: count() }")
        self.assertEqual(told, [
            "pane from 22:13:29Z; first(ok) = false, count() = 2",
            "row 22:13:29Z; ok = false",
            "row 22:13:36Z; ok = false",
        ])
        self.assertEqual(rows[1]["holds"], {"ok": False})

    def test_of_windows_that_hop_each_pane_is_told_until_no_window_has_it(self):
        told, rows = self.told_of("window hopping 20s every 10s\n  emit tries { user, c: count() }")
        self.assertEqual(told, [
            "pane from 22:13:20Z to 22:13:30Z; until 22:13:40Z; count() = 2",
            "pane from 22:13:30Z to 22:13:40Z; until 22:13:50Z; count() = 1",
        ])
        self.assertEqual(rows[0], {
            "part": "pane", "rule": "tries", "key": "u2", "from": "2023-11-14T22:13:20Z",
            "to": "2023-11-14T22:13:30Z", "until": "2023-11-14T22:13:40Z", "holds": {"count()": 2},
        })

    def test_a_session_is_told_with_its_end(self):
        told, _ = self.told_of("window session 8s\n  emit tries { user, c: count() }")
        self.assertEqual(told, ["pane from 22:13:22Z to 22:13:44Z; until 22:13:44Z; count() = 3"])

    def test_a_batch_is_told_without_an_end(self):
        told, _ = self.told_of("window tumbling 5\n  emit tries { user, c: count() }")
        self.assertEqual(told, ["pane from 22:13:22Z; count() = 3"])

    def test_partial_matches_of_sets_are_told_one_by_one(self):
        self.begin(
            LOGINS.split("rule guessed")[0] % ("stdin()", 'file("found.jsonl")')
            + """
rule guessed {
  match  bad: login(not ok) ->> more: login(not ok){1,2} any -> good: login(ok)
  by     user
  within 10m
  skip   none
  emit   guessed { user, tries: count(more), till: good.at }
}
""",
            logins(18),
        )
        explained = self.weir("explain", "rules.weir").stdout.decode()
        self.assertIn("sets", explained)
        told = self.dump("--key", "u2").replace("2023-11-14T", "")
        self.assertNotIn("not told", told)
        self.assertIn(
            "    partial match: bad 22:13:22Z, more 22:13:29Z, more 22:13:36Z; until 22:23:22Z; "
            'user = "u2", count(more) = 2\n', told)
        self.assertIn("    partial match: bad 22:13:36Z; until 22:23:36Z; user = ", told)
        rows = [json.loads(line) for line in self.dump("--key", "u2", "--format", "json").splitlines()[1:]]
        taken = [tuple(step["time"] for step in row["taken"]) for row in rows]
        self.assertEqual(len(set(taken)), len(taken))
        a, b, c = ("2023-11-14T22:13:%dZ" % at for at in (22, 29, 36))
        self.assertEqual(sorted(set(taken)), sorted([(a,), (a, b), (a, b, c), (a, c), (b,), (b, c), (c,)]))
        few = self.dump("--format", "json", "--limit", "2").splitlines()
        self.assertEqual(len(few), 4)
        self.assertEqual(json.loads(few[-1]), {"part": "cut"})

    RULES = """
rule quiet {
  match  not login(not ok) for 30s
  by     user
  emit   guessed { user }
}

rule unheard {
  match  a: login(not ok) -> b: login(not ok) -> not login(ok)
  by     user
  within 10m
  emit   guessed { user }
}

rule pressed {
  match  a: login(not ok) -> b: login(not ok) within 8s of previous -> c: login(ok)
  by     user
  within 10m
  emit   guessed { user }
}

rule fresh {
  match  not login(ok) -> a: login(not ok) -> b: login(not ok)
  by     user
  within 10m
  emit   guessed { user }
}

rule some {
  match  a: login(not ok)
  by     user
  limit  1 per 10m
  emit   guessed { user }
}

rule few {
  match  a: login(not ok)
  by     user
  limit  3
  emit   guessed { user }
}

rule turns {
  from   login
  by     user
  window tumbling 10s
  having count() > 1
  limit  2 per 5m
  emit   guessed { user } when changes
}

rule pairs {
  from  a: login left join b: login on a.user == b.user and b.ok and not a.ok within 20s
  emit  guessed { user: a.user }
}
"""

    def held(self, rule, *more):
        """What is told of u2, without its first line."""
        told = self.dump("--rule", rule, "--key", "u2", *more)
        return [line.replace("2023-11-14T22:", "") for line in told.splitlines()[1:]]

    def test_what_time_alone_will_complete_or_end_is_told(self):
        rules = LOGINS.split("rule guessed")[0] % ("stdin()", 'file("found.jsonl")') + self.RULES
        # Each user in turn: a failure, a login, a failure; four of the last are not there yet.
        self.begin(rules, [dict(row, ok=i // 7 == 1) for i, row in enumerate(logins(18))])
        self.assertEqual(self.held("quiet"), [
            "  key u2",
            '    partial match: login 13:36Z; waits until 14:06Z, then is a match; user = "u2"',
        ])
        self.assertEqual(self.held("unheard"), [
            "  key u2",
            '    event a 13:22Z; until 23:22Z; user = "u2"',
            '    event a 13:36Z; until 23:36Z; user = "u2"',
            '    event b 13:36Z; waits until 23:22Z, then is a match; user = "u2"',
        ])
        self.assertEqual(self.held("pressed"), [
            "  key u2",
            '    partial match: a 13:36Z; until 13:44Z; user = "u2"',
        ])
        self.assertEqual(self.held("fresh"), ["  key u2", "    not login: came 13:29Z; until 23:29Z"])
        self.assertEqual(self.held("pairs"), [
            "  key u2",
            "    row of the left, 13:22Z; until 13:42Z",
            "    row of the left, 13:29Z; waits until 13:49Z, then is given alone",
            "    row of the left, 13:36Z; until 13:56Z",
            "    row of the right, 13:29Z; until 13:49Z",
            "rule pairs: 0 keys, 0 held",  # that is all in its join
        ])
        told = [json.loads(line) for line in self.held("quiet", "--format", "json")]
        self.assertEqual((told[0]["awaited"], told[0]["until"]), (True, "14:06Z"))

    def test_what_limits_and_changes_remember_is_told(self):
        rules = LOGINS.split("rule guessed")[0] % ("stdin()", 'file("found.jsonl")') + self.RULES
        self.begin(rules, [dict(row, ok=i // 7 == 1) for i, row in enumerate(logins(18))])
        self.assertEqual(self.held("some"), ["  key u2", "    limit: given 13:22Z; none before 23:22Z"])
        self.assertEqual(self.held("few"), ["  limit: 3 of 3 given"])
        self.assertEqual(self.held("turns")[2:], [
            "    pane from 13:30Z to 13:40Z; until 13:40Z; count() = 1",
            "    limit: given 13:30Z",
            "    when changes: the condition held",
        ])
        told = [json.loads(line) for line in self.held("turns", "--format", "json")]
        self.assertEqual(told[2], {
            "part": "limit", "rule": "turns", "key": "u2", "limit": 2, "n": 1, "given": ["13:30Z"],
        })
        self.assertEqual(told[3], {"part": "changes", "rule": "turns", "key": "u2", "held": True})

    def test_a_rule_that_has_changed_is_not_told(self):
        rules = LOGINS % ("stdin()", 'file("found.jsonl")')
        self.begin(rules, logins(18))
        self.write("rules.weir", rules.replace("within 10m", "within 5m"))
        self.assertIn("rule guessed has changed since", self.dump())
        self.dump("--rule", "nobody", status=2)


if __name__ == "__main__":
    WEIR = os.path.abspath(sys.argv.pop(1))
    unittest.main()
