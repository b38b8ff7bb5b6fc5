#!/usr/bin/env python3
"""Rules over data that nobody here wrote, against answers that were not worked out with Weir.

    run.py WEIR CASE DATA_FOLDER

A case is a rule file CASE.weir beside this script and a function below. Where the data is
not there, ends with 77 and says so: the data sets are not part of the project.
"""

import collections
import csv
import io
import math
import os
import statistics
import subprocess
import sys

import explored
from common import (Case, digest, instant, machine, milliseconds, near, quantile_of, rows_of, same, seconds)


def ssh(case, question, fields, rules=None):
    case.need("ssh_auth/ssh_events.csv")
    answer = case.published("ssh_auth", question)
    expected = [{name: alert[name] for name in fields} for alert in answer["list"]]
    same(f"ssh {question}", case.run(rules or f"ssh_{question.lower()}"), expected)
    same("number of alerts", len(expected), answer["alerts"])


def ssh_q1(case):
    ssh(case, "Q1", ["line", "ts", "ip", "failures"])


def ssh_q1_window(case):
    ssh(case, "Q1", ["line", "ts", "ip", "failures"], "ssh_q1_window")


def ssh_q3(case):
    ssh(case, "Q3", ["line", "ts", "ip", "distinct_users"])


def ssh_q2(case):
    ssh(case, "Q2", ["line", "ts", "ip", "user", "failed_rows"])


def ssh_q4(case):
    """The published list is in order of the logins; alerts come when the hour is over, which
    is the same order."""
    ssh(case, "Q4", ["line", "ts", "ip", "port", "user"])


def flights_filter(case):
    data = "flights_3m/flights_3m.csv.zst"
    case.need(data)
    unpack = subprocess.Popen(["zstd", "-dcq", os.path.join(case.data, data)], stdout=subprocess.PIPE)
    rows = (line.rstrip("\n").split(",") for line in io.TextIOWrapper(unpack.stdout, encoding="utf-8"))
    next(rows)
    expected = [
        {"date": r[0].replace(" ", "T") + ":00Z", "delay": int(r[1]), "destination": r[4]}
        for r in rows if r[3] == "ORD" and int(r[1]) >= 300]
    same("unpacking", unpack.wait(), 0)
    same("flights", case.run("flights_filter"), expected)
    if not expected:
        sys.exit("nothing was expected")


def flights_q1(case, rules="flights_q1"):
    case.need("flights_3m/flights_3m.csv.zst")
    answer = case.published("flights_3m", "Q1")
    alerts = case.run(rules)
    lines = [f"{a['date'][:16].replace('T', ' ')},{a['origin']}" for a in alerts]
    same("alerts", len(alerts), answer["alerts"])
    same("their SHA-256", digest(lines), answer["sha256_of_lines_date_comma_origin"])


def flights_q1_window(case):
    flights_q1(case, "flights_q1_window")


def flights_q4(case):
    case.need("flights_3m/flights_3m.csv.zst")
    answer = case.published("flights_3m", "Q4")
    out = case.run("flights_q4")
    days = [[d["start"][:10], d["departures"], d["delay"]] for d in out if "start" in d]
    airports = [[a["origin"], a["departures"]] for a in out if "origin" in a]
    same("days", len(days), answer["days"])
    same("worst day", max(days, key=lambda d: d[2] / d[1]), answer["worst_mean_delay"])
    same("best day", min(days, key=lambda d: d[2] / d[1]), answer["best_mean_delay"])
    same("delay", sum(d[2] for d in days), answer["total_delay"])
    same("airports", len(airports), answer["origins"])
    same("the largest", airports[:5], answer["rows_by_origin_top5"])


def nab_q1(case):
    """The file has twelve rows that go back in time; the answer is the same with them sorted."""
    machine(case)
    answer = case.published("nab", "Q1")
    alerts = [[a["timestamp"], a["value"]] for a in case.run("nab_q1")]
    same("number of alerts", len(alerts), answer["alerts"])
    same("nab Q1", alerts, [[instant(at), value] for at, value in answer["list"]])


def nab_q3(case):
    machine(case)
    expected = [{**a, "hot": instant(a["hot"]), "cold": instant(a["cold"])}
                for a in case.published("nab", "Q3")["list"]]
    same("nab Q3", case.run("nab_q3"), expected)


def nab_q4(case):
    """No gap is as long as five minutes; readings come each five minutes, so that a second less
    makes each of them the last for a while."""
    times = sorted(instant(row[0]) for row in machine(case))
    same("nab Q4", case.run("nab_q4"), case.published("nab", "Q4")["list"])
    silent = [{"since": a} for a, b in zip(times, times[1:]) if a != b]
    same("a second less", case.run("nab_q4", "--set", "gap=299s"), silent)


