"""How many ways there are, how long until something is advised, where ways turn in a circle: exact, listing none.

A way is the answers given from where a flow begins to where it ends. Within a circle of questions a way is cut where
it turns back: at an answer that leads to a question no farther (in answers) from the beginning than the one answered.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from bot.engine.paths import ROOT, Edge, End, State, Ways

HAND_OVER = "pattern_human_handoff"
HELPING = frozenset({HAND_OVER, "pattern_danger", "pattern_child"})
"""Patterns that count as advice: a person, the danger screen, Childline."""


@dataclass(frozen=True, slots=True)
class Graph:
    """A part of the ways without circles: `order` has every state before those it leads to."""

    order: tuple[State, ...]
    edges: Mapping[State, tuple[tuple[Edge, bool], ...]]
    """Counted edges of a state; False: the way is cut or ends with this edge."""

    def paths(self, roots: Iterable[State]) -> int:
        count: dict[State, int] = {}
        for state in reversed(self.order):
            count[state] = sum(count[edge.to] if goes_on and edge.to else 1 for edge, goes_on in self.edges[state])
        return sum(count[root] for root in dict.fromkeys(roots))

    def most_answers_before_advice(self) -> Mapping[State, int | None]:
        """From each state on, the longest way to advice; None where no way leads to any."""
        longest: dict[State, int | None] = {}
        for state in reversed(self.order):
            ways = [self._way(edge, goes_on, longest) for edge, goes_on in self.edges[state]]
            known = [way for way in ways if way is not None]
            longest[state] = max(known) if known else None
        return longest

    @staticmethod
    def _way(edge: Edge, goes_on: bool, longest: Mapping[State, int | None]) -> int | None:
        if helps(edge):
            return int(edge.answer)
        after = longest[edge.to] if goes_on and edge.to else None
        return None if after is None else after + edge.answer

    def most_answers_without_advice(self, root: State) -> Mapping[State, int]:
        """For each state that can be reached before anything is advised: how many answers that may have taken."""
        most: dict[State, int] = {root: 0}
        for state in self.order:
            if state in most:
                for edge, goes_on in self.edges[state]:
                    if goes_on and edge.to and not helps(edge):
                        most[edge.to] = max(most.get(edge.to, 0), most[state] + edge.answer)
        return most


def helps(edge: Edge) -> bool:
    """Whether something is advised here, or a person takes over."""
    if edge.advised or edge.end is End.PEOPLE or edge.elsewhere in HELPING:
        return True
    return edge.to is not None and edge.to.flow in HELPING


def alone(ways: Ways, flow: str) -> Graph:
    """The ways of one flow, up to where it ends or links to another."""
    return _graph(ways, ways.entries.get(flow, []), lambda state: state.flow == flow)


def together(ways: Ways, roots: Iterable[State] = ()) -> Graph:
    """The ways from the greeting (or `roots`) through every flow, up to a pattern or an end."""
    return _graph(ways, roots or ways.entries.get(ROOT, []), lambda state: state.flow == ROOT or not is_pattern(state))


def is_pattern(state: State) -> bool:
    return state.flow.startswith("pattern_")


def silent_circles(ways: Ways) -> list[tuple[State, ...]]:
    """Flows that lead to each other with nothing asked in between: walked without end."""

    def unasked(state: State) -> Iterator[State]:
        return (edge.to for edge in ways.edges.get(state, ()) if edge.to and not edge.answer and edge.counted)

    circles = _components(list(ways.edges), unasked)
    return [circle for circle in circles if len(circle) > 1 or circle[0] in set(unasked(circle[0]))]


def _graph(ways: Ways, roots: Iterable[State], belongs: Callable[[State], bool]) -> Graph:
    roots = list(roots)

    def next_of(state: State) -> Iterator[State]:
        edges = ways.edges.get(state, ())
        return (edge.to for edge in edges if edge.counted and edge.to and belongs(edge.to))

    distance = _distances(roots, next_of)
    components = _components(list(distance), next_of)
    component = {state: number for number, each in enumerate(components) for state in each}

    def goes_on(state: State, edge: Edge) -> bool:
        if edge.to is None or not belongs(edge.to):
            return False
        return component[edge.to] != component[state] or distance[edge.to] > distance[state]

    edges = {
        state: tuple((edge, goes_on(state, edge)) for edge in ways.edges.get(state, ()) if edge.counted)
        for state in distance
    }
    order = sorted(distance, key=lambda state: (-component[state], distance[state]))
    return Graph(tuple(order), edges)


def _distances(roots: Iterable[State], next_of: Callable[[State], Iterable[State]]) -> dict[State, int]:
    distance = dict.fromkeys(roots, 0)
    waiting = list(distance)
    for state in waiting:
        for to in next_of(state):
            if to not in distance:
                distance[to] = distance[state] + 1
                waiting.append(to)
    return distance


def _components(states: list[State], next_of: Callable[[State], Iterable[State]]) -> list[tuple[State, ...]]:
    """Tarjan's strongly connected components, without recursion; a component comes after those it leads to."""
    number: dict[State, int] = {}
    low: dict[State, int] = {}
    stack: list[State] = []
    on_stack: set[State] = set()
    found: list[tuple[State, ...]] = []
    for root in states:
        if root in number:
            continue
        work = [(root, iter(next_of(root)))]
        number[root] = low[root] = len(number)
        stack.append(root)
        on_stack.add(root)
        while work:
            state, following = work[-1]
            to = next(following, None)
            if to is None:
                work.pop()
                if work:
                    low[work[-1][0]] = min(low[work[-1][0]], low[state])
                if low[state] == number[state]:
                    place = stack.index(state)
                    found.append(tuple(stack[place:]))
                    on_stack.difference_update(stack[place:])
                    del stack[place:]
            elif to not in number:
                number[to] = low[to] = len(number)
                stack.append(to)
                on_stack.add(to)
                work.append((to, iter(next_of(to))))
            elif to in on_stack:
                low[state] = min(low[state], number[to])
    return found
