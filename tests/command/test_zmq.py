"""Rules that read from and write to other programs by ZeroMQ, as a user meets them.

Usage: test_zmq.py PATH_TO_WEIR [unittest arguments]
"""

import fcntl
import json
import os
import signal
import socket
import struct
import subprocess
import sys
import termios
import unittest

DEBIAN = "/usr/bin/python3"
try:
    import zmq
    import zmq.utils.monitor
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

    def kill(self, weir, peer):
        """Once `peer` has heard of it, what it sends goes to whoever comes next."""
        gone = peer.get_monitor_socket(zmq.EVENT_DISCONNECTED)
        gone.rcvtimeo = PATIENCE_MS
        weir.kill()
        weir.wait(timeout=60)
        gone.recv_multipart()
        peer.disable_monitor()

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
        self.kill(weir, push)
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

    def test_a_run_that_is_stopped_does_not_wait_for_ever_for_who_reads(self):
        weir = self.start(self.rules(""))
        weir.stdin.write(rows(*(txn(i, "c%d" % i, 20.0) for i in range(300))))
        weir.stdin.flush()
        while any(fcntl.ioctl(weir.stdin, termios.FIONREAD, bytes(4))):
            pass  # until it has read them
        weir.send_signal(signal.SIGTERM)
        _, stderr = weir.communicate(timeout=60)
        if weir.returncode != 0:  # else it had not come to write
            self.assertEqual(weir.returncode, 74, stderr)
            self.assertIn(b"nobody takes what is written", stderr)

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


