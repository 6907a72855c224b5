"""Going back: the state before each answer is kept, and restored when asked for."""

from bot.domain import MAX_CHECKPOINTS, Checkpoint
from bot.engine.walk import Walk


def remember(walk: Walk, checkpoint: Checkpoint) -> None:
    walk.checkpoints = (*walk.checkpoints[-(MAX_CHECKPOINTS - 1) :], checkpoint)


def checkpoint(walk: Walk) -> Checkpoint:
    """The state now, before an answer."""
    return Checkpoint(tuple(walk.stack), tuple(walk.slots.items()), len(walk.answers))


def back(walk: Walk) -> bool:
    """Return to before the last answer; False when there is none."""
    if not walk.checkpoints:
        return False
    _restore(walk, len(walk.checkpoints) - 1)
    return True


def back_to(walk: Walk, answers: int) -> bool:
    """Return to when there were so many answers; False when that is no longer known."""
    for number in range(len(walk.checkpoints) - 1, -1, -1):
        if walk.checkpoints[number].answered == answers:
            _restore(walk, number)
            return True
    return False


def _restore(walk: Walk, number: int) -> None:
    then = walk.checkpoints[number]
    walk.checkpoints = walk.checkpoints[:number]
    walk.stack = list(then.stack)
    walk.slots = dict(then.slots)
    walk.answers = walk.answers[: then.answered]
    walk.handing_over = None
    walk.waiting = False
    walk.attempts = 0
    frame = walk.stack[-1] if walk.stack else None
    if frame:
        walk.note("flow_resumed", frame.flow)
