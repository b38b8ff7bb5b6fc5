"""Rules that read from and write to other programs by ZeroMQ, as a user meets them.

Usage: test_zmq.py PATH_TO_WEIR [unittest arguments]
"""

import json
import os
import signal
import socket
import struct
import subprocess
import sys
import unittest

DEBIAN = "/usr/bin/python3"
try:
    import zmq
except ImportError:
    if sys.executable != DEBIAN and os.path.exists(DEBIAN):
        os.execv(DEBIAN, [DEBIAN, *sys.argv])  # python3-zmq is there for Debian's own python
    print("skipped: python3-zmq is not installed")
    sys.exit(77)

import test_command as command

PATIENCE_MS = 30000

STREAM = """
stream txn { at time unit s, card string, amount float }
"""

PASS_ON = STREAM + """
source txn from zmq(%s) format %s
sink seen to stdout()
rule all { from txn emit seen { card, amount } }
"""


def txn(second, card="a", amount=1.0):
    return {"at": second, "card": card, "amount": amount}


def rows(*events):
    return "".join(json.dumps(e) + "\n" for e in events).encode()


def packed(event):
    """An event as MessagePack, by hand: the tests need no library for it."""
    out = bytes([0x80 | len(event)])
    for name, value in event.items():
        out += bytes([0xA0 | len(name)]) + name.encode()
        if isinstance(value, str):
            out += bytes([0xA0 | len(value)]) + value.encode()
        elif isinstance(value, float):
            out += b"\xcb" + struct.pack(">d", value)
        else:
            out += b"\xce" + value.to_bytes(4, "big")
    return out


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Wired(command.Folder):
    def setUp(self):
        super().setUp()
        self.context = zmq.Context()
        self.addCleanup(self.context.term)

    def peer(self, kind, address=None, bind=False):
        peer = self.context.socket(kind)
        self.addCleanup(peer.close)
        peer.linger = 0
        peer.sndtimeo = peer.rcvtimeo = PATIENCE_MS
        if address is not None:
            (peer.bind if bind else peer.connect)(address)
        return peer

    def start(self, rules, *args):
        self.write("rules.weir", rules)
        weir = subprocess.Popen([command.WEIR, *command.RUN, self.path("rules.weir"), *args],
                                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.addCleanup(weir.kill)
        for stream in (weir.stdin, weir.stdout, weir.stderr):
            self.addCleanup(stream.close)
        return weir

    def end(self, weir):
        """Have it end as SIGTERM does, and give what it had left to say."""
        weir.send_signal(signal.SIGTERM)
        rest, stderr = weir.communicate(timeout=60)
        self.assertEqual(weir.returncode, 0, stderr.decode())
        self.stderr = stderr.decode()
        return rest.decode()

    def cards(self, text):
        return [e["card"] for e in self.events_of(text)]

    def read_cards(self, weir, n):
        return [json.loads(weir.stdout.readline())["card"] for _ in range(n)]


class Sources(Wired):
    def test_messages_of_one_or_more_rows_are_read_over_tcp(self):
        address = "tcp://127.0.0.1:%d" % free_port()
        weir = self.start(PASS_ON % ('"%s", bind: true' % address, "json"))
        push = self.peer(zmq.PUSH, address)
        push.send(rows(txn(1, "a"), txn(2, "b")))
        push.send(rows(txn(3, "c")).rstrip(b"\n"))
        push.send(rows(txn(4, "d")))
        self.assertEqual(self.read_cards(weir, 3), ["a", "b", "c"])
        self.assertEqual(self.cards(self.end(weir)), ["d"])
        self.assertIn("4 events", self.stderr)

    def test_a_path_of_ipc_is_relative_to_the_rules_and_the_peer_may_come_later(self):
        weir = self.start(PASS_ON % ('"ipc://feed"', "json"))
        push = self.peer(zmq.PUSH, "ipc://" + self.path("feed"), bind=True)
        push.send(rows(txn(1, "a"), txn(2, "b")))
        self.assertEqual(self.read_cards(weir, 1), ["a"])
        self.end(weir)

    def test_what_is_published_under_a_topic_is_read_and_nothing_else(self):
        publisher = self.peer(zmq.XPUB, "ipc://" + self.path("feed"), bind=True)
        weir = self.start(PASS_ON % ('"ipc://feed", type: sub, topic: "txn"', "json"))
        self.assertEqual(publisher.recv(), b"\x01txn")
        publisher.send_multipart([b"other", rows(txn(1, "no"))])
        publisher.send_multipart([b"txn", rows(txn(2, "yes"), txn(3))])
        self.assertEqual(self.read_cards(weir, 1), ["yes"])
        self.end(weir)

    def test_messagepack(self):
        weir = self.start(PASS_ON % ('"ipc://feed"', "msgpack"))
        push = self.peer(zmq.PUSH, "ipc://" + self.path("feed"), bind=True)
        push.send(packed(txn(1, "a")) + packed(txn(2, "b")))
        push.send(packed(txn(3, "c")))
        self.assertEqual(self.read_cards(weir, 2), ["a", "b"])
        self.end(weir)

    def test_a_message_that_is_cut_or_garbled_does_not_reach_into_the_next(self):
        whole = packed(txn(2, "b"))
        bad = [whole[:-3], b"\xc1", b"\xdb\xff\xff\xff\xff", b"\x91" * 100 + b"\x00", b"\x07",
               b"\xdf\xff\xff\xff\xff\xa1a\x01", b""]
        rules = PASS_ON % ('"ipc://feed"', "msgpack") + """
sink dead.txn to file("dead.jsonl")
"""
        weir = self.start(rules)
        push = self.peer(zmq.PUSH, "ipc://" + self.path("feed"), bind=True)
        push.send(packed(txn(1, "a")))
        for message in bad:
            push.send(message)
        push.send(whole + bad[0])
        push.send(packed(txn(3, "c")))
        self.assertEqual(self.cards(self.end_after(weir, 2)), ["c"])
        dead = self.events_of(self.read("dead.jsonl"))
        self.assertEqual(len(dead), 7)
        self.assertIn("7 undecodable", self.stderr)

    def test_json_that_is_cut_or_garbled_does_not_reach_into_the_next(self):
        rules = PASS_ON % ('"ipc://feed"', "json") + 'sink dead.txn to file("dead.jsonl")\n'
        weir = self.start(rules)
        push = self.peer(zmq.PUSH, "ipc://" + self.path("feed"), bind=True)
        push.send(rows(txn(1, "a")))
        push.send(rows(txn(9, "no"))[:-4])
        push.send(b"\xff\xfe{")
        push.send(b"")
        push.send(rows(txn(2, "b"), txn(3, "c")))
        self.assertEqual(self.cards(self.end_after(weir, 2)), ["c"])
        self.assertEqual(len(self.events_of(self.read("dead.jsonl"))), 2)

    def end_after(self, weir, n):
        self.read_cards(weir, n)
        return self.end(weir)

    def test_a_message_above_the_bound_ends_its_connection_and_not_the_run(self):
        address = "tcp://127.0.0.1:%d" % free_port()
        weir = self.start(PASS_ON % ('"%s", bind: true' % address, "json"))
        self.wait_until_it_listens(address)
        with socket.create_connection(("127.0.0.1", int(address.rsplit(":", 1)[1]))) as raw:
            raw.settimeout(PATIENCE_MS / 1000)
            raw.sendall(b"\xff" + b"\0" * 8 + b"\x7f" + b"\x03\x00" + b"NULL" + b"\0" * 16 + b"\0" * 32)
            raw.sendall(b"\x04\x1a\x05READY\x0bSocket-Type\0\0\0\x04PUSH")
            raw.sendall(b"\x02" + (1 << 33).to_bytes(8, "big"))  # 8 GiB are announced
            while raw.recv(4096):
                pass
        push = self.peer(zmq.PUSH, address)
        push.send(rows(txn(1, "a"), txn(2, "b")))
        self.assertEqual(self.read_cards(weir, 1), ["a"])
        self.end(weir)

    def wait_until_it_listens(self, address):
        watched = self.peer(zmq.PUSH)
        monitor = watched.get_monitor_socket(zmq.EVENT_CONNECTED)
        watched.connect(address)
        self.assertNotEqual(monitor.poll(PATIENCE_MS), 0)
        watched.disable_monitor()
        monitor.close()
        watched.close()

    def test_silence_lets_time_go_on(self):
        weir = self.start(STREAM + """
source txn from zmq("ipc://feed") idle 50ms
sink silent to stdout()
rule quiet { match a: txn -> not b: txn  within 100ms  emit silent { card: a.card } }
""")
        push = self.peer(zmq.PUSH, "ipc://" + self.path("feed"), bind=True)
        push.send(rows(txn(1, "a")))
        self.assertEqual(self.read_cards(weir, 1), ["a"])
        self.end(weir)

    @unittest.skipIf("--shards" in command.RUN, "a run on several shards keeps no state")
    def test_with_state_what_was_read_survives_a_kill(self):
        rules = STREAM + """
source txn from zmq("ipc://feed")
sink pair to file("pairs.jsonl")
sink seen to stdout()
rule two { match a: txn -> b: txn by card emit pair { card, first: a.amount, second: b.amount } }
rule all { from txn emit seen { card } }
"""
        state = ("--state", self.path("state"))
        push = self.peer(zmq.PUSH, "ipc://" + self.path("feed"), bind=True)
        weir = self.start(rules, *state)
        push.send(rows(txn(1, "a", 1.5), txn(2, "b", 2.5), txn(3, "c", 3.5)))
        self.read_cards(weir, 2)  # they are on the tape
        weir.kill()
        weir.wait(timeout=60)
        weir = self.start(rules, *state)
        push.send(rows(txn(4, "a", 4.5), txn(5, "c", 5.5), txn(6, "x", 0.0), txn(7, "x", 0.0)))
        while self.read_cards(weir, 1) != ["x"]:
            pass
        self.end(weir)
        pairs = [(e["card"], e["first"], e["second"]) for e in self.events_of(self.read("pairs.jsonl"))]
        self.assertEqual(pairs[:2], [("a", 1.5, 4.5), ("c", 3.5, 5.5)])

    def test_an_address_that_is_taken_is_named(self):
        address = "tcp://127.0.0.1:%d" % free_port()
        taken = self.peer(zmq.PULL, address, bind=True)
        self.run_rules(PASS_ON % ('"%s", bind: true' % address, "json"), status=74)
        self.assertIn("cannot listen at '%s'" % address, self.stderr)
        taken.close()

    def test_a_file_can_be_read_instead(self):
        self.write("txn.jsonl", rows(txn(1, "a")))
        out = self.run_rules(PASS_ON % ('"ipc://feed"', "json"), "--from", self.path("txn.jsonl"))
        self.assertEqual(self.cards(out), ["a"])


class Sinks(Wired):
    def rules(self, options, form="json"):
        return STREAM + """
source txn from stdin()
sink big to zmq("ipc://out"%s) format %s
rule big { from txn where amount > 10 emit big { card, amount } }
""" % (options, form)

    def test_each_message_is_whole_rows_and_none_is_lost(self):
        pull = self.peer(zmq.PULL, "ipc://" + self.path("out"), bind=True)
        weir = self.start(self.rules(""))
        n = 5000
        weir.stdin.write(rows(*(txn(i, "c%d" % i, 20.0) for i in range(n))))
        weir.stdin.close()
        got = []
        while len(got) < n:
            message = pull.recv()
            self.assertTrue(message.endswith(b"\n"))
            got += self.events_of(message.decode())
        self.assertEqual([e["card"] for e in got], ["c%d" % i for i in range(n)])
        self.assertEqual(weir.wait(timeout=60), 0)

    def test_published_under_a_topic_in_messagepack(self):
        weir = self.start(self.rules(', type: pub, bind: true, topic: "big"', "msgpack"))
        sub = self.peer(zmq.SUB, "ipc://" + self.path("out"))
        sub.subscribe(b"big")
        second = 0
        while sub.poll(10) == 0:  # until the subscription has come
            second += 1
            weir.stdin.write(rows(txn(second, "a", 11.0)))
            weir.stdin.flush()
        topic, message = sub.recv_multipart()
        self.assertEqual(topic, b"big")
        self.assertIn(b"\xa4card\xa1a", message)
        weir.stdin.close()
        self.assertEqual(weir.wait(timeout=60), 0)

    def test_two_streams_share_a_socket_and_not_two_kinds_of_it(self):
        both = self.rules("") + 'sink txn to zmq("ipc://out"%s)\n'
        pull = self.peer(zmq.PULL, "ipc://" + self.path("out"), bind=True)
        weir = self.start(both % "")
        weir.stdin.write(rows(txn(1, "a", 5.0), txn(2, "b", 50.0)))
        weir.stdin.close()
        got = []
        while len(got) < 3:
            got += self.events_of(pull.recv().decode())
        self.assertEqual([e["card"] for e in got], ["a", "b", "b"])
        self.assertEqual(weir.wait(timeout=60), 0)
        self.run_rules(both % ", type: pub", status=2, stdin=b"")
        self.assertIn("two kinds of socket", self.stderr)


if __name__ == "__main__":
    unittest.main()
