"""The `weir` command as a user meets it: exit statuses, messages, and what comes out.

Usage: test_command.py PATH_TO_WEIR [unittest arguments]
"""

import calendar
import gzip
import json
import os
import random
import resource
import signal
import subprocess
import sys
import tempfile
import threading
import time
import unittest

WEIR = os.path.abspath(sys.argv.pop(1))
RUN = ["run", *os.environ.get("WEIR_RUN_OPTIONS", "").split()]  # every test also holds for some options

AUTH = """
stream auth {
  at      time
  ip      string
  user    string
  outcome string
}
"""

GUESSED = (
    AUTH
    + """
source auth from file("auth.jsonl")
sink intrusion to stdout()

rule guessed "many failures, then a success, from one address" {
  match  fail: auth(outcome == "failed"){3,} -> hit: auth(outcome == "accepted")
  by     ip
  within 10m
  emit   intrusion { ip, user: hit.user, failures: count(fail), since: first(fail.at) }
}
"""
)


def auth(second, ip, outcome, user="root"):
    return {
        "at": "2024-05-%02dT%02d:%02d:%02dZ"
              % (1 + second // 86400, second // 3600 % 24, second // 60 % 60, second % 60),
        "ip": ip,
        "user": user,
        "outcome": outcome,
    }


def time_of(text):
    """Seconds since the epoch of an RFC 3339 time of whole seconds."""
    return calendar.timegm(time.strptime(text, "%Y-%m-%dT%H:%M:%SZ"))


def lines(events):
    return "".join(json.dumps(e) + "\n" for e in events)


class Folder(unittest.TestCase):
    """A test with a folder of its own, where it writes rules and data."""

    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)

    def path(self, name):
        return os.path.join(self.folder.name, name)

    def write(self, name, content):
        mode = "wb" if isinstance(content, bytes) else "w"
        with open(self.path(name), mode) as f:
            f.write(content)
        return self.path(name)

    def read(self, name):
        with open(self.path(name)) as f:
            return f.read()

    def weir(self, *args, stdin=None, status=0):
        done = subprocess.run([WEIR, *args], input=stdin, capture_output=True, timeout=60)
        self.assertEqual(done.returncode, status, done.stderr.decode())
        self.stderr = done.stderr.decode()
        return done.stdout.decode()

    def run_rules(self, rules, *args, status=0, stdin=None):
        self.write("rules.weir", rules)
        return self.weir(*RUN, self.path("rules.weir"), *args, status=status, stdin=stdin)

    def events_of(self, output):
        return [json.loads(line) for line in output.splitlines()]


class Usage(Folder):
    def test_help_and_version_go_to_standard_output(self):
        self.assertIn("Usage: weir", self.weir("--help"))
        self.assertIn("Usage: weir run", self.weir("run", "--help"))
        for verb in ("check", "test", "lint", "fmt", "repl"):
            self.assertIn("Usage: weir " + verb, self.weir(verb, "--help"))
        self.assertRegex(self.weir("--version"), r"^weir \d+\.\d+\.\d+\n$")

    def test_wrong_usage_ends_with_2_and_says_where_help_is(self):
        for args in ([], ["fly"], ["run"], ["run", "--speed", "9", "x"], ["check"],
                     ["run", "x.weir", "--format", "xml"], ["run", "x.weir", "--set", "novalue"],
                     ["run", "x.weir", "--shards", "0"], ["run", "x.weir", "--shards", "many"]):
            self.assertEqual(self.weir(*args, status=2), "")
            self.assertIn("--help", self.stderr)

    def test_every_verb_says_the_same_of_a_wrong_option(self):
        for verb in ("run", "check", "test", "lint", "fmt", "repl"):
            self.weir(verb, "x.weir", "--speed", status=2)
            self.assertIn("weir %s: unknown option '--speed'" % verb, self.stderr)
        for verb, option in (("run", "--from"), ("check", "--set"), ("test", "--jobs"), ("lint", "--set")):
            self.weir(verb, "x.weir", option, status=2)
            self.assertIn("weir %s: '%s' wants a value" % (verb, option), self.stderr)

    def test_missing_files_end_with_66_and_are_named(self):
        self.weir("run", self.path("absent.weir"), status=66)
        self.assertIn("absent.weir", self.stderr)
        self.run_rules(GUESSED, status=66)
        self.assertIn("auth.jsonl", self.stderr)

    def test_missing_input_leaves_outputs_as_they_were(self):
        self.write("out.jsonl", "precious\n")
        self.run_rules(AUTH + 'source auth from file("absent.jsonl")\n'
                       'sink s to file("out.jsonl")\nrule r { from auth emit s { ip } }\n', status=66)
        self.assertEqual(self.read("out.jsonl"), "precious\n")

    def test_wrong_rules_end_with_65_and_every_place_is_told(self):
        self.write("auth.jsonl", "")
        self.run_rules(GUESSED.replace("hit.user", "hit.usr").replace("within 10m", "within 10x"), status=65)
        self.assertIn("rules.weir:", self.stderr)
        self.assertIn("usr", self.stderr)
        self.assertIn("user", self.stderr)
        self.assertIn("10x", self.stderr)

    def test_check_reads_no_data(self):
        self.write("rules.weir", GUESSED)
        self.assertEqual(self.weir("check", self.path("rules.weir")), "")
        self.write("rules.weir", GUESSED.replace("auth(", "outh("))
        self.weir("check", self.path("rules.weir"), status=65)
        self.assertIn("auth", self.stderr)


