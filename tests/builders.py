"""Libraries and conversations for tests: a small helpline in YAML, and someone who talks to it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from functools import lru_cache

import msgspec

from bot.domain import (
    ActionDone,
    CaseEnded,
    Conversation,
    Deletion,
    Gate,
    Heard,
    Intent,
    MediaKind,
    MediaRefused,
    Opened,
    Outcome,
    Pressed,
    Reply,
    Said,
    SlotValue,
    Token,
)
from bot.engine import advance, begin
from bot.engine.render import render
from bot.library.load import load_files
from bot.library.model import Library

NOON = datetime(2026, 7, 6, 12, 0, tzinfo=UTC)
TODAY = date(2026, 7, 6)

PATTERNS = """
version: "3.1"
flows:
  pattern_session_start:
    description: Greets.
    steps:
      - action: utter_hello
      - link: start
  pattern_completed:
    description: Anything else?
    steps:
      - action: utter_anything_else
  pattern_continue_interrupted:
    description: Goes on.
    steps:
      - action: utter_we_go_on
  pattern_cancel_flow:
    description: Cancels.
    steps:
      - action: utter_cancelled
  pattern_cannot_handle:
    description: Cannot make it out.
    steps:
      - action: utter_offer_person
  pattern_internal_error:
    description: Something went wrong.
    steps:
      - action: utter_internal_error
  pattern_human_handoff:
    description: Hands over to people.
    nlu_trigger: [{intent: talk_to_person}]
    metadata: {firstline: {examples: [talk to a person, /person, speak to someone]}}
    steps:
      - collect: consent
        next:
          - if: slots.consent
            then:
              - action: action_hand_over
              - action: utter_handed_over
                next: END
          - else:
              - action: utter_not_handed_over
                next: END
  pattern_danger:
    description: The danger screen.
    nlu_trigger: [{intent: danger_now}]
    metadata: {firstline: {examples: [danger now]}}
    steps:
      - action: utter_page_danger_now
      - collect: danger_seen
        next:
          - if: slots.danger_seen
            then:
              - action: action_carry_on
                next: END
          - else: END
  pattern_child:
    description: A child is writing.
    steps:
      - action: utter_child
  pattern_media_refused:
    description: No pictures.
    steps:
      - action: utter_no_media
  pattern_back:
    description: One step back.
    nlu_trigger: [{intent: back}]
    metadata: {firstline: {examples: {en: [back, go back], cy: [yn ol]}}}
    steps:
      - action: action_back
  pattern_change_answer:
    description: Another answer.
    nlu_trigger: [{intent: change_answer}]
    metadata: {firstline: {examples: [change an answer]}}
    steps:
      - action: action_change_answer
  pattern_restart:
    description: From the start.
    nlu_trigger: [{intent: restart}]
    metadata: {firstline: {examples: [start again, /start, /restart]}}
    steps:
      - action: action_restart
  pattern_why:
    description: Why do you ask?
    nlu_trigger: [{intent: why}]
    metadata: {firstline: {examples: [why do you ask, why]}}
    steps:
      - action: action_why
  pattern_stop:
    description: Stop and delete.
    nlu_trigger: [{intent: stop}]
    metadata: {firstline: {examples: [stop, stop and delete]}}
    steps:
      - action: action_stop
      - action: utter_stopped
  pattern_help:
    description: What can I do here?
    nlu_trigger: [{intent: help}]
    metadata: {firstline: {examples: [help, /help]}}
    steps:
      - action: utter_help
  pattern_record:
    description: The record of advice.
    nlu_trigger: [{intent: record}]
    metadata: {firstline: {examples: [my record]}}
    steps:
      - action: action_record_of_advice
  pattern_language:
    description: The other language.
    nlu_trigger: [{intent: switch_language}]
    metadata: {firstline: {examples: [cymraeg, /language]}}
    steps:
      - action: action_switch_language
      - action: utter_language
  pattern_repeat:
    description: Ask again.
    nlu_trigger: [{intent: repeat}]
    metadata: {firstline: {examples: [repeat that]}}
    steps:
      - action: action_repeat
  pattern_given_back:
    description: People gave the conversation back.
    steps:
      - action: utter_given_back
  pattern_case_closed:
    description: The case was closed.
    steps:
      - action: utter_case_closed

slots:
  consent: {type: bool}
  danger_seen: {type: bool}

