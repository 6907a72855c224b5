"""The tables the bot owns, in the one database that handoff.ledger opens. An old migration is never edited."""

from sqlite_utils import Database, Migrations

from handoff.migrations.register import run

migrations = Migrations("bot")


@migrations()
def conversations(db: Database) -> None:
    """One row for each conversation; `mark` finds it by address without keeping the address readable. A turn's
    number is the conversation's version that it made. Each index is a page more in every commit, so there are few."""
    run(
        db,
        """
        CREATE TABLE conversation (
            id INTEGER PRIMARY KEY,
            channel TEXT NOT NULL,
            mark BLOB NOT NULL CONSTRAINT mark_is_a_hash CHECK (length(mark) = 16),
            address BLOB NOT NULL,
            version INTEGER NOT NULL,
            library TEXT NOT NULL,
            state BLOB NOT NULL,
            started_at INTEGER NOT NULL,
            last_turn_at INTEGER NOT NULL,
            ended_at INTEGER,
            words_gone_at INTEGER
        ) STRICT;
        CREATE UNIQUE INDEX conversation_live ON conversation (mark) WHERE ended_at IS NULL;
        CREATE INDEX conversation_of_address ON conversation (mark, id);
        CREATE TABLE turn (
            conversation INTEGER NOT NULL REFERENCES conversation (id),
            number INTEGER NOT NULL,
            external BLOB NOT NULL CONSTRAINT turn_is_taken_once UNIQUE,
            kind TEXT NOT NULL,
            at INTEGER NOT NULL,
            words BLOB,
            PRIMARY KEY (conversation, number)
        ) STRICT, WITHOUT ROWID;
        """,
    )


@migrations()
def outbox(db: Database) -> None:
    """What is to be delivered, numbered in the order it was written; rows are never deleted, so numbers only rise.

    A bot reply is a reference into the pinned library; an adviser's message stays where it was written (handoff's
    `message`) and gets its row here by trigger, in the same transaction.
    """
    run(
        db,
        """
        CREATE TABLE outbox (
            id INTEGER PRIMARY KEY,
            conversation INTEGER NOT NULL REFERENCES conversation (id),
            turn INTEGER,
            author TEXT NOT NULL CONSTRAINT known_author CHECK (author IN ('bot', 'notice', 'adviser')),
            message INTEGER,
            epoch INTEGER NOT NULL,
            body BLOB,
            state TEXT NOT NULL CONSTRAINT known_state CHECK
                (state IN ('queued', 'sending', 'sent', 'delivered', 'read', 'failed', 'unknown')),
            attempts INTEGER NOT NULL DEFAULT 0,
            not_before INTEGER NOT NULL DEFAULT 0,
            at INTEGER NOT NULL,
            reason TEXT,
            CONSTRAINT words_from_one_place CHECK ((author = 'adviser') = (message IS NOT NULL))
        ) STRICT;
        CREATE UNIQUE INDEX one_row_for_a_message ON outbox (message) WHERE message IS NOT NULL;
        CREATE INDEX outbox_waiting ON outbox (conversation, id) WHERE state IN ('queued', 'sending');
        CREATE INDEX outbox_of_conversation ON outbox (conversation, id);
        CREATE TRIGGER outbox_one_voice BEFORE INSERT ON outbox
        WHEN NEW.author = 'bot' AND EXISTS (
            SELECT 1 FROM voice WHERE conversation = NEW.conversation AND (speaker <> 'bot' OR epoch <> NEW.epoch))
        BEGIN SELECT RAISE(ABORT, 'outbox_one_voice'); END;
        CREATE TRIGGER outbox_forward_only BEFORE UPDATE OF state ON outbox
        WHEN (OLD.state IN ('sent', 'delivered', 'read') AND NEW.state IN ('queued', 'sending', 'unknown', 'failed'))
          OR (OLD.author = 'adviser' AND OLD.state IN ('sending', 'unknown')
              AND NEW.state = 'queued' AND NEW.reason IS NULL)
        BEGIN SELECT RAISE(ABORT, 'outbox_forward_only'); END;
        CREATE TRIGGER outbox_is_kept BEFORE UPDATE OF conversation, turn, author, message, epoch ON outbox
        BEGIN SELECT RAISE(ABORT, 'outbox_is_kept'); END;
        CREATE TRIGGER message_to_outbox AFTER INSERT ON message WHEN NEW.author = 'adviser'
        BEGIN
            INSERT INTO outbox (conversation, author, message, epoch, state, at)
            SELECT cases.conversation, 'adviser', NEW.id, NEW.epoch, 'queued', NEW.at
              FROM cases WHERE cases.id = NEW."case";
        END;
        CREATE TABLE relay_cursor (
            only INTEGER PRIMARY KEY CHECK (only = 1),
            seq INTEGER NOT NULL
        ) STRICT;
        INSERT INTO relay_cursor VALUES (1, 0);
        """,
    )