class Requests(Wired):
    """Sources of type router and dealer: who sends is told when its message is kept."""

    ROUTER = PASS_ON % ('"ipc://feed", type: router, bind: true', "json")
    MANY = ROUTER.replace("stdout()", 'file("seen.jsonl")')  # more than a pipe holds

    def ask(self, request, *events):
        request.send(rows(*events))
        return request.recv()

    def test_each_request_is_answered_when_it_was_taken_in(self):
        weir = self.start(self.ROUTER)
        one = self.peer(zmq.REQ, "ipc://" + self.path("feed"))
        two = self.peer(zmq.REQ, "ipc://" + self.path("feed"))
        self.assertEqual(self.ask(one, txn(1, "a"), txn(2, "b")), b"ok")
        self.assertEqual(self.ask(two, txn(3, "c")), b"ok")
        self.assertEqual(self.ask(one, txn(4, "d")), b"ok")
        self.assertEqual(self.cards(self.end(weir)), ["a", "b", "c", "d"])

    def test_a_reply_has_what_stood_before_the_rows(self):
        weir = self.start(self.MANY)
        dealer = self.peer(zmq.DEALER, "ipc://" + self.path("feed"))
        n, ahead = 3000, 1000  # messages, and how many of them without an answer
        for number in range(n + ahead):
            if number < n:
                dealer.send_multipart([b"", b"%d" % number, rows(txn(number, "a"))])
            if number >= ahead:
                self.assertEqual(dealer.recv_multipart(), [b"", b"%d" % (number - ahead), b"ok"])
        self.end(weir)
        self.assertEqual(len(self.events_of(self.read("seen.jsonl"))), n)

    def test_messages_with_nothing_in_them_garbage_and_large_ones_are_answered_too(self):
        weir = self.start(self.MANY + 'sink dead.txn to file("dead.jsonl")\n')
        request = self.peer(zmq.REQ, "ipc://" + self.path("feed"))
        for message in (b"", b"\xff{", rows(*(txn(1, "a" * 1000) for _ in range(2000))), b""):
            request.send(message)
            self.assertEqual(request.recv(), b"ok")
        self.end(weir)
        self.assertEqual(len(self.events_of(self.read("seen.jsonl"))), 2000)
        self.assertEqual(len(self.events_of(self.read("dead.jsonl"))), 1)

    def test_envelopes_beyond_the_bound_are_read_and_not_answered(self):
        weir = self.start(self.ROUTER)
        dealer = self.peer(zmq.DEALER, "ipc://" + self.path("feed"))
        dealer.send_multipart([b"x" * 600, rows(txn(1, "a"))])
        dealer.send_multipart([b"x"] * 20 + [rows(txn(2, "b"))])
        dealer.send_multipart([b"short", rows(txn(3, "c"))])
        self.assertEqual(dealer.recv_multipart(), [b"short", b"ok"])
        self.assertEqual(self.cards(self.end(weir)), ["a", "b", "c"])

    def test_who_reads_no_replies_holds_nobody_up(self):
        weir = self.start(self.MANY)
        deaf = self.peer(zmq.DEALER)
        deaf.rcvhwm = 1
        deaf.connect("ipc://" + self.path("feed"))
        for number in range(3000):
            deaf.send(rows(txn(number, "deaf")))
        request = self.peer(zmq.REQ, "ipc://" + self.path("feed"))
        self.assertEqual(self.ask(request, txn(3000, "good")), b"ok")
        self.end(weir)

    def test_without_replies_none_is_sent(self):
        weir = self.start(PASS_ON % ('"ipc://feed", type: router, bind: true, reply: false', "json"))
        dealer = self.peer(zmq.DEALER, "ipc://" + self.path("feed"))
        dealer.send(rows(txn(1, "a"), txn(2, "b")))
        self.assertEqual(self.read_cards(weir, 1), ["a"])
        self.end(weir)
        self.assertEqual(dealer.poll(0), 0)

    def test_what_was_answered_survives_a_kill(self):
        rules = STREAM + """
source txn from zmq("ipc://feed", type: router, bind: true)
sink pair to file("pairs.jsonl")
rule two { match a: txn -> b: txn by card emit pair { card, first: a.amount, second: b.amount } }
"""
        state = ("--state", self.path("state"))
        expected = []
        weir = self.start(rules, *state)
        for number in range(0, 30, 2):
            request = self.peer(zmq.REQ, "ipc://" + self.path("feed"))
            card = "c%d" % number
            self.assertEqual(self.ask(request, txn(number, card, 1.5)), b"ok")
            weir.kill()  # as soon as the reply is here
            weir.wait(timeout=60)
            request.close()
            os.remove(self.path("feed"))
            weir = self.start(rules, *state)
            request = self.peer(zmq.REQ, "ipc://" + self.path("feed"))
            self.assertEqual(self.ask(request, txn(number + 1, card, 2.5)), b"ok")
            request.close()
            expected.append((card, 1.5, 2.5))
        request = self.peer(zmq.REQ, "ipc://" + self.path("feed"))
        self.ask(request, txn(99, "last"))  # what came before it is judged
        self.end(weir)
        pairs = [(e["card"], e["first"], e["second"]) for e in self.events_of(self.read("pairs.jsonl"))]
        self.assertEqual(pairs, expected)

    def test_a_dealer_reads_from_a_router_that_knows_its_name(self):
        router = self.peer(zmq.ROUTER)
        router.router_mandatory = 1
        router.bind("ipc://" + self.path("feed"))
        monitor = router.get_monitor_socket(zmq.EVENT_HANDSHAKE_SUCCEEDED)
        weir = self.start(PASS_ON % ('"ipc://feed", type: dealer, name: "weir-1", reply: true', "json"))
        self.assertNotEqual(monitor.poll(PATIENCE_MS), 0)
        self.send_when_known(router, [b"weir-1", b"7", rows(txn(1, "a"))])
        self.assertEqual(router.recv_multipart(), [b"weir-1", b"7", b"ok"])
        router.disable_monitor()
        monitor.close()
        self.assertEqual(self.cards(self.end(weir)), ["a"])

    def send_when_known(self, router, message):
        while True:
            try:
                return router.send_multipart(message)
            except zmq.ZMQError as error:
                if error.errno != zmq.EHOSTUNREACH:
                    raise


