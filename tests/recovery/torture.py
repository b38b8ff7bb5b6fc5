#!/usr/bin/env python3
"""Kills runs with a state directory and compares what they wrote in the end with what one
undisturbed run writes, byte for byte.

    torture.py WEIR [--rounds N] [--seed S] [--events N] [--shards N] [CASE]...

Cases: file, pipe, points, limit, damage, signal, shards, and with --faults LIBRARY power,
faults and clock; all of them if none is named. When a round
fails its seed and its folder are printed, and the folder is kept. How long a run lives is
drawn from the seed; what it wrote must not depend on it. The undisturbed run has one shard,
those that are killed as many as --shards says.
"""

import argparse
import json
import math
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
OUTPUTS = ("found.jsonl", "often.jsonl", "sum.jsonl", "high.csv", "late.jsonl", "joined.jsonl", "more.jsonl")
# Passages of a point that a short run has. `tools/check` sees to it that none is missing.
POINTS = {
    "checkpoint.begun": (1, 2, 3),
    "checkpoint.synced": (1, 2),
    "checkpoint.kept": (3, 4, 5),
    "kept.dropping": (1, 2),
    "refresh.taped": (1, 2, 3),
    "checkpoint.commit": (1, 2, 3),
    "checkpoint.committed": (1, 2, 3),
    "trimmed": (1, 2),
    "journal.commit": (1, 2, 17),
    "journal.committed": (1, 2, 17),
    "journal.trimmed": (1, 2),
    "recover.loaded": (1,),
    "recover.cutting": (1, 5),
    "recover.cut": (1,),
}


class Failed(Exception):
    pass


def make_events(path, seed, n):
    rng = random.Random(seed)
    now = 1_700_000_000_000
    with open(path, "w", encoding="utf-8") as out:
        for i in range(n):
            now += rng.choice((0, 0, 1, 2, 5, 20))
            back = rng.randint(0, 400) if i % 997 else 3000
            if i % 1009 == 1008:
                out.write('{"at":%d,"id":"none"}\n' % now)
            out.write(
                '{"at":%d,"id":%d,"kind":"%s","x":%d}\n'
                % (now - back, rng.randint(1, 300), rng.choice("abcd"), rng.randint(0, 100))
            )


