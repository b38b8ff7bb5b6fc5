"""The far side of `actor … from process`: a program in Python as an actor of Weir.

    import weir_actor

    class Odd(weir_actor.Actor):
        takes = [("n", "int", False)]
        gives = [("odd", "bool", False)]

        def event(self, state, time, values, emit):
            emit([values[0] % 2 == 1])

    weir_actor.run(Odd)

Needs pyzmq and msgpack. The protocol is described in docs/plugins.md: frames of 64 bytes
and a MessagePack array, by a PAIR socket at the address in WEIR_ACTOR_ADDRESS.
"""

import heapq
import os
import struct

import msgpack
import zmq

PROTOCOL = 1
KIND = 64
# magic, version, kind, 2 unused, stream, link, sequence, watermark, rows, parts, size, sum
HEAD = struct.Struct("<4sBBxxIIQqIIQQ8x")


class Actor:
    """What an actor is; a state is whatever `new_state` gives, one for each key.

    takes, gives  lists of (name, type, may be null); times and durations are ns
    """

    takes = []
    gives = []
    version = 1

    def __init__(self, params):
        self.params = params

    def new_state(self):
        """The state of a key that has none. With the default, states are dicts that
        MessagePack can hold, and are saved."""
        return {}

    def event(self, state, time, values, emit):
        """One event. emit(outputs) gives one; a raised Exception is a failure of this
        event, what was given for it is not. Returns None, or when to be called again:
        a time in ns, False for not at all."""
        raise NotImplementedError

    def timer(self, state, time, emit):
        """The time that was asked for has come. Returns as `event`."""


class _Server:
    def __init__(self, actor_class, socket):
        self.actor_class = actor_class
        self.socket = socket
        self.actor = None
        self.idle = None
        self.is_keyed = False
        self.states = {}  # key: [state, timer or None, last event]
        self.heap = []  # (timer, number, key)
        self.made = {}  # key: the number of the event with which it began

    def answer(self, sequence, *message):
        payload = msgpack.packb(message, use_bin_type=True)
        head = HEAD.pack(b"WEIR", 1, KIND, 0, 0, sequence, 0, 0, 1, len(payload), 0)
        self.socket.send(head + payload)

    def serve(self):
        """Answer requests until goodbye."""
        while True:
            frame = self.socket.recv()
            magic, version, kind, _, _, sequence, _, _, _, size, _ = HEAD.unpack_from(frame)
            if (magic, version, kind, size) != (b"WEIR", 1, KIND, len(frame) - HEAD.size):
                raise ValueError("this is no frame of this version")
            word, *rest = msgpack.unpackb(memoryview(frame)[HEAD.size:], strict_map_key=False)
            if word == "goodbye":
                return
            self.answer(sequence, *getattr(self, "on_" + word)(*rest))

    def on_hello(self, protocol, _name, params, takes, gives, keyed, idle):
        """Compare what both sides think, and make the actor."""
        if protocol != PROTOCOL:
            return "error", "it speaks protocol %d, this is %d" % (protocol, PROTOCOL)
        self.actor = self.actor_class(params)
        self.idle = idle
        self.is_keyed = keyed
        return ("hello", PROTOCOL, [list(field) for field in self.actor.takes],
                [list(field) for field in self.actor.gives], "saved", self.actor.version)

    def on_save(self):
        """All that there is to remember: of each key, in order, or as a whole."""
        keys = [[key, msgpack.packb([*self.states[key], self.made[key]], use_bin_type=True)]
                for key in (sorted(self.states) if self.is_keyed else self.states)]
        return "state", keys if self.is_keyed else msgpack.packb(keys, use_bin_type=True)

    def on_restore(self, state):
        """The other way."""
        for key, kept in state if self.is_keyed else msgpack.unpackb(state):
            value, timer, last, made = msgpack.unpackb(kept, strict_map_key=False)
            self.states[key] = [value, None, last]
            self.made[key] = made
            self.set_timer(key, timer)
        return ("done",)

    def set_timer(self, key, timer):
        """One timer a state: this one, or with None none."""
        self.states[key][1] = timer
        if timer is not None:
            heapq.heappush(self.heap, (timer, self.made[key], key))

    def next_timer(self):
        """The earliest that still holds."""
        while self.heap:
            timer, made, key = self.heap[0]
            if key in self.states and self.made[key] == made and self.states[key][1] == timer:
                return timer
            heapq.heappop(self.heap)
        return None

    def call(self, key, call, of, events, failures):
        """One call of the actor: what it gives is given if it succeeds. `of` says what for:
        [row, time], or of a timer [None, time, number]."""
        given = []
        try:
            when = call(lambda values: given.append([*of, *values]))
        except Exception as failure:  # pylint: disable=broad-except
            failures.append([*of, (str(failure) or type(failure).__name__)[:60]])
            return False
        events += given
        if when is not None:
            self.set_timer(key, when or None)
        return True

    def fire_before(self, time, events, failures):
        """All timers before a time; and keys that have been idle are forgotten."""
        while (timer := self.next_timer()) is not None and timer < time:
            _, _, key = heapq.heappop(self.heap)
            state = self.states[key]
            state[1] = None
            if self.idle is not None and state[2] + self.idle <= timer:
                del self.states[key], self.made[key]
                continue
            self.call(key, lambda emit, s=state[0], t=timer: self.actor.timer(s, t, emit),
                      [None, timer, self.made[key]], events, failures)
        if self.idle is not None:
            for key in [k for k, s in self.states.items() if s[2] + self.idle <= time]:
                del self.states[key], self.made[key]

    def on_rows(self, stops, rows):
        """Events, in order of time."""
        events, failures = [], []
        for i, (time, key, number, *values) in enumerate(rows):
            self.fire_before(time, events, failures)
            if key not in self.states:
                self.made[key] = number
                self.states[key] = [self.actor.new_state(), None, time]
            state = self.states[key]
            state[2] = time
            is_ok = self.call(
                key, lambda emit, s=state[0], t=time, v=values: self.actor.event(s, t, v, emit),
                [i, time], events, failures)
            if stops and not is_ok:
                return "result", i, events, failures, self.next_timer()
        return "result", len(rows), events, failures, self.next_timer()

    def on_advance(self, time):
        """No event comes before this time any more."""
        events, failures = [], []
        self.fire_before(time, events, failures)
        return "result", 0, events, failures, self.next_timer()


def run(actor_class):
    """Be this actor until Weir says goodbye."""
    context = zmq.Context()
    socket = context.socket(zmq.PAIR)
    socket.setsockopt(zmq.LINGER, 1000)
    socket.connect(os.environ["WEIR_ACTOR_ADDRESS"])
    try:
        _Server(actor_class, socket).serve()
    finally:
        socket.close()
        context.term()