class Dealers(Wired):
    RULES = STREAM + """
source txn from stdin()
sink big to zmq("ipc://out", type: dealer)
rule big { from txn where amount > 10 emit big { card, amount } }
"""

    def test_a_server_of_replies_has_each_message_and_its_answers_are_dropped(self):
        server = self.peer(zmq.REP, "ipc://" + self.path("out"), bind=True)
        weir = self.start(self.RULES)
        n = 3000
        for first in range(0, n, 10):
            weir.stdin.write(rows(*(txn(i, "c%d" % i, 20.0) for i in range(first, first + 10))))
            weir.stdin.flush()
        weir.stdin.close()
        got = []
        while len(got) < n:
            got += self.cards(server.recv().decode())
            server.send(b"x" * 1000)
        self.assertEqual(got, ["c%d" % i for i in range(n)])
        self.assertEqual(weir.wait(timeout=60), 0)

    def test_a_router_has_an_empty_part_and_the_rows(self):
        router = self.peer(zmq.ROUTER, "ipc://" + self.path("out"), bind=True)
        weir = self.start(self.RULES)
        weir.stdin.write(rows(txn(1, "a", 20.0), txn(2, "b", 1.0)))
        weir.stdin.close()
        _, empty, message = router.recv_multipart()
        self.assertEqual((empty, self.cards(message.decode())), (b"", ["a"]))
        self.assertEqual(weir.wait(timeout=60), 0)