class Matching(Folder):
    EVENTS = ([auth(i, "10.0.0.9", "failed") for i in range(5)]
              + [auth(6, "10.0.0.8", "accepted"), auth(9, "10.0.0.9", "accepted", "admin")])
    FOUND = {"ip": "10.0.0.9", "user": "admin", "failures": 5, "since": "2024-05-01T00:00:00Z"}

    def test_the_first_rule_of_the_book_finds_its_intrusion(self):
        self.write("auth.jsonl", lines(self.EVENTS))
        self.assertEqual(self.events_of(self.run_rules(GUESSED)), [self.FOUND])
        self.assertIn("7 events", self.stderr)
        self.assertIn("1 match", self.stderr)

    def test_quiet_says_nothing(self):
        self.write("auth.jsonl", lines(self.EVENTS))
        self.run_rules(GUESSED, "--quiet")
        self.assertEqual(self.stderr, "")

    def test_input_can_come_from_elsewhere(self):
        other = self.write("other.jsonl", lines(self.EVENTS))
        self.assertEqual(self.events_of(self.run_rules(GUESSED, "--from", other)), [self.FOUND])
        self.assertEqual(self.events_of(self.run_rules(GUESSED, "--from", "auth=" + other)), [self.FOUND])
        stdin = lines(self.EVENTS).encode()
        self.assertEqual(self.events_of(self.run_rules(GUESSED, "--from", "-", stdin=stdin)), [self.FOUND])
        self.run_rules(GUESSED, "--from", "nobody=" + other, status=2)
        self.assertIn("nobody", self.stderr)

    def test_input_from_elsewhere_that_would_not_be_read_is_refused(self):
        other = self.write("other.jsonl", lines(self.EVENTS))
        for twice in (["--from", other], ["--from", "auth=" + other]):
            self.run_rules(GUESSED, "--from", "auth=second.jsonl", *twice, status=2)
            self.assertIn("twice", self.stderr)
            self.assertIn("second.jsonl", self.stderr)
        self.run_rules(AUTH + "rule r { from auth emit o { ip } }\n", "--from", other, status=2)
        self.assertIn(other, self.stderr)

    def test_faults_of_queries_are_counted_however_many_rows_come_at_once(self):
        rules = AUTH + """
        source auth from file("auth.jsonl")
        rule r { from auth where length(ip) / (length(user) - 4) is null emit o { x: 1 / 0 } }
        """
        for n in (3, 100):  # row by row, and by columns
            self.write("auth.jsonl", lines([auth(i, "1.2.3.4", "failed", "rootx"[:4 + i % 2]) for i in range(2 * n)]))
            self.run_rules(rules)
            self.assertRegex(self.stderr, " %d matches, .* %d arithmetic faults" % (n, 2 * n))

    def test_the_summary_counts_in_words_that_fit(self):
        self.write("auth.jsonl", lines(self.EVENTS[:1]))
        self.run_rules(AUTH + 'source auth from file("auth.jsonl")\nrule r { from auth emit o { x: length(ip) / 0 } }\n')
        self.assertRegex(self.stderr, "^weir: 1 event in .* 1 match, .* 1 arithmetic fault\n$")

    def test_a_rule_may_emit_what_times_out_and_nothing_else(self):
        rules = AUTH + """source auth from file("auth.jsonl")
        rule r { match a: auth(user == "a") -> b: auth(user == "b") within 1m on timeout emit t { user: a.user } }
        """
        self.write("auth.jsonl", lines([auth(0, "1", "x", "a"), auth(5, "1", "x", "b"),
                                        auth(10, "1", "x", "a"), auth(99, "1", "x", "c")]))
        self.assertEqual(self.events_of(self.run_rules(rules)), [{"user": "a"}])

    def test_compressed_input_is_read_by_its_content(self):
        plain = lines(self.EVENTS).encode()
        self.write("auth.jsonl", gzip.compress(plain[:100]) + gzip.compress(plain[100:]))
        self.assertEqual(self.events_of(self.run_rules(GUESSED)), [self.FOUND])
        self.write("auth.jsonl", gzip.compress(plain)[:-20])
        self.run_rules(GUESSED, status=74)
        self.assertIn("auth.jsonl", self.stderr)

    def test_output_formats(self):
        self.write("auth.jsonl", lines(self.EVENTS))
        self.assertEqual(self.run_rules(GUESSED, "--format", "csv"),
                         "ip,user,failures,since\n10.0.0.9,admin,5,2024-05-01T00:00:00Z\n")
        text = self.run_rules(GUESSED, "--format", "text")
        self.assertIn("2024-05-01T00:00:09Z", text)
        self.assertIn("intrusion", text)

    def test_parameters_are_set_from_outside(self):
        self.write("auth.jsonl", lines(self.EVENTS))
        rules = "param fails int = 6\n" + GUESSED.replace("{3,}", "{1,}").replace(
            "hit: auth(outcome", "hit: auth(count(fail) >= fails and outcome")
        self.assertEqual(self.run_rules(rules), "")
        self.assertEqual(self.events_of(self.run_rules(rules, "--set", "fails=5")), [self.FOUND])
        self.run_rules(rules, "--set", "fials=5", status=65)
        self.assertIn("fails", self.stderr)
        self.run_rules(rules, "--set", "fails=many", status=65)

    def test_derived_streams_feed_other_rules(self):
        self.write("auth.jsonl", lines(self.EVENTS + [auth(20, "10.0.0.9", "accepted", "late-night")]))
        rules = GUESSED.replace("sink intrusion to stdout()", "sink alarm to stdout()") + """
        rule again {
          match  i: intrusion -> a: auth(outcome == "accepted")
          by     ip
          within 1h
          emit   alarm { ip, first: i.user, second: a.user }
        }
        """
        self.assertEqual(self.events_of(self.run_rules(rules)),
                         [{"ip": "10.0.0.9", "first": "admin", "second": "late-night"}])

    def test_without_a_sink_what_nobody_reads_goes_to_standard_output(self):
        self.write("auth.jsonl", lines(self.EVENTS))
        rules = AUTH + 'source auth from file("auth.jsonl")\n' \
            'rule a { from auth where outcome == "accepted" emit got { user } }\n'
        self.assertEqual(self.events_of(self.run_rules(rules)), [{"user": "root"}, {"user": "admin"}])