class Torture:
    def __init__(self, weir, seed, events, shards, faults):
        self.shards = str(shards)
        self.weir = os.path.abspath(weir)
        self.faults = faults and os.path.abspath(faults)
        self.reached = set()
        self.seed = seed
        self.root = tempfile.mkdtemp(prefix="weir-torture-")
        self.events = os.path.join(self.root, "events.jsonl")
        make_events(self.events, seed, events)
        self.expected = self.undisturbed()

    def folder(self, name):
        path = os.path.join(self.root, name)
        shutil.rmtree(path, ignore_errors=True)
        os.mkdir(path)
        for name in ("rules.weir", "weights.csv"):
            shutil.copy(os.path.join(HERE, name), path)
        os.symlink(self.events, os.path.join(path, "in.jsonl"))
        return path

    def command(self, *more):
        return [self.weir, "run", "rules.weir", "--quiet", *more]

    def undisturbed(self):
        path = self.folder("expected")
        subprocess.run(self.command(), cwd=path, check=True)
        outputs = self.outputs(path)
        for name, data in outputs.items():
            if not data:
                raise Failed(f"{name} is empty: the test would show nothing")
        return outputs

    @staticmethod
    def outputs(path):
        found = {}
        for name in OUTPUTS:
            with open(os.path.join(path, name), "rb") as file:
                found[name] = file.read()
        return found

    def compare(self, path, what):
        for name, data in self.outputs(path).items():
            want = self.expected[name]
            if data != want:
                at = next(
                    (i for i, (a, b) in enumerate(zip(data, want)) if a != b),
                    min(len(data), len(want)),
                )
                raise Failed(
                    f"{what}: {name} differs at byte {at} ({len(data)} bytes, not {len(want)})"
                )

    def start(self, path, *more, env=None, stdin=None, stderr=subprocess.PIPE, shards=None):
        return subprocess.Popen(
            self.command(
                "--shards", shards or self.shards, "--state", "state", "--checkpoint", "20ms", *more
            ),
            cwd=path,
            stdin=stdin,
            stderr=stderr,
            env=dict(os.environ, **(env or {})),
            start_new_session=True,  # what cuts the power kills the group
        )

    def finish(self, process, what):
        _, said = process.communicate()
        if process.returncode != 0:
            raise Failed(f"{what}: exit status {process.returncode}: {said.decode()}")

    # ---- cases ----

    def case_file(self, rng, n):
        """A file in, files out, killed again and again."""
        path = self.folder(f"file-{n}")
        kills = 0
        while True:
            # Nobody waits for a child that writes a checkpoint: the next run has to.
            process = self.start(path, stderr=subprocess.DEVNULL)
            try:
                # Longer and longer: on a busy machine a short life comes to no checkpoint.
                process.wait(rng.uniform(0.005, 0.4 * 1.1**kills))
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
                kills += 1
                self.look_how_far(path)
                continue
            if process.returncode != 0:
                self.finish(self.start(path), "file")
            break
        self.compare(path, f"file, killed {kills} times")
        return kills

    def look_how_far(self, path):
        """Note whether what a next run begins from is a checkpoint behind the first."""
        for part in self.parts(path):
            if part["part"] == "source" and part["events"] > 0:
                self.reached.add("later checkpoint")

    def parts(self, path):
        """What `weir state show` says; nothing if there is no checkpoint yet."""
        shown = subprocess.run(
            [self.weir, "state", "show", "--format", "json", "state"],
            cwd=path,
            capture_output=True,
            check=False,
        )
        if shown.returncode == 66:  # killed before anything was there
            return []
        if shown.returncode != 0:
            raise Failed(f"weir state show: {shown.stderr.decode()}")
        return [json.loads(line) for line in shown.stdout.decode().splitlines()]

    def committed(self, path):
        parts = self.parts(path)
        for part in parts:
            if part["part"] == "source" and part["name"].startswith("reading"):
                return part["committed"]
        if parts:
            raise Failed("weir state show names no source")
        return 0

    def feed(self, process, at, rng, most):
        """Write events from byte `at` on, in pieces, `most` of them; False if it has gone."""
        with open(self.events, "rb") as file:
            file.seek(at)
            while most > 0:
                piece = file.read(rng.randint(1, 60000))
                if not piece:
                    break
                try:
                    process.stdin.write(piece)
                    process.stdin.flush()
                except BrokenPipeError:
                    return False
                most -= 1
        return True

    def case_pipe(self, rng, n):
        """A feeder that goes on from what `weir state show` calls committed."""
        path = self.folder(f"pipe-{n}")
        for kills in range(6):
            at = self.committed(path)
            process = self.start(path, "--from", "-", stdin=subprocess.PIPE)
            self.feed(process, at, rng, rng.randint(1, 60))
            process.kill()
            process.communicate()
        at = self.committed(path)
        process = self.start(path, "--from", "-", stdin=subprocess.PIPE)
        if not self.feed(process, at, rng, sys.maxsize):
            self.finish(process, "pipe")
        self.finish(process, "pipe")
        self.compare(path, f"pipe, killed {kills + 1} times")
        return kills + 1

    def case_points(self, rng, n):
        """A crash at each named point, with recovery from it; every second one by a pipe."""
        kills = 0
        for point, passages in POINTS.items():
            for passage in passages:
                kills += self.crash_at(rng, f"{point}:{passage}", n)
        return kills

    def feed_moments(self, process, path, n_parts=6):
        """Write the events in parts, and the next when a new moment has been kept of one."""
        with open(self.events, "rb") as file:
            data = file.read()
        seen = set()
        for i in range(n_parts):
            try:
                process.stdin.write(data[len(data) * i // n_parts : len(data) * (i + 1) // n_parts])
                process.stdin.flush()
            except BrokenPipeError:
                return
            now = seen
            while process.poll() is None and not now - seen:
                folder = os.path.join(path, "state", "kept")
                now = set(os.listdir(folder)) if os.path.isdir(folder) else set()
                now = {name for name in now if name.endswith(".head")}
            seen = seen | now

    def crash_at(self, rng, where, n):
        path = self.folder(f"points-{n}")
        is_kept = "kept" in where
        is_pipe = where.startswith("journal") or is_kept
        if where.startswith("recover"):  # something to recover from
            self.start(path, env={"WEIR_CRASH_AT": "checkpoint.committed:1"}).communicate()
        more = ("--from", "-", "--state-limit", "4M") if is_pipe else ()  # small pieces
        more += ("--keep-journal", "2s") if is_kept else ()
        process = self.start(
            path,
            *more,
            env={"WEIR_CRASH_AT": where},
            stdin=subprocess.PIPE if is_pipe else None,
        )
        if is_kept:
            self.feed_moments(process, path)
        elif is_pipe:
            self.feed(process, 0, rng, sys.maxsize)
        process.communicate()
        crashed = process.returncode == -signal.SIGKILL
        if not crashed and process.returncode != 0:
            raise Failed(f"{where}: exit status {process.returncode}")
        if crashed:
            at = self.committed(path) if is_pipe else 0
            process = self.start(path, *more, stdin=subprocess.PIPE if is_pipe else None)
            if is_pipe:
                self.feed(process, at, rng, sys.maxsize)
            self.finish(process, where)
        self.compare(path, where)
        if crashed:
            self.reached.add(where.split(":")[0])
        return int(crashed)

    def case_limit(self, rng, n):
        """A journal with room for a part of the input: intake waits, and nothing is lost."""
        path = self.folder(f"limit-{n}")
        process = self.start(
            path, "--state-limit", "2M", "--from", "-", stdin=subprocess.PIPE
        )
        self.feed(process, 0, rng, sys.maxsize)
        self.finish(process, "limit")
        self.compare(path, "limit")
        return 0

    def case_signal(self, rng, n):
        """SIGTERM writes the state and leaves the rest for the next run."""
        path = self.folder(f"signal-{n}")
        stops = 0
        while True:
            process = self.start(path)
            try:
                process.wait(rng.uniform(0.1, 0.5))
            except subprocess.TimeoutExpired:
                process.terminate()
                stops += 1
            _, said = process.communicate()
            if process.returncode not in (0, -signal.SIGTERM):
                raise Failed(f"signal: exit status {process.returncode}: {said.decode()}")
            shown = subprocess.run(
                [self.weir, "state", "show", "state"], cwd=path, capture_output=True, check=False
            )
            if b"all inputs at their ends" in shown.stdout:
                break
        self.compare(path, f"signal, stopped {stops} times")
        return stops

    def case_shards(self, rng, n):
        """Killed again and again, and gone on from on another number of shards each time."""
        path, kills = self.folder(f"shards-{n}"), 0
        for shards in [self.shards] + rng.sample(["1", "2", "3", "7", "8"], 5):
            at = self.committed(path)
            if at == os.path.getsize(self.events):
                break
            process = self.start(path, "--from", "-", stdin=subprocess.PIPE, shards=shards)
            self.feed(process, at, rng, rng.randint(2, 6))
            while self.committed(path) == at and process.poll() is None:
                pass  # what was fed is on its way
            process.kill()
            _, said = process.communicate()
            if process.returncode > 0:
                raise Failed(f"shards: {shards} got {process.returncode}: {said.decode()}")
            kills += 1
        at = self.committed(path)
        process = self.start(path, "--from", "-", stdin=subprocess.PIPE, shards=rng.choice("1238"))
        self.feed(process, at, rng, sys.maxsize)
        self.finish(process, "shards")
        self.compare(path, f"shards, killed {kills} times")
        return kills

    def case_damage(self, rng, n):
        """Damaged files are found and said, or did no harm; never a wrong answer."""
        whole = self.folder(f"damage-{n}")
        process = self.start(whole)
        stores = [os.path.join(whole, "state", name, "data.mdb") for name in ("state", "journal")]
        seconds = 0.25
        while process.poll() is None:
            try:
                process.wait(seconds)
            except subprocess.TimeoutExpired:
                if all(os.path.exists(name) for name in stores):
                    break
                seconds = 0.01
        process.kill()
        process.communicate()
        found = 0
        for turn in range(6):
            path = os.path.join(self.root, f"damaged-{n}")
            shutil.rmtree(path, ignore_errors=True)
            shutil.copytree(whole, path, symlinks=True)
            name = os.path.join(path, "state", rng.choice(("state", "journal")), "data.mdb")
            how = self.damage(name, rng, turn)
            process = self.start(path)
            _, said = process.communicate()
            if process.returncode == 0:
                self.compare(path, f"damage ({how})")
            elif process.returncode in (65, 74) and said.strip():
                found += 1
            else:
                raise Failed(f"damage ({how}): exit status {process.returncode}: {said}")
        return found

    def fault(self, rng, what, most):
        """The environment of a run in which `what` happens at some operation."""
        at = int(math.exp(rng.uniform(0, math.log(most))))
        fault = f"{what}:{rng.randrange(1 << 30)}:{at}"
        return {"LD_PRELOAD": self.faults, "WEIR_FAULT": fault}

    def run_with(self, path, rng, env, is_pipe):
        """One run to its end, by itself or another's hand. Returns status and words."""
        at = self.committed(path) if is_pipe else 0
        more = ("--from", "-") if is_pipe else ()
        with open(os.path.join(path, "said"), "w+b") as said:
            process = self.start(
                path, *more, env=env, stdin=subprocess.PIPE if is_pipe else None, stderr=said
            )
            if is_pipe:
                self.feed(process, at, rng, sys.maxsize)
                try:
                    process.stdin.close()
                except BrokenPipeError:
                    pass
            process.wait()
            said.seek(0)
            return process.returncode, said.read().decode(errors="replace")

    def check_committed(self, path, before, what):
        now = self.committed(path)
        if now < before:
            raise Failed(f"{what}: {before} bytes were committed, and {now} are there")
        return now

    def case_power(self, rng, n):
        """The power fails: what was not synced is there in part. Every second one a pipe."""
        path = self.folder(f"power-{n}")
        is_pipe = n % 2 == 1
        cuts = 0
        before = 0
        for _ in range(4):
            status, said = self.run_with(path, rng, self.fault(rng, "power", 400), is_pipe)
            if status == 0:
                break
            if status != -signal.SIGKILL:
                raise Failed(f"power, after {cuts} cuts: exit status {status}: {said}")
            cuts += 1
            self.look_how_far(path)
            if is_pipe:
                before = self.check_committed(path, before, "power")
        status, said = self.run_with(path, rng, None, is_pipe)
        if status != 0:
            raise Failed(f"power, after {cuts} cuts: exit status {status}: {said}")
        self.compare(path, f"power, cut {cuts} times")
        return cuts

    def case_faults(self, rng, n):
        """Writes and syncs fail: the run says so and stops, or it did not matter."""
        path = self.folder(f"faults-{n}")
        is_pipe = n // 4 % 2 == 1
        what = ("sync", "io", "nospace", "short")[n % 4]
        stops = 0
        before = 0
        for _ in range(3):
            status, said = self.run_with(path, rng, self.fault(rng, what, 200), is_pipe)
            if status not in (0, 74) or (status == 74 and not said.strip()):
                raise Failed(f"{what}: exit status {status}: {said}")
            if status == 74:
                stops += 1
                self.reached.add(what)
            elif "room" in said:
                self.reached.add("waited")
            if is_pipe:
                before = self.check_committed(path, before, what)
        status, said = self.run_with(path, rng, None, is_pipe)
        if status != 0:
            raise Failed(f"{what}, stopped {stops} times: exit status {status}: {said}")
        self.compare(path, f"{what}, stopped {stops} times")
        return stops

    def case_clock(self, rng, n):
        """A year passes, and comes back."""
        path = self.folder(f"clock-{n}")
        is_pipe = n % 2 == 1
        status, said = self.run_with(path, rng, self.fault(rng, "clock", 200), is_pipe)
        if status != 0:
            raise Failed(f"clock: exit status {status}: {said}")
        self.compare(path, "clock")
        return 0

    @staticmethod
    def damage(name, rng, turn):
        size = os.path.getsize(name)
        with open(name, "r+b") as file:
            if turn % 3 == 0:
                at = rng.randrange(size)
                file.truncate(at)
                return f"{name} cut at {at}"
            if turn % 3 == 1:
                at = rng.randrange(size // 4096) * 4096
                file.seek(at)
                file.write(bytes(4096))
                return f"{name} zeroed at {at}"
            for _ in range(8):
                at = rng.randrange(size)
                file.seek(at)
                byte = file.read(1)[0]
                file.seek(at)
                file.write(bytes([byte ^ 1 << rng.randrange(8)]))
            return f"{name} with 8 bits flipped"


# What has to have happened in some round of a case, or the case has shown nothing.
REACHED = {
    "file": {"later checkpoint"},
    "power": {"later checkpoint"},
    "faults": {"sync", "io"},
    "points": set(POINTS),
}
FAULTS = ("power", "faults", "clock")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("weir")
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--events", type=int, default=60000)
    parser.add_argument("--faults", help="the library of faults.c")
    parser.add_argument("--shards", type=int, default=1)
    parser.add_argument("case", nargs="*")
    request = parser.parse_intermixed_args()
    cases = request.case or ["file", "pipe", "points", "limit", "signal", "damage", "shards"] + list(
        FAULTS if request.faults else ()
    )
    torture = Torture(request.weir, request.seed, request.events, request.shards, request.faults)
    n_done = 0
    for case in cases:
        torture.reached = set()
        for n in range(request.rounds):
            rng = random.Random(f"{case} {request.seed} {n}")
            try:
                kills = getattr(torture, "case_" + case)(rng, n)
            except Failed as failure:
                print(f"FAILED {case} round {n} seed {request.seed}: {failure}")
                print(f"its folder is {torture.root}")
                return 1
            n_done += 1
            print(f"ok {case} {n}: {kills}")
        missed = REACHED.get(case, set()) - torture.reached
        if case == "points" and os.environ.get("WEIR_FAULT_POINTS") != "1":
            missed = set()
        if case != "points" and request.rounds < 8:
            missed = set()  # too few to ask for it
        if missed:
            print(f"FAILED {case}: never reached: {', '.join(sorted(missed))}")
            return 1
    shutil.rmtree(torture.root)
    print(f"{n_done} rounds, 0 failed")
    return 0


if __name__ == "__main__":
    sys.exit(main())
