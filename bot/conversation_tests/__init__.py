"""Conversation tests: scripts in Rasa's end-to-end YAML, played through the real engine.

What a script may say beyond Rasa's format, or differently:
- `user: /session_start` opens the conversation; `metadata` with `flow: <id>` makes it a deep link. `/SetSlots(a=b)` and
  `/<intent>` press a button that is on offer (or a standing command); any other words are typed.
- `metadata: [{photo: {media: photo}}]` on a `user` step sends a picture instead, with `chat: left` or
  `chat: taken_out` when it stays in the provider's chat or was taken out; `{case: closed}` or `{case: given_back}` lets
  the adviser end the case.
- Assertions `case_opened: true | {tier: 0-3, reason: words}` and `case_not_opened`.
- `fixtures` fill slots after the greeting: questions so answered are passed. Without `mocked_datetime` it is noon on
  Monday 6 July 2026, and advisers are there.
- Plain expectations under a `user` step with `assertions` are checked too (Rasa ignores them).
- `buttons` must be among those offered, in the order written. Unknown keys and names are errors.
- Trouble in a flow fails the test, unless an action is stubbed with `fails: true`.
"""

from bot.conversation_tests.run import run_tests

__all__ = ["run_tests"]