class RuleTests(Folder):
    TESTS = AUTH + """
rule bad { from auth where outcome == "failed" emit seen { ip, at } }

test "failures are seen" {
  auth { at: 0s, ip: "a", outcome: "failed" } repeat 5 every 1s
  auth { ip: "b", outcome: "ok" }
  wait 10m
  expect 5 seen { ip: "a" }
  expect seen { ip: "a", at: 4s }
  expect no seen { ip: "b" }
}
"""

    def test_a_test_that_holds_is_ok(self):
        self.write("rules.weir", self.TESTS)
        self.assertEqual(self.weir("test", self.path("rules.weir")),
                         "TAP version 13\n1..1\nok 1 - failures are seen\n")

    def test_a_test_that_does_not_hold_says_where_and_what_came(self):
        self.write("rules.weir", self.TESTS.replace("expect 5", "expect 4").replace('{ ip: "b" }', '{ at: 2s }'))
        output = self.weir("test", self.path("rules.weir"), status=1)
        self.assertIn("rules.weir:15: expected 4 such 'seen', found 5", output)
        self.assertIn("expected no such 'seen', but 1 came", output)
        self.assertIn("1970-01-01T00:00:04Z seen ip=a", output)
        self.assertEqual(output.splitlines()[2], "not ok 1 - failures are seen")
        self.assertEqual(output.count("ok 1"), 1)

    @unittest.skipUnless(os.path.exists("/dev/full"), "needs /dev/full")
    def test_verdicts_that_cannot_be_printed_are_no_success(self):
        with open("/dev/full", "wb") as full:
            for args in (["test", self.write("rules.weir", self.TESTS)], ["--help"]):
                done = subprocess.run([WEIR, *args], stdout=full, stderr=subprocess.PIPE, timeout=60)
                self.assertEqual(done.returncode, 74)
                self.assertIn(b"cannot write 'standard output'", done.stderr)

    def test_only_tests_that_are_asked_for_are_run(self):
        self.write("rules.weir", self.TESTS + 'test "wrong" { expect seen }\n')
        self.weir("test", self.path("rules.weir"), status=1)
        self.assertIn("1..1", self.weir("test", "--filter", "failures", self.path("rules.weir")))
        self.weir("test", "--filter", "no such title", self.path("rules.weir"), status=65)

    def test_mistakes_in_tests_are_found_before_any_is_run(self):
        self.write("rules.weir", self.TESTS.replace('ip: "b", outcome', 'ip: 7, outcum').replace("wait 10m", "seen { }"))
        self.assertEqual(self.weir("test", self.path("rules.weir"), status=65), "")
        for word in ("outcome", "'ip'", "comes out of a rule"):
            self.assertIn(word, self.stderr)


