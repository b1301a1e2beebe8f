"""Bad calls: every argument of every public function that is a number, a text or a choice, just outside of its edges.

    python calls.py [ROOMS AT MOST [TABLE.csv]]

Functions, edges and values are those of the page on edges (97_edges). Asked for: a ValueError that begins with the
argument's name and its value and says what is allowed. Another error, or none, would be a fault.
"""
from mutations import tests
from tally import command, tally


def tried(edges, f):
    "What came of all bad values of a function, one at a time."
    bad = [(argument, value) for argument, rule in edges.rules_of(f).items() for value in edges.bad_values(rule)]
    return [edges.outcome(f, *pair) for pair in bad]

def main(n):
    edges = tests('test_edges')
    rooms = list(dict.fromkeys(name.split('.')[0] for name in edges.DOORS))[:n]
    doors = {room: [f for name, f in edges.DOORS.items() if name.startswith(f'{room}.')] for room in rooms}
    return tally((f'{room}, bad calls', [o for f in found for o in tried(edges, f)]) for room, found in doors.items())


if __name__ == '__main__': command(main, 99)