@migrations()
def library_versions(db: Database) -> None:
    """Published libraries, kept whole: a conversation stays on the one it began with."""
    run(
        db,
        """
        CREATE TABLE library_files (
            version TEXT PRIMARY KEY,
            files BLOB NOT NULL
        ) STRICT, WITHOUT ROWID;
        CREATE TABLE library_version (
            number INTEGER PRIMARY KEY AUTOINCREMENT,
            version TEXT NOT NULL REFERENCES library_files (version),
            published_at INTEGER NOT NULL,
            note TEXT NOT NULL
        ) STRICT;
        """,
    )


@migrations()
def deliveries(db: Database) -> None:
    """Deliveries in parts, replies that wait for an enquirer to write again, receipts, people whose number changes.

    `pushed`: the courier delivers it; else its channel fetches it (bot.channels.contract.PULLED), maybe never.
    `heard_at`: when the provider last took words from the enquirer: its reply window runs from then. Only an adviser's
    answer makes us ask an enquirer to write: what is held is looked at again when there is one. `first_at`, `last_at`:
    when the provider first and last showed that a name is this person's.
    """
    run(
        db,
        """
        ALTER TABLE conversation ADD COLUMN heard_at INTEGER;
        ALTER TABLE conversation ADD COLUMN referrer TEXT CONSTRAINT referrer_is_a_code
            CHECK (length(referrer) BETWEEN 1 AND 40 AND NOT referrer GLOB '*[^a-z0-9_-]*');
        ALTER TABLE outbox ADD COLUMN part INTEGER NOT NULL DEFAULT 0;
        ALTER TABLE outbox ADD COLUMN doubts INTEGER NOT NULL DEFAULT 0;
        ALTER TABLE outbox ADD COLUMN pushed INTEGER NOT NULL DEFAULT 1;
        UPDATE outbox SET pushed = 0 WHERE conversation IN
            (SELECT id FROM conversation WHERE channel IN ('web', 'rest', 'terminal'));
        DROP INDEX outbox_waiting;
        CREATE INDEX outbox_waiting ON outbox (conversation, id) WHERE pushed = 1 AND state IN ('queued', 'sending');
        CREATE INDEX outbox_troubled ON outbox (reason) WHERE state IN ('failed', 'unknown');
        DROP TRIGGER message_to_outbox;
        CREATE TRIGGER message_to_outbox AFTER INSERT ON message WHEN NEW.author = 'adviser'
        BEGIN
            INSERT INTO outbox (conversation, author, message, epoch, state, at, pushed)
            SELECT cases.conversation, 'adviser', NEW.id, NEW.epoch, 'queued', NEW.at,
                   conversation.channel NOT IN ('web', 'rest', 'terminal')
              FROM cases JOIN conversation ON conversation.id = cases.conversation WHERE cases.id = NEW."case";
            UPDATE outbox SET not_before = 0
             WHERE conversation = (SELECT conversation FROM cases WHERE id = NEW."case")
               AND pushed = 1 AND state IN ('queued', 'sending') AND state = 'queued'
               AND reason IN ('window_closed', 'window_closed_no_template', 'asked_to_reply');
        END;
        DROP TRIGGER outbox_forward_only;
        CREATE TRIGGER outbox_forward_only BEFORE UPDATE OF state ON outbox
        WHEN (OLD.state IN ('sent', 'delivered', 'read') AND NEW.state IN ('queued', 'sending', 'unknown')
              AND NOT (OLD.state = 'sent' AND NEW.state = 'queued' AND NEW.reason IS 'window_closed'))
          OR (OLD.state IN ('delivered', 'read') AND NEW.state IN ('sent', 'failed'))
          OR (OLD.state = 'read' AND NEW.state = 'delivered')
          OR (OLD.author = 'adviser' AND OLD.state IN ('sending', 'unknown')
              AND NEW.state = 'queued' AND NEW.reason IS NULL)
        BEGIN SELECT RAISE(ABORT, 'outbox_forward_only'); END;
        CREATE TABLE known_as (
            mark BLOB PRIMARY KEY CONSTRAINT known_as_is_a_hash CHECK (length(mark) = 16),
            person BLOB NOT NULL CONSTRAINT known_person_is_a_hash CHECK (length(person) = 16),
            kind TEXT NOT NULL CONSTRAINT known_kind CHECK (kind IN ('user', 'number')),
            first_at INTEGER NOT NULL,
            last_at INTEGER NOT NULL
        ) STRICT, WITHOUT ROWID;
        CREATE INDEX known_as_of_person ON known_as (person);
        CREATE TABLE receipt (
            mark BLOB PRIMARY KEY CONSTRAINT receipt_is_a_hash CHECK (length(mark) = 16),
            seq INTEGER,
            reach TEXT CONSTRAINT known_reach CHECK (reach IN ('sent', 'delivered', 'read', 'failed')),
            reason TEXT,
            at INTEGER NOT NULL
        ) STRICT, WITHOUT ROWID;
        CREATE INDEX receipt_at ON receipt (at);
        CREATE INDEX receipt_of_row ON receipt (seq) WHERE seq IS NOT NULL;
        CREATE TABLE referral (
            day TEXT NOT NULL CONSTRAINT referral_day CHECK (day IS date(day)),
            channel TEXT NOT NULL,
            code TEXT NOT NULL CONSTRAINT referral_code CHECK
                (length(code) BETWEEN 1 AND 40 AND NOT code GLOB '*[^a-z0-9_-]*'),
            times INTEGER NOT NULL,
            PRIMARY KEY (day, channel, code)
        ) STRICT, WITHOUT ROWID;
        CREATE TABLE taken_until (
            conversation INTEGER PRIMARY KEY,
            until INTEGER NOT NULL
        ) STRICT;
        CREATE INDEX taken_until_when ON taken_until (until);
        """,
    )