class BadInput(Folder):
    RULES = AUTH + """
source auth from file("auth.jsonl") lateness 5s
sink seen to stdout()
sink dead.auth to file("dead.jsonl")
sink late.auth to file("late.jsonl")
rule all { from auth emit seen { at, user } }
"""

    def test_what_cannot_be_decoded_is_kept_with_its_place_and_reason(self):
        good = lines([auth(1, "a", "x"), auth(2, "b", "y")])
        bad = '{"at": "yesterday", "ip": "a", "user": "b", "outcome": "c"}\n'
        self.write("auth.jsonl", good.encode() + bad.encode() + b'\xff\xfe{"\n' + lines([auth(3, "c", "z")]).encode())
        self.assertEqual(len(self.run_rules(self.RULES).splitlines()), 3)
        self.assertIn("2 undecodable", self.stderr)
        self.assertRegex(self.stderr, r"weir: not decoded: .*auth.jsonl: line 3, byte \d+: "
                                      r"field 'at': \"yesterday\" is not a time \(the first of them\)")
        dead = self.events_of(self.read("dead.jsonl"))
        self.assertEqual(dead[0]["raw"], bad.rstrip("\n"))
        self.assertEqual(dead[0]["position"], len(good))
        self.assertEqual(dead[0]["line"], 3)
        self.assertIn("'at'", dead[0]["reason"])
        self.assertEqual((dead[0]["encoding"], dead[1]["encoding"]), ("utf-8", "base64"))
        self.assertEqual(dead[1]["raw"], "//57Ig==")

    def test_on_error_stop_ends_with_65_after_what_came_before(self):
        self.write("auth.jsonl", lines([auth(1, "a", "x")]) + "nonsense\n" + lines([auth(2, "b", "y")]))
        rules = self.RULES.replace("lateness 5s", "lateness 5s on error stop")
        output = self.run_rules(rules, status=65)
        self.assertEqual(len(output.splitlines()), 1)
        self.assertIn("line 2", self.stderr)
        self.assertEqual(len(self.read("dead.jsonl").splitlines()), 1)

    def test_late_events_are_kept_with_their_own_time(self):
        self.write("auth.jsonl", lines([auth(10, "a", "x"), auth(5, "b", "x"), auth(4, "c", "x"), auth(20, "d", "x")]))
        output = self.events_of(self.run_rules(self.RULES))
        self.assertEqual([e["at"][-3:] for e in output], ["05Z", "10Z", "20Z"])
        late = self.events_of(self.read("late.jsonl"))
        self.assertEqual(len(late), 1)
        self.assertEqual((late[0]["ip"], late[0]["at"], late[0]["original_at"]),
                         ("c", "2024-05-01T00:00:05Z", "2024-05-01T00:00:04Z"))
        self.assertIn("1 late", self.stderr)

    def test_a_csv_header_without_a_field_stops_at_once(self):
        self.write("auth.csv", "at,ip,usr,outcome\n")
        self.run_rules(self.RULES.replace("auth.jsonl", "auth.csv"), status=65)
        self.assertIn("user", self.stderr)
        self.assertIn("usr", self.stderr)

    def test_what_cannot_be_unpacked_says_where_and_why(self):
        packed = gzip.compress(lines([auth(0, "1.2.3.4", "failed")]).encode())
        for data, why in ((packed[:40], "at byte 40: it is cut off"),
                          (packed + b"more", "at byte %d: other bytes follow" % len(packed))):
            self.write("auth.jsonl", data)
            self.run_rules(GUESSED, status=74)
            self.assertIn("auth.jsonl': gzip data cannot be unpacked " + why, self.stderr)

    def test_any_bytes_at_all_do_no_harm(self):
        rng = random.Random(7)
        for _ in range(20):
            self.write("auth.jsonl", bytes(rng.choice(b'{}[]",:\\0123456789eE.-tfn\n\x00\xff abc')
                                           for _ in range(5000)))
            self.run_rules(self.RULES)


