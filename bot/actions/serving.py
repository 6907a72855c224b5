"""`firstline actions`: the same actions behind rasa-sdk's own server, on this computer only."""

import os

LOOPBACK = "127.0.0.1"


def serve_actions(port: int) -> None:
    """Blocks until stopped. rasa-sdk's server has no authentication and repeats a request's body in its error answers,
    so it is bound to loopback, whatever the environment says."""
    os.environ["SANIC_HOST"] = LOOPBACK
    from rasa_sdk import endpoint

    from bot.actions.actions import executor

    endpoint.run(executor(), port=port, cors_origins=[])