@migrations()
def alerts(db: Database) -> None:
    """Messages in the advisers' group that still offer a case, and the event up to which they are right."""
    run(
        db,
        """
        CREATE TABLE alert_cursor (
            only INTEGER PRIMARY KEY CHECK (only = 1),
            seq INTEGER NOT NULL
        ) STRICT;
        CREATE TABLE alert (
            "case" INTEGER PRIMARY KEY,
            message_id INTEGER NOT NULL,
            said TEXT NOT NULL
        ) STRICT;
        """,
    )


@migrations()
def return_codes(db: Database) -> None:
    """Codes that resume a conversation elsewhere, as keyed hashes; and up to where one that was resumed is past.
    `used_by`: the address that came back with it."""
    run(
        db,
        """
        CREATE TABLE return_code (
            mark BLOB PRIMARY KEY CONSTRAINT return_code_is_a_hash CHECK (length(mark) = 16),
            conversation INTEGER NOT NULL CONSTRAINT one_code_for_a_conversation UNIQUE,
            made_at INTEGER NOT NULL,
            used_by BLOB
        ) STRICT, WITHOUT ROWID;
        CREATE TABLE came_back (
            conversation INTEGER PRIMARY KEY,
            at INTEGER NOT NULL,
            turn INTEGER NOT NULL,
            seq INTEGER NOT NULL
        ) STRICT;
        """,
    )


@migrations()
def conversations_to_empty(db: Database) -> None:
    """Which ended conversations still hold anything: found without reading all there ever were."""
    run(
        db,
        """
        CREATE INDEX conversation_to_empty ON conversation (ended_at)
            WHERE ended_at IS NOT NULL AND length(address) > 0;
        """,
    )


@migrations()
def partings(db: Database) -> None:
    """Conversations whose enquirer wanted all of it deleted: the rest goes once they were told, and no case is open."""
    run(
        db,
        """
        CREATE TABLE parting (
            conversation INTEGER PRIMARY KEY,
            asked_at INTEGER NOT NULL
        ) STRICT;
        """,
    )