def retail(case):
    case.need("online_retail/online_retail.csv.zst")


def retail_q1(case):
    retail(case)
    answer = case.published("online_retail", "Q1")
    pairs = case.run("retail_q1")
    same("pairs", len(pairs), answer["matches"])
    same("their value", f"{sum(p['value'] for p in pairs):.2f}", answer["value_total"])
    lines = [f"{p['cancel']},{p['order']}" for p in sorted(pairs, key=lambda p: p["cancel"])]
    same("their SHA-256", digest(lines), answer["sha256_of_lines_seqB_comma_seqA"])


def retail_q3(case):
    retail(case)
    answer = case.published("online_retail", "Q3")
    customers = [c["customer"] for c in case.run("retail_q3")]
    same("customers", len(customers), answer["customers"])
    same("their SHA-256", digest(sorted(customers)), answer["sha256_of_sorted_customer_lines"])


def retail_q5(case):
    retail(case)
    answer = case.published("online_retail", "Q5")
    hours = [[h["start"][:13], h["lines"], f"{h['turnover']:.2f}"] for h in case.run("retail_q5")]
    same("hours", len(hours), answer["windows"])
    same("the best", max(hours, key=lambda h: float(h[2])), answer["largest"])
    same("the worst", min(hours, key=lambda h: float(h[2])), answer["smallest"])
    total = sum(float(h[2]) for h in hours)
    same("near the total", abs(total - float(answer["total"])) < 0.005 * len(hours), True)


def otto(case, question, fields):
    case.need("otto_sample/events.csv")
    answer = case.published("otto_sample", question)
    alerts = case.run(f"otto_{question.lower()}")
    for alert in alerts:
        alert.update({name: milliseconds(alert[name]) for name in alert if isinstance(alert[name], str)})
    same(f"otto {question}", sorted(list(a.values()) for a in alerts), sorted(
        [list(a[f] for f in fields) for a in answer["list"]] if fields else answer["list"]))
    same("their number", len(alerts), answer.get("alerts", answer.get("matches")))


def otto_q1(case):
    otto(case, "Q1", ["session", "aid", "click", "cart", "order"])


def otto_q2(case):
    otto(case, "Q2", None)


def otto_q3(case):
    otto(case, "Q3", None)


def air_ozone(case):
    last, days = {}, {}
    for row in rows_of(case, "beijing_air/beijing_air.csv.zst"):
        hours = last.setdefault(row["station"], collections.deque(maxlen=8))
        hours.append(row["o3"])
        values = [float(value) for value in hours if value]
        if len(values) >= 6:
            days.setdefault((row["ts"][:10], row["station"]), []).append(
                math.fsum(values) / len(values))
    expected = [[station, day + "T00:00:00Z", max(means), len(means)]
                for (day, station), means in days.items() if max(means) > 240]
    worst = [list(row.values()) for row in case.run("air_ozone")]
    near("days of much ozone", sorted(worst), sorted(expected))


def stocks_spike(case):
    before, alerts, expected = {}, {}, []
    for row in rows_of(case, "stocks_5yr/stocks_5yr.csv.zst"):
        if not row["volume"]:
            continue
        days = before.setdefault(row["symbol"], collections.deque(maxlen=20))
        at, volume = seconds(row["date"] + " 00:00:00"), int(row["volume"])
        if len(days) == 20 and volume > 5 * (sum(days) / 20):
            if at - alerts.get(row["symbol"], -1e18) >= 30 * 86400:
                alerts[row["symbol"]] = at
                expected.append([row["date"] + "T00:00:00Z", row["symbol"], volume,
                                 float(statistics.median(days))])
        days.append(volume)
    near("spikes", [[a["day"], a["symbol"], a["volume"], float(a["median"])]
                    for a in case.run("stocks_spike")], expected)


def bar_of(trades):
    prices = [price for _, price, _ in trades]
    shares = sum(size for _, _, size in trades)
    return [prices[0], max(prices), min(prices), prices[-1],
            math.fsum(price * size for _, price, size in trades) / shares, len(trades)]


