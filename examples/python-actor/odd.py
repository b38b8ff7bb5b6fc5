"""How unlike the last readings of its pump a reading is, and pumps that have gone silent."""

import weir_actor


class Odd(weir_actor.Actor):
    """score: distance from the mean of the last n readings, in their mean distance."""

    takes = [("pump", "string", False), ("vibration", "float", False)]
    gives = [("pump", "string", False), ("score", "float", True), ("silent", "bool", False)]

    def new_state(self):
        return {"pump": "", "last": []}

    def event(self, state, time, values, emit):
        state["pump"], value = values
        last = state["last"]
        score = None
        if len(last) >= 3:
            mean = sum(last) / len(last)
            spread = sum(abs(x - mean) for x in last) / len(last)
            score = abs(value - mean) / spread if spread > 0 else 0.0
        state["last"] = (last + [value])[-self.params["n"]:]
        emit([state["pump"], score, False])
        return time + self.params["patience"]

    def timer(self, state, time, emit):
        emit([state["pump"], None, True])


if __name__ == "__main__":
    weir_actor.run(Odd)
