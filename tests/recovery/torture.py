#!/usr/bin/env python3
"""Kills runs with a state directory and compares what they wrote in the end with what one
undisturbed run writes, byte for byte.

    torture.py WEIR [--rounds N] [--seed S] [--events N] [CASE]...

Cases: file, pipe, points, limit, damage, signal; all of them if none is named. When a round
fails its seed and its folder are printed, and the folder is kept. How long a run lives is
drawn from the seed; what it wrote must not depend on it.
"""

import argparse
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
OUTPUTS = ("found.jsonl", "often.jsonl", "sum.jsonl", "high.csv", "late.jsonl", "joined.jsonl")
# Passages of a point that a short run has.
POINTS = {
    "checkpoint.begun": (1, 2, 3),
    "checkpoint.commit": (1, 2, 3),
    "checkpoint.committed": (1, 2, 3),
    "trimmed": (1, 2),
    "journal.commit": (1, 2, 17),
    "journal.committed": (1, 2, 17),
    "journal.trimmed": (1, 2),
    "recover.loaded": (1,),
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
            out.write(
                '{"at":%d,"id":%d,"kind":"%s","x":%d}\n'
                % (now - back, rng.randint(1, 300), rng.choice("abcd"), rng.randint(0, 100))
            )


class Torture:
    def __init__(self, weir, seed, events):
        self.weir = os.path.abspath(weir)
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

    def start(self, path, *more, env=None, stdin=None):
        return subprocess.Popen(
            self.command("--state", "state", "--checkpoint", "20ms", *more),
            cwd=path,
            stdin=stdin,
            stderr=subprocess.PIPE,
            env=dict(os.environ, **(env or {})),
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
            process = self.start(path)
            try:
                process.wait(rng.uniform(0.005, 0.4))
            except subprocess.TimeoutExpired:
                process.kill()
                process.communicate()
                kills += 1
                continue
            self.finish(process, "file")
            break
        self.compare(path, f"file, killed {kills} times")
        return kills

    def committed(self, path):
        shown = subprocess.run(
            [self.weir, "state", "show", "--format", "json", "state"],
            cwd=path,
            capture_output=True,
            check=False,
        )
        if shown.returncode == 66:  # killed before anything was there
            return 0
        if shown.returncode != 0:
            raise Failed(f"pipe: weir state show: {shown.stderr.decode()}")
        for line in shown.stdout.decode().splitlines():
            part = json.loads(line)
            if part["part"] == "source":
                return part["committed"]
        raise Failed("pipe: weir state show names no source")

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

    def crash_at(self, rng, where, n):
        path = self.folder(f"points-{n}")
        is_pipe = where.startswith("journal")
        if where.startswith("recover"):  # something to recover from
            process = self.start(path)
            try:
                process.wait(0.15)
            except subprocess.TimeoutExpired:
                pass
            process.kill()
            process.communicate()
        more = ("--from", "-") if is_pipe else ()
        process = self.start(
            path,
            *more,
            env={"WEIR_CRASH_AT": where},
            stdin=subprocess.PIPE if is_pipe else None,
        )
        if is_pipe:
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
        self.reached = getattr(self, "reached", set()) | ({where.split(":")[0]} if crashed else set())
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

    def case_damage(self, rng, n):
        """Damaged files are found and said, or did no harm; never a wrong answer."""
        whole = self.folder(f"damage-{n}")
        process = self.start(whole)
        try:
            process.wait(0.25)
        except subprocess.TimeoutExpired:
            pass
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


def main():
    cases = ("file", "pipe", "points", "limit", "signal", "damage")
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("weir")
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--events", type=int, default=60000)
    parser.add_argument("case", nargs="*")
    request = parser.parse_intermixed_args()
    torture = Torture(request.weir, request.seed, request.events)
    n_done = 0
    for case in request.case or cases:
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
    if "points" in (request.case or cases) and os.environ.get("WEIR_FAULT_POINTS") == "1":
        missed = set(POINTS) - torture.reached
        if missed:
            print(f"FAILED: never reached: {', '.join(sorted(missed))}")
            return 1
    shutil.rmtree(torture.root)
    print(f"{n_done} rounds, 0 failed")
    return 0


if __name__ == "__main__":
    sys.exit(main())