def taq_bars(case):
    trades = [(row["ts"], float(row["price"]), int(row["size"]))
              for row in rows_of(case, "taq_ticks/trades.csv.gz")]
    spans = {}
    for trade in trades:
        spans.setdefault(seconds(trade[0]) // 300, []).append(trade)
    out = case.run("taq_bars")
    near("bars", [[seconds(bar["start"]) // 300] + [float(v) for v in list(bar.values())[1:]]
                  for bar in out if "start" in bar],
         [[span] + [float(v) for v in bar_of(members)] for span, members in spans.items()])
    batches = [trades[i:i + 1000] for i in range(0, len(trades), 1000)]
    near("batches", [[b["shares"], b["high"]] for b in out if "shares" in b],
         [[sum(t[2] for t in batch), max(t[1] for t in batch)] for batch in batches])


def slope_of(points):
    n = len(points)
    mean_x, mean_y = sum(x for x, _ in points) / n, math.fsum(y for _, y in points) / n
    return math.fsum((x - mean_x) * (y - mean_y) for x, y in points) \
        / math.fsum((x - mean_x) ** 2 for x, _ in points)


def skab_trend(case):
    expected, points, held = [], {}, {}
    for row in rows_of(case, "skab/valve1.csv.gz"):
        at, run = seconds(row["datetime"]), int(row["run"])
        window = points.setdefault(run, [])
        window.append((at, float(row["Volume_Flow_RateRMS"])))
        window[:] = [point for point in window if point[0] >= at - 59]
        flows = [flow for _, flow in window]
        holds = len(window) >= 50 and slope_of(window) < -0.02 and statistics.pstdev(flows) > 0.5
        if holds and not held.get(run):
            expected.append([run, instant(row["datetime"]), quantile_of(flows, 0.5),
                             slope_of(window), quantile_of(flows, 0.1), max(flows)])
        held[run] = holds
    near("drops", [list(drop.values()) for drop in case.run("skab_trend")], expected)


class Bursts:
    """Sessions of one metric: what is known of the open one at each hour, and when it ends."""

    def __init__(self, metric, out):
        self.metric, self.out = metric, out
        self.times, self.most, self.tick = [], None, None

    def tell(self):
        if len(self.times) >= 5:
            self.out.append([self.metric, self.times[0], self.times[-1] + 1800, len(self.times),
                             self.most])

    def go_on(self, now):
        while self.times and min(self.tick or math.inf, self.times[-1] + 1800) <= now:
            is_end = self.times[-1] + 1800 <= (self.tick or math.inf)
            self.tell()
            self.tick = None
            if is_end:
                self.times, self.most = [], None

    def add(self, now, value):
        self.go_on(now)
        self.times.append(now)
        self.most = value if self.most is None else max(self.most, value)
        self.tick = self.tick or now // 3600 * 3600 + 3600


def cloudwatch_sessions(case):
    """The file ends with time: the early result of an open session is told no more then."""
    before, bursts, expected, now = {}, {}, [], 0
    for row in rows_of(case, "nab/aws_cloudwatch.csv.gz"):
        metric, value, now = row["metric"], float(row["value"]), seconds(row["timestamp"])
        week = before.setdefault(metric, collections.deque(maxlen=2016))
        if len(week) == 2016 and value > quantile_of(week, 0.99):
            bursts.setdefault(metric, Bursts(metric, expected)).add(now, value)
        week.append(value)
    for burst in bursts.values():
        burst.go_on(now)
        burst.tell()
    near("bursts", sorted([b["metric"], seconds(b["start"]), seconds(b["end"]), b["n"], b["most"]]
                          for b in case.run("cloudwatch_sessions")), sorted(expected))


def until(case):
    """Address a: two failures, a login, one more failure, a login. Only without `until` are
    the failures on both sides of the login counted together. Address c: five minutes to the
    second are within five minutes."""
    b = {"ip": "b", "failures": 4, "at": "1970-01-01T00:00:42Z"}
    a = {"ip": "a", "failures": 3, "at": "1970-01-01T00:00:50Z"}
    c = {"ip": "c", "failures": 3, "at": "1970-01-01T00:06:00Z"}
    same("with until", case.run("until_with"), [b, c])
    same("without", case.run("until_without"), [b, a, c])


CASES = explored.CASES | {f.__name__: f for f in (
    ssh_q1, ssh_q1_window, ssh_q2, ssh_q3, ssh_q4, flights_filter, flights_q1, flights_q1_window,
    flights_q4, nab_q1, nab_q3, nab_q4, retail_q1, retail_q3, retail_q5, otto_q1, otto_q2, otto_q3,
    until, air_ozone, stocks_spike, taq_bars, skab_trend, cloudwatch_sessions)}


def main():
    if len(sys.argv) != 4 or sys.argv[2] not in CASES:
        sys.exit(__doc__ + "\ncases: " + " ".join(CASES))
    CASES[sys.argv[2]](Case(sys.argv[1], os.path.abspath(sys.argv[3])))


if __name__ == "__main__":
    main()