responses:
  utter_hello: [{text: Hello., translation: {cy: Helo.}}]
  utter_anything_else: [{text: Anything else?}]
  utter_we_go_on: [{text: "Back to {context.interrupted_flow_name}."}]
  utter_cancelled: [{text: Cancelled.}]
  utter_offer_person:
    - text: Shall a person help?
      buttons: [{title: Talk to a person, payload: /talk_to_person}]
  utter_internal_error: [{text: Something went wrong here.}]
  utter_ask_consent:
    - text: May we pass this on?
      buttons: [{title: "Yes", payload: /SetSlots(consent=true)}, {title: "No", payload: /SetSlots(consent=false)}]
  utter_ask_danger_seen:
    - text: Carry on?
      buttons: [{title: Carry on, payload: /SetSlots(danger_seen=true)}]
  utter_handed_over: [{text: A person will answer.}]
  utter_not_handed_over: [{text: Nothing was passed on.}]
  utter_child: [{text: Childline is there for you.}]
  utter_no_media: [{text: "We cannot take a {context.media}."}]
  utter_stopped: [{text: Deleted.}]
  utter_help: [{text: Here is help.}]
  utter_language: [{text: English., translation: {cy: Cymraeg.}}]
  utter_given_back: [{text: "Your case {context.reference} came back."}]
  utter_case_closed: [{text: "Your case {context.reference} is closed."}]
  utter_masked: [{text: "We took out: {kinds}."}]
  utter_masked_name: [{text: names, translation: {cy: enwau}}]
  utter_masked_phone: [{text: phone numbers}]
  utter_cut: [{text: That was long.}]
  utter_edited: [{text: You changed that message. Please send it anew.}]
  utter_late: [{text: That reached us late.}]
  utter_no_groups: [{text: We leave groups.}]
  utter_dont_know: [{text: Don't know, translation: {cy: Ddim yn gwybod}}]
  utter_none_of_these: [{text: None of these}]
  utter_ask_clarification: [{text: Is it one of these?}]
  utter_not_understood: [{text: I did not get that.}]
  utter_old_button: [{text: That button is old.}]
  utter_why: [{text: "Because: {why}"}]
  utter_nothing_to_go_back_to: [{text: There is nothing to go back to.}]
  utter_ask_change_answer: [{text: Which answer?}]
  utter_added_to_case: [{text: Added to your case.}]
  utter_words_yes: [{text: "yes, y, yeah", translation: {cy: "ie, oes"}}]
  utter_words_no: [{text: "no, n, nope", translation: {cy: "na, nac oes"}}]
  utter_words_dont_know: [{text: "don't know, not sure, dunno", translation: {cy: ddim yn siwr}}]
  utter_words_option: [{text: "option, number"}]
  utter_page_source: [{text: "Source: {title}, checked {date}"}]
  utter_page_unverified: [{text: "Check the official page: {url}"}]
  utter_page_expired: [{text: "Out of date since {date}: {url}"}]
"""

FLOWS = """
flows:
  start:
    description: The greeting's questions.
    persisted_slots: [danger, nation, concern]
    steps:
      - collect: danger
        next:
          - if: slots.danger is "no"
            then: nation
          - else:
              - action: utter_page_danger_now
                next: nation
      - id: nation
        collect: nation
      - collect: concern
        metadata: {firstline: {free_text: true}}
        next:
          - if: slots.concern is "impersonation"
            then:
              - link: impersonation
          - else:
              - link: reputation
  impersonation:
    name: Fake account
    translation: {cy: {name: Cyfrif ffug}}
    description: Someone pretends to be us.
    nlu_trigger: [{intent: impersonation}]
    metadata: {firstline: {concern: impersonation, examples: [someone made a fake account of our head]}}
    steps:
      - collect: fake_of
        description: Who is it?
        metadata: {firstline: {why: {en: It changes who can report it., cy: Mae'n bwysig.}}}
      - collect: contacting
        metadata: {firstline: {dont_know: true, max_attempts: 2, on_exhausted: advise}}
        next:
          - if: slots.contacting
            then:
              - action: utter_page_tell_lead_now
                next: advise
          - else: advise
      - id: advise
        action: utter_page_report_fake_account
      - collect: how_many
        rejections:
          - if: slots.fake_of is "child" and slots.how_many is not null and slots.how_many > 5
            utter: utter_too_many
      - collect: reported
        next:
          - if: slots.reported is "refused"
            then:
              - id: to_people
                link: pattern_human_handoff
                metadata: {firstline: {tier: 2, reason: Reported and still up, summary_slots: [fake_of, reported]}}
          - else: done
      - id: done
        action: utter_done
  reputation:
    name: Harm to a reputation
    description: Someone writes something bad.
    nlu_trigger: [{intent: reputation}]
    metadata: {firstline: {concern: reputation, examples: [bad reviews of our school]}}
    steps:
      - call: platform_picker
      - collect: what_happened
      - action: action_opening_hours
      - noop: true
        next:
          - if: slots.service_open
            then:
              - action: utter_open
                next: END
          - else:
              - action: utter_closed
                next: END
  platform_picker:
    description: Which platform?
    if: false
    persisted_slots: [platform]
    steps:
      - collect: platform
      - collect: seen_by
  guarded:
    description: Only in Wales.
    if: slots.nation is "wales"
    nlu_trigger: [{intent: guarded}]
    metadata: {firstline: {examples: [something only for wales]}}
    steps:
      - action: utter_done

slots:
  danger: {type: categorical, values: ["yes", not_sure, "no"]}
  nation: {type: categorical, values: [england, wales, scotland, northern_ireland]}
  concern: {type: categorical, values: [impersonation, reputation]}
  fake_of: {type: categorical, values: [setting, staff, child]}
  contacting: {type: bool}
  how_many: {type: float, min_value: 1, max_value: 100}
  reported: {type: categorical, values: ["no", under_48h, refused]}
  platform: {type: categorical, values: [tiktok, other]}
  seen_by: {type: categorical, values: [few, many]}
  what_happened: {type: text}
  service_open: {type: bool, initial_value: false}

responses:
  utter_ask_danger:
    - text: Is anyone in danger right now?
      translation: {cy: Oes rhywun mewn perygl?}
      buttons:
        - {title: "Yes", payload: /SetSlots(danger=yes), translation: {cy: {title: Oes}}}
        - {title: I am not sure, payload: /SetSlots(danger=not_sure)}
        - {title: "No", payload: /SetSlots(danger=no), translation: {cy: {title: Nac oes}}}
  utter_ask_nation:
    - text: Where are you?
      buttons:
        - {title: England, payload: /SetSlots(nation=england)}
        - {title: Wales, payload: /SetSlots(nation=wales)}
        - {title: Scotland, payload: /SetSlots(nation=scotland)}
        - {title: Northern Ireland, payload: /SetSlots(nation=northern_ireland)}
  utter_ask_concern:
    - text: What is it about?
      buttons:
        - {title: A fake account, payload: /SetSlots(concern=impersonation)}
        - {title: Bad words about us, payload: /SetSlots(concern=reputation)}
  utter_ask_fake_of:
    - text: Who does the account pretend to be?
      buttons:
        - {title: Our setting, payload: /SetSlots(fake_of=setting)}
        - {title: A member of staff, payload: /SetSlots(fake_of=staff)}
        - {title: A child, payload: /SetSlots(fake_of=child)}
  utter_ask_contacting:
    - text: Does it contact children?
      buttons:
        - {title: "Yes", payload: /SetSlots(contacting=true)}
        - {title: "No", payload: /SetSlots(contacting=false)}
  utter_ask_how_many: [{text: How many accounts are there?}]
  utter_too_many: [{text: That is a lot.}]
  utter_ask_reported:
    - text: Was it reported?
      buttons:
        - {title: "No", payload: /SetSlots(reported=no)}
        - {title: Less than 48 hours ago, payload: /SetSlots(reported=under_48h)}
        - {title: They refused, payload: /SetSlots(reported=refused)}
  utter_ask_platform:
    - text: Where is it?
      buttons:
        - {title: TikTok, payload: /SetSlots(platform=tiktok)}
        - {title: Somewhere else, payload: /SetSlots(platform=other)}
  utter_ask_seen_by:
    - text: How many have seen it?
      buttons:
        - {title: A few, payload: /SetSlots(seen_by=few)}
        - {title: Many, payload: /SetSlots(seen_by=many)}
  utter_ask_what_happened: [{text: What happened?}]
  utter_done: [{text: "Done, {nation}. Tell your {term.safeguarding_lead}."}]
  utter_open: [{text: Open.}]
  utter_closed: [{text: Closed.}]
"""

PAGE = """---
id: {id}
kind: guidance
title: {title}
concerns: [impersonation]
nations: [england, wales, scotland, northern_ireland]
outcome: tell_lead
sources: [{{url: "https://example.org/{id}", title: Example, checked_on: {checked}}}]
status: verified
verify: []
review_by: {review_by}
owner: content-team
---
## Do now
{text}

## Tell
Tell your {{term.safeguarding_lead}}.

## Do not
Wait.

## Tools
None.

## Look after yourself
Rest.
"""

TERM = """---
id: safeguarding_lead
kind: term
title: Safeguarding lead
default: safeguarding lead
england: designated safeguarding lead
wales: designated safeguarding person
scotland: child protection lead
northern_ireland: designated teacher
sources: []
status: unverified
verify: [check it]
review_by: 2027-01-31
owner: content-team
---
"""


def page(page_id: str, title: str, text: str, review_by: str = "2027-01-31") -> bytes:
    return PAGE.format(id=page_id, title=title, text=text, review_by=review_by, checked="2026-06-01").encode()


def files(extra: str = "", *, flows: str = FLOWS, patterns: str = PATTERNS) -> dict[str, bytes]:
    """The small helpline as files; `extra` is one more flow file."""
    return {
        "flows/patterns.yml": patterns.encode(),
        "flows/flows.yml": flows.encode(),
        **({"flows/extra.yml": extra.encode()} if extra else {}),
        "content/guidance/danger-now.md": page("danger-now", "Danger", "Call 999. Then ring 0344 381 4772."),
        "content/guidance/tell-lead-now.md": page("tell-lead-now", "Tell now", "Tell someone now."),
        "content/guidance/report-fake-account.md": page(
            "report-fake-account", "Report it", "Ring 0344 381 4772, Childline 0800 1111 or 101.", "2026-07-01"
        ),
        "content/terms/safeguarding_lead.md": TERM.encode(),
    }


def loaded(library_files: Mapping[str, bytes]) -> Library:
    """The library of these files; complaints of errors fail the test."""
    result = load_files(library_files)
    assert result.library is not None, "\n".join(map(str, result.errors))
    return result.library


@lru_cache(maxsize=32)
def helpline(extra: str = "") -> Library:
    """The small helpline, with one more flow file perhaps."""
    return loaded(files(extra))


@dataclass
class Talk:
    """An enquirer in a conversation: says, presses, and looks at what came of it."""

    library: Library = field(default_factory=helpline)
    conversation: Conversation | None = None
    outcome: Outcome = field(init=False)

    def __post_init__(self) -> None:
        self.conversation = self.conversation or begin(self.library)
        self.outcome = Outcome(self.conversation)

    def hear(self, heard: Heard) -> "Talk":
        assert self.conversation is not None
        self.outcome = advance(self.library, self.conversation, heard)
        self.conversation = again(self.outcome.conversation)
        assert self.conversation == self.outcome.conversation
        return self

    def say(self, text: str, *intents: str, gate: Gate = Gate.NONE, masked: tuple[str, ...] = ()) -> "Talk":
        heard = tuple(Intent(name, 0.9 - number / 10) for number, name in enumerate(intents))
        return self.hear(Said(text, NOON, masked=masked, gate=gate, intents=heard))

    def says(self, *texts: str) -> "Talk":
        for text in texts:
            self.say(text)
        return self

    def press(self, title: str) -> "Talk":
        return self.hear(Pressed(self.token(title), NOON))

    def command(self, intent: str) -> "Talk":
        return self.hear(Pressed(Token(f"!{intent}"), NOON))

    def open(self, flow: str | None = None) -> "Talk":
        return self.hear(Opened(NOON, flow))

    def send(self, kind: MediaKind = MediaKind.PHOTO) -> "Talk":
        return self.hear(MediaRefused(kind, NOON))

    def action_done(self, action: str, *slots: tuple[str, SlotValue], failed: bool = False) -> "Talk":
        return self.hear(ActionDone(action, NOON, slots, failed=failed))

    def people_end(self, *, closed: bool = False) -> "Talk":
        return self.hear(CaseEnded(NOON, closed, "FL-7"))

    # --- what came of it ---------------------------------------------------------------------------------------------

    def token(self, title: str) -> Token:
        assert self.conversation is not None
        return next(offer.token for offer in self.conversation.offers if offer.title == title)

    @property
    def said(self) -> list[str]:
        return [reply.response for reply in self.outcome.replies]

    @property
    def choices(self) -> list[str]:
        return [title for _, title in self.outcome.replies[-1].choices]

    @property
    def slots(self) -> dict[str, SlotValue]:
        return dict(self.conversation.slots) if self.conversation else {}

    @property
    def at(self) -> str:
        """The flow and step on top: `impersonation/advise`, or nothing."""
        assert self.conversation is not None
        return (
            "/".join((self.conversation.stack[-1].flow, self.conversation.stack[-1].step))
            if self.conversation.stack
            else ""
        )

    def words(self, reply: Reply | None = None, channel: str = "web", today: date = TODAY) -> str:
        return render(self.library, reply or self.outcome.replies[-1], channel, today).text

    @property
    def deletes(self) -> bool:
        return self.outcome.delete is Deletion.WORDS


def again(conversation: Conversation) -> Conversation:
    """The conversation as it comes back from storage."""
    return msgspec.json.decode(msgspec.json.encode(conversation), type=Conversation)


def at_concern() -> Talk:
    """Greeted, nobody in danger, in Wales; asked what it is about."""
    return Talk().open().says("no", "Wales")


def at_fake_of() -> Talk:
    return at_concern().say("A fake account")