@unittest.skipUnless(zmq.has("curve"), "this ZeroMQ has no CURVE")
class Keys(Wired):
    def setUp(self):
        super().setUp()
        self.public, self.secret = self.keygen("weir")

    def keygen(self, name):
        subprocess.run([command.WEIR, "keygen", self.path(name)], check=True, capture_output=True)
        return [self.read(name + end).strip() for end in (".pub", ".key")]

    def keyed(self, kind, public, secret, server=None):
        peer = self.peer(kind)
        peer.curve_publickey, peer.curve_secretkey = public.encode(), secret.encode()
        if server is None:
            peer.curve_server = True
        else:
            peer.curve_serverkey = server.encode()
        return peer

    def address(self):
        return "tcp://127.0.0.1:%d" % free_port()

    def refused(self, peer, address):
        """Go there, and wait until it has been hung up on."""
        monitor = peer.get_monitor_socket(zmq.EVENT_HANDSHAKE_FAILED_NO_DETAIL
                                          | zmq.EVENT_HANDSHAKE_FAILED_PROTOCOL
                                          | zmq.EVENT_HANDSHAKE_FAILED_AUTH
                                          | zmq.EVENT_HANDSHAKE_SUCCEEDED)
        peer.connect(address)
        event = zmq.utils.monitor.recv_monitor_message(monitor)["event"]
        self.assertNotEqual(event, zmq.EVENT_HANDSHAKE_SUCCEEDED)
        peer.disable_monitor()
        monitor.close()

    def test_only_those_whose_keys_are_named_may_come(self):
        good = [self.keygen("good"), self.keygen("too")]
        other = self.keygen("other")
        address = self.address()
        weir = self.start(PASS_ON % ('"%s", type: router, bind: true, key: "weir.key", peer: "%s", peer: "%s"' % (
            address, good[0][0], good[1][0]), "json"))
        for number, pair in enumerate(good):
            request = self.keyed(zmq.REQ, *pair, self.public)
            request.connect(address)
            request.send(rows(txn(number, "good")))
            self.assertEqual(request.recv(), b"ok")
        stranger = self.keyed(zmq.REQ, *other, self.public)
        self.refused(stranger, address)
        self.refused(self.peer(zmq.REQ), address)  # no key at all
        deceived = self.keyed(zmq.REQ, *good[0], other[0])  # takes us for somebody else
        self.refused(deceived, address)
        self.assertEqual(self.cards(self.end(weir)), ["good", "good"])

    def test_who_goes_somewhere_proves_who_it_is_and_believes_one_key(self):
        public, secret = self.keygen("server")
        address = self.address()
        pull = self.keyed(zmq.PULL, public, secret)
        pull.bind(address)
        weir = self.start(STREAM + """
source txn from stdin()
sink txn to zmq("%s", key: "weir.key", peer: "%s")
""" % (address, public))
        weir.stdin.write(rows(txn(1, "a")))
        weir.stdin.close()
        self.assertEqual(self.cards(pull.recv().decode()), ["a"])
        self.assertEqual(weir.wait(timeout=60), 0)

    def test_a_run_whose_key_is_refused_ends_and_says_so(self):
        public, secret = self.keygen("server")
        doorman = self.peer(zmq.REP, "inproc://zeromq.zap.01", bind=True)
        for rules in ("source txn from stdin()\nsink txn to zmq(%s)",
                      "source txn from zmq(%s, type: dealer)\nsink txn to stdout()"):
            with self.subTest(rules=rules):
                address = self.address()
                server = self.keyed(zmq.PULL if "sink txn to zmq" in rules else zmq.ROUTER, public, secret)
                server.bind(address)
                weir = self.start(STREAM + rules % ('"%s", key: "weir.key", peer: "%s"' % (address, public)))
                weir.stdin.write(rows(txn(1, "a"), txn(2, "b")))
                weir.stdin.flush()
                request = doorman.recv_multipart()
                doorman.send_multipart([b"1.0", request[1], b"400", b"no", b"", b""])
                self.assertEqual(weir.wait(timeout=60), 74)
                self.assertIn("'%s' does not let our key in" % address, weir.stderr.read().decode())
                server.close()

    def test_without_a_key_of_its_own_it_has_one_for_the_moment(self):
        public, secret = self.keygen("server")
        publisher = self.keyed(zmq.XPUB, public, secret)
        publisher.bind("ipc://" + self.path("feed"))
        weir = self.start(PASS_ON % ('"ipc://feed", type: sub, peer: "%s"' % public, "json"))
        self.assertEqual(publisher.recv(), b"\x01")
        publisher.send(rows(txn(1, "a"), txn(2, "b")))
        self.assertEqual(self.read_cards(weir, 1), ["a"])
        self.end(weir)

    def test_all_kinds_of_sockets_that_listen_have_keys(self):
        good = self.keygen("good")
        for type, kind in (("pub", zmq.SUB), ("push", zmq.PULL), ("dealer", zmq.DEALER)):
            with self.subTest(type=type):
                address = self.address()
                weir = self.start(STREAM + """
source txn from stdin()
sink txn to zmq("%s", type: %s, bind: true, key: "weir.key", peer: "%s")
""" % (address, type, good[0]))
                reader = self.keyed(kind, *good, self.public)
                if kind == zmq.SUB:
                    reader.subscribe(b"")
                reader.connect(address)
                second = 0
                while True:  # pub: until the subscription has come
                    second += 1
                    weir.stdin.write(rows(txn(second, "a")))
                    weir.stdin.flush()
                    if reader.poll(10):
                        break
                self.assertEqual(self.cards(reader.recv_multipart()[-1].decode())[0], "a")
                reader.close()
                weir.kill()
                weir.wait(timeout=60)

    def test_a_secret_key_that_others_may_read_or_that_is_none_is_refused(self):
        rules = PASS_ON % ('"ipc://feed", bind: true, key: "weir.key", peer: "%s"' % self.public, "json")
        os.chmod(self.path("weir.key"), 0o644)
        self.run_rules(rules, status=2)
        self.assertIn("others may use the secret key", self.stderr)
        os.chmod(self.path("weir.key"), 0o600)
        self.write("weir.key", "no key")
        self.run_rules(rules, status=65)
        self.assertIn("has no key in it", self.stderr)
        os.remove(self.path("weir.key"))
        self.run_rules(rules, status=66)
        self.assertIn("there is no key", self.stderr)


if __name__ == "__main__":
    unittest.main()