class Output(Folder):
    MANY = AUTH + """
source auth from file("auth.jsonl")
sink copy to stdout()
rule all { from auth emit copy }
"""

    def test_output_that_is_closed_early_is_no_error(self):
        self.write("auth.jsonl", lines([auth(i, "1.2.3.4", "failed") for i in range(20000)]))
        self.write("rules.weir", self.MANY)
        weir = subprocess.Popen([WEIR, *RUN, "--quiet", self.path("rules.weir")],
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        weir.stdout.readline()
        weir.stdout.close()
        error = weir.stderr.read()
        weir.stderr.close()
        self.assertEqual((weir.wait(timeout=60), error), (0, b""))

    @unittest.skipUnless(os.path.exists("/dev/full"), "needs /dev/full")
    def test_a_full_disk_ends_with_74_and_names_the_file(self):
        self.write("auth.jsonl", lines([auth(i, "1.2.3.4", "failed") for i in range(20000)]))
        self.run_rules(self.MANY.replace("stdout()", 'file("/dev/full")'), status=74)
        self.assertIn("/dev/full", self.stderr)

    def test_a_sink_does_not_overwrite_what_the_run_reads(self):
        content = lines([auth(0, "1.2.3.4", "failed")])
        for name in ("auth.jsonl", "./auth.jsonl", "link.jsonl"):
            self.write("auth.jsonl", content)
            if not os.path.exists(self.path("link.jsonl")):
                os.symlink("auth.jsonl", self.path("link.jsonl"))
            self.write("other.jsonl", "precious\n")
            self.run_rules(self.MANY.replace("stdout()", 'file("other.jsonl")')
                           + 'sink auth to file("%s")\n' % name, status=2)
            self.assertIn("is read", self.stderr)
            self.assertEqual(self.read("auth.jsonl"), content)
            self.assertEqual(self.read("other.jsonl"), "precious\n")
        self.write("input.jsonl", content)
        self.run_rules(self.MANY.replace("stdout()", 'file("input.jsonl")'),
                       "--from", self.path("input.jsonl"), status=2)
        self.assertEqual(self.read("input.jsonl"), content)
        self.run_rules(self.MANY.replace("stdout()", 'file("rules.weir")'), status=2)
        self.assertIn("source auth", self.read("rules.weir"))

    def test_names_of_one_file_are_one_place(self):
        self.write("auth.jsonl", lines([auth(i, "1.2.3.4", "failed") for i in range(3)]))
        self.run_rules(self.MANY.replace("stdout()", 'file("out.jsonl")')
                       + 'sink auth to file("./out.jsonl")\n')
        self.assertEqual(len(self.events_of(self.read("out.jsonl"))), 6)

    def test_a_name_that_promises_compression_is_refused(self):
        self.write("auth.jsonl", "")
        for name in ("out.csv.gz", "out.jsonl.zst"):
            self.run_rules(self.MANY.replace("stdout()", 'file("%s")' % name), status=2)
            self.assertIn(name, self.stderr)
            self.assertFalse(os.path.exists(self.path(name)))

    def test_streams_that_share_a_file_are_in_order_of_time(self):
        rng = random.Random(3)
        self.write("auth.jsonl", lines([auth(i // 3, "ip%d" % rng.randrange(4),
                                             rng.choice(["failed", "accepted"])) for i in range(5000)]))
        output = self.run_rules(AUTH + """
        source auth from file("auth.jsonl")
        sink a to stdout()
        sink b to stdout()
        rule ra { from auth where outcome == "failed" emit a { at, what: "a" } }
        rule rb { from auth emit b { at, what: "b" } }
        """)
        events = self.events_of(output)
        self.assertEqual(sorted(e["at"] for e in events), [e["at"] for e in events])
        self.assertGreater(len(events), 6000)

    def test_two_formats_for_one_file_are_refused(self):
        self.write("auth.jsonl", "")
        self.run_rules(AUTH + """
        source auth from file("auth.jsonl")
        sink a to file("o.x") format json
        sink b to file("o.x") format csv
        rule ra { from auth emit a }
        rule rb { from auth emit b }
        """, status=2)
        self.assertIn("o.x", self.stderr)


class Determinism(Folder):
    RULES = AUTH + """
stream door { at time, user string }
source auth from file("auth.jsonl") lateness 4s
source auth from file("auth2.jsonl")
source door from file("door.jsonl") lateness 2s
sink pair to stdout()
sink burst to stdout()
sink echo to stdout()
sink late.auth to stdout()

rule pairs { match d: door -> a: auth(user == d.user)  by user  within 20s  skip none
  emit pair { what: "pair", user, from: d.at, to: a.at } }
rule bursts { match f: auth(outcome == "failed"){2,3}  by ip  within 5s
  emit burst { what: "burst", ip, at: last(f.at), n: count(f) } }
rule echoes { match b: burst => p: pair  within 1m  emit echo { what: "echo", ip: b.ip, user: p.user } }
"""

    def data(self):
        rng = random.Random(11)

        def stream(n, jitter, make):
            return [make(max(0, i // 2 + rng.randrange(-jitter, jitter + 1))) for i in range(n)]

        def login(s):
            return auth(s, "ip%d" % rng.randrange(3), rng.choice(["failed", "accepted"]), "u%d" % rng.randrange(3))

        def door(s):
            return {"at": auth(s, "", "")["at"], "user": "u%d" % rng.randrange(3)}

        return {"auth.jsonl": lines(stream(3000, 4, login)), "auth2.jsonl": lines(stream(2500, 0, login)),
                "door.jsonl": lines(stream(2000, 2, door))}

    def test_two_runs_give_the_same_bytes(self):
        for name, content in self.data().items():
            self.write(name, content)
        first = self.run_rules(self.RULES)
        whats = {e.get("what") for e in self.events_of(first)}
        self.assertEqual(whats, {"pair", "burst", "echo", None})
        self.assertEqual(first, self.run_rules(self.RULES))

    def test_the_speed_at_which_sources_are_read_does_not_show(self):
        data = self.data()
        for name, content in data.items():
            self.write(name, content)
        expected = self.run_rules(self.RULES)
        for seed in range(3):
            rng = random.Random(seed)
            pipes = {}
            for name in data:
                pipes[name] = self.path("pipe%d-%s" % (seed, name))
                os.mkfifo(pipes[name])
            rules = self.RULES
            for name, pipe in pipes.items():
                rules = rules.replace('file("%s")' % name, 'file("%s") format json' % pipe)

            def feed(name, sizes):
                left = data[name].encode()
                with open(pipes[name], "wb", buffering=0) as f:
                    while left:
                        n = sizes.randrange(1, 4000)
                        f.write(left[:n])
                        left = left[n:]

            feeders = [threading.Thread(target=feed, args=(name, random.Random(rng.random())))
                       for name in data]
            for feeder in feeders:
                feeder.start()
            output = self.run_rules(rules)
            for feeder in feeders:
                feeder.join()
            self.assertEqual(output, expected)


class Windows(Folder):
    KINDS = {
        "tumbling": "window tumbling 1m",
        "hopping": "window hopping 1m every 15s",
        "session": "window session 20s",
        "filled": "window tumbling 20s fill",
        "early": "window hopping 2m every 1m every 10s early",
        "sliding": "window sliding 1m",
        "before": "window sliding 1m before",
        "last": "window last 7",
        "reset": "window sliding 1m reset having count() >= 5",
        "turned": "window sliding 30s having count() >= 3 limit 3 per 1m",
    }

    def rules(self, source):
        """Each kind of window, with and without keys, and rules that read what they emit."""
        text = AUTH + source
        for name, window in self.KINDS.items():
            for by in ("", "by ip, outcome"):
                stream = name + ("_by" if by else "")
                key = "ip, outcome, " if by else ""
                text += """
                    rule %s { from auth %s %s emit %s { %sstart: window.start, end: window.end,
                      n: count(), users: distinct(user), top: top(2, user), one: first(user),
                      failed: count() where outcome == "failed" } }
                    rule c_%s { from %s window tumbling 5m emit c_%s { rows: sum(n), one: last(one) } }
                    sink %s to stdout()
                    sink c_%s to stdout()
                    """ % ((stream, by, window, stream, key) + (stream,) * 5)
        return text

    def events(self, n, seed):
        rng = random.Random(seed)
        second = 0
        for _ in range(n):
            second += rng.choice([0, 0, 1, 1, 2, 5, 40])
            yield auth(second, "ip%d" % rng.randrange(3), rng.choice(["failed", "accepted"]),
                       "u%d" % rng.randrange(9))

    def test_every_kind_gives_what_was_worked_out_by_hand(self):
        rules = os.path.join(os.path.dirname(os.path.abspath(__file__)), "windows.weir")
        output = self.weir("test", rules)
        self.assertNotIn("not ok", output)
        self.assertEqual(output.count("\nok "), 18)

    def test_steps_joins_and_tables_give_what_was_worked_out_by_hand(self):
        rules = os.path.join(os.path.dirname(os.path.abspath(__file__)), "steps.weir")
        output = self.weir("test", rules)
        self.assertNotIn("not ok", output)
        self.assertEqual(output.count("\nok "), 14)

    def test_how_the_input_is_cut_does_not_show(self):
        data = lines(self.events(3000, 4)).encode()
        self.write("auth.jsonl", data)
        expected = self.run_rules(self.rules('source auth from file("auth.jsonl")\n'))
        self.assertGreater(expected.count("\n"), 20000)
        self.write("rules.weir", self.rules("source auth from stdin() format json\n"))
        for seed in range(2):
            rng = random.Random(seed)
            with open(self.path("out"), "wb") as out:
                weir = subprocess.Popen([WEIR, *RUN, "--quiet", self.path("rules.weir")],
                                        stdin=subprocess.PIPE, stdout=out)
            left = data
            while left:
                n = rng.choice([rng.randrange(1, 200), rng.randrange(1, 20000)])
                os.write(weir.stdin.fileno(), left[:n])
                left = left[n:]
            weir.stdin.close()
            self.assertEqual(weir.wait(timeout=60), 0)
            self.assertEqual(self.read("out"), expected)

    def test_windows_that_close_hold_what_is_in_their_time(self):
        events = list(self.events(500, 5))
        self.write("auth.jsonl", lines(events))
        found = self.events_of(self.run_rules(AUTH + """
            source auth from file("auth.jsonl")
            sink w to stdout()
            rule w { from auth by ip window hopping 1m every 15s
                     emit w { ip, end: window.end, n: count(), users: distinct(user) } }
            """))
        expected = {}
        for event in events:
            at = time_of(event["at"])
            for end in range(at // 15 * 15 + 15, at + 61, 15):
                expected.setdefault((event["ip"], end), []).append(event["user"])
        self.assertEqual([time_of(w["end"]) for w in found], sorted(time_of(w["end"]) for w in found))
        self.assertEqual({(w["ip"], time_of(w["end"])): (w["n"], w["users"]) for w in found},
                         {key: (len(users), len(set(users))) for key, users in expected.items()})

    def test_an_event_that_comes_too_late_is_in_no_window(self):
        self.write("auth.jsonl", lines([auth(t, "a", "failed") for t in (5, 1, 12, 3, 14)]))
        output = self.run_rules(AUTH + """
            source auth from file("auth.jsonl") lateness 4s
            sink w to stdout()
            sink late.auth to stdout()
            rule w { from auth window tumbling 10s emit w { end: window.end, n: count() } }
            """)
        self.assertEqual([e.get("n", e.get("original_at")) for e in self.events_of(output)],
                         ["2024-05-01T00:00:03Z", 2, 2])

    def test_a_session_that_would_outlast_time_is_told_at_the_end(self):
        self.write("auth.jsonl", lines(auth(t, "a", "failed") for t in (1, 2)))
        output = self.run_rules(AUTH + """
            source auth from file("auth.jsonl")
            sink w to stdout()
            rule w { from auth window session 106751d emit w { start: window.start, n: count() } }
            """)
        self.assertEqual(self.events_of(output), [{"start": "2024-05-01T00:00:01Z", "n": 2}])

    def test_keys_that_are_null_are_counted(self):
        self.write("auth.jsonl", '{"at":"2024-05-01T00:00:00Z"}\n{"at":"2024-05-01T00:00:00Z","ip":"a"}\n')
        output = self.run_rules("""
            stream auth { at time, ip string? }
            source auth from file("auth.jsonl")
            sink w to stdout()
            rule w { from auth by ip window tumbling 10s emit w { ip, n: count() } }
            """)
        self.assertEqual(output, '{"ip":"a","n":1}\n')
        self.assertIn("1 without a key", self.stderr)


class Bounds(Folder):
    """Joins that keep more than they may."""

    STREAMS = """
stream o { at time unit s, id string }
stream p { at time unit s, id string }
source o from file("o.jsonl")
source p from file("p.jsonl")
"""

    def joins(self, rule, orders, payments, status=0):
        self.write("o.jsonl", lines({"at": at, "id": i} for at, i in orders))
        self.write("p.jsonl", lines({"at": at, "id": i} for at, i in payments))
        out = self.run_rules(self.STREAMS + rule + "  emit out { id: o.id }\n}\n", status=status)
        return [e["id"] for e in self.events_of(out)]

    def test_full_stop_ends_the_run_at_the_event_that_is_one_too_many(self):
        rule = "rule j {\n  from o join p on o.id == p.id within 1m full at 3 stop\n"
        many = [(i, "k%d" % i) for i in range(4)]
        self.assertEqual(self.joins(rule, many[:3], [(30, "k0")]), ["k0"])
        for orders, payments, side in ((many, [(30, "k0")], "o"), ([(30, "k0")], many, "p")):
            self.joins(rule, orders, payments, status=65)
            self.assertIn("of '%s' 3 rows are kept, and one more is too many ('full stop')" % side,
                          self.stderr)
        self.assertEqual(self.joins(rule.replace("stop", "drop oldest"), many,
                                    [(30, "k0"), (30, "k3")]), ["k3"])

    def test_who_has_left_the_window_makes_room(self):
        rule = "rule j {\n  from o join p on o.id == p.id within 1m full at 3 stop\n"
        far = [(100 * i, "k%d" % i) for i in range(9)]
        self.assertEqual(self.joins(rule, far, far), [i for _, i in far])

    def test_full_stop_counts_the_keys_of_the_side_that_is_looked_up(self):
        rule = "rule j {\n  from o asof join p on o.id == p.id full at 2 stop\n"
        again = [(i, "k%d" % (i % 2)) for i in range(9)]
        self.assertEqual(self.joins(rule, [(30, "k0")], again), ["k0"])
        self.joins(rule, [(30, "k0")], again + [(20, "k2")], status=65)
        self.assertIn("of 'p' 2 rows are kept, and one more is too many ('full stop')", self.stderr)


class Living(Folder):
    """Input that does not end by itself."""

    def start(self, rules, *args):
        self.write("rules.weir", rules)
        return subprocess.Popen([WEIR, *RUN, self.path("rules.weir"), *args],
                                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def end(self, weir):
        weir.stdin.close()
        rest = weir.stdout.read().decode()
        stderr = weir.stderr.read().decode()
        weir.stdout.close()
        weir.stderr.close()
        return weir.wait(timeout=60), rest, stderr

    RULES = AUTH + """
source auth from stdin() format json
sink seen to stdout()
rule all { from auth emit seen { user } }
"""

    def test_an_event_comes_out_while_the_input_is_open(self):
        weir = self.start(self.RULES)
        weir.stdin.write(lines([auth(1, "a", "x", "one"), auth(2, "a", "x", "two")]).encode())
        weir.stdin.flush()
        self.assertEqual(weir.stdout.readline(), b'{"user":"one"}\n')
        self.assertEqual(self.end(weir)[:2], (0, '{"user":"two"}\n'))

    def test_an_interrupt_ends_the_run_with_its_summary(self):
        weir = self.start(self.RULES)
        weir.stdin.write(lines([auth(1, "a", "x", "one"), auth(2, "a", "x", "two")]).encode())
        weir.stdin.flush()
        self.assertEqual(weir.stdout.readline(), b'{"user":"one"}\n')
        weir.send_signal(signal.SIGINT)
        rest = weir.stdout.read()
        stderr = weir.stderr.read().decode()
        self.assertEqual((weir.wait(timeout=60), rest), (0, b'{"user":"two"}\n'))
        self.assertIn("2 events", stderr)
        for stream in (weir.stdin, weir.stdout, weir.stderr):
            stream.close()

    def test_time_goes_on_when_a_source_is_silent_and_says_so(self):
        weir = self.start(self.RULES.replace("format json", "format json idle 50ms"))
        weir.stdin.write(lines([auth(1, "a", "x", "one")]).encode())
        weir.stdin.flush()
        self.assertEqual(weir.stdout.readline(), b'{"user":"one"}\n')
        self.assertEqual(self.end(weir)[:2], (0, ""))


class Memory(Folder):
    def peak(self, n):
        with open(self.path("auth.jsonl"), "w") as f:
            for start in range(0, n, 1000):
                f.write(lines([auth((start + i) // 4, "ip%d" % (i % 50), "failed") for i in range(1000)]))
        self.write("rules.weir", GUESSED.replace("{3,}", "{3}").replace("10m", "1m"))
        weir = subprocess.Popen([WEIR, *RUN, "--quiet", self.path("rules.weir")], stdout=subprocess.DEVNULL)
        _, status, usage = os.wait4(weir.pid, 0)
        weir.returncode = os.waitstatus_to_exitcode(status)
        self.assertEqual(weir.returncode, 0)
        return usage.ru_maxrss

    @unittest.skipIf("sanitize" in os.environ.get("WEIR_EXPECT_SANITIZER", "") or
                     os.environ.get("WEIR_EXPECT_SANITIZER"), "a sanitizer keeps freed memory")
    def test_memory_does_not_grow_with_the_length_of_the_input(self):
        short = self.peak(20000)
        self.assertLess(self.peak(300000), short + 4096)


if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    unittest.main(verbosity=2)
