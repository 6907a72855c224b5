"""The tables of the queue, and the rules SQLite itself enforces on them. An old migration is never edited.

Every trigger that refuses raises its own name. Times are unix milliseconds (UTC). Columns of type BLOB hold sealed
words or keyed hashes; every other TEXT column holds a code or an adviser's own account.
"""

from sqlite_utils import Database

from handoff.migrations.register import migrations, run


@migrations()
def advisers(db: Database) -> None:
    """Who may log in, and what shows that they did."""
    run(
        db,
        """
        CREATE TABLE adviser (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            name TEXT NOT NULL CONSTRAINT adviser_has_a_name CHECK (length(trim(name)) BETWEEN 1 AND 80),
            email TEXT NOT NULL COLLATE NOCASE CONSTRAINT adviser_email_once UNIQUE,
            password TEXT NOT NULL CONSTRAINT password_is_hashed CHECK (password GLOB '$argon2id$*'),
            role TEXT NOT NULL CONSTRAINT known_role CHECK (role IN ('adviser', 'senior', 'lead', 'editor', 'auditor')),
            capacity INTEGER NOT NULL CONSTRAINT capacity_in_reason CHECK (capacity BETWEEN 0 AND 20),
            available INTEGER NOT NULL DEFAULT 0 CONSTRAINT available_is_yes_or_no CHECK (available IN (0, 1)),
            heartbeat_at INTEGER,
            added_at INTEGER NOT NULL,
            disabled_at INTEGER
        ) STRICT;
        CREATE TABLE adviser_session (
            token_hash BLOB PRIMARY KEY CONSTRAINT token_is_hashed CHECK (length(token_hash) = 32),
            adviser INTEGER NOT NULL REFERENCES adviser (id),
            csrf TEXT NOT NULL,
            began_at INTEGER NOT NULL,
            idle_until INTEGER NOT NULL,
            ends_at INTEGER NOT NULL,
            CONSTRAINT idle_within_the_end CHECK (idle_until <= ends_at)
        ) STRICT, WITHOUT ROWID;
        CREATE INDEX adviser_session_of ON adviser_session (adviser);
        CREATE TABLE login_attempt (
            id INTEGER PRIMARY KEY,
            name_mark BLOB NOT NULL CONSTRAINT name_is_a_hash CHECK (length(name_mark) = 16),
            address_mark BLOB NOT NULL CONSTRAINT address_is_a_hash CHECK (length(address_mark) = 16),
            at INTEGER NOT NULL
        ) STRICT;
        CREATE INDEX login_attempt_at ON login_attempt (at);
        """,
    )


@migrations()
def cases(db: Database) -> None:
    """A case, its place in the queue, and who may speak in its conversation."""
    run(
        db,
        """
        CREATE TABLE cases (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            reference TEXT NOT NULL CONSTRAINT reference_once UNIQUE
                CONSTRAINT reference_shape CHECK (reference GLOB 'FL-????-??'
                    AND NOT substr(reference, 4, 4) || substr(reference, 9) GLOB '*[^BCDFGHJKMNPQRTVWX234679]*'),
            conversation INTEGER NOT NULL,
            reason TEXT NOT NULL,
            concern TEXT,
            role TEXT,
            nation TEXT CONSTRAINT known_nation CHECK (nation IN ('england', 'wales', 'scotland', 'northern_ireland')),
            platform TEXT,
            channel TEXT NOT NULL,
            language TEXT NOT NULL,
            library TEXT NOT NULL,
            opened_at INTEGER NOT NULL,
            opened_on TEXT NOT NULL CONSTRAINT opened_on_is_a_day CHECK (opened_on IS date(opened_on)),
            opened_hour INTEGER NOT NULL CONSTRAINT opened_hour_of_day CHECK (opened_hour BETWEEN 0 AND 23),
            pack BLOB,
            CONSTRAINT coded_not_worded CHECK (NOT (reason || coalesce(concern, '') || coalesce(role, '')
                || coalesce(platform, '') || channel) GLOB '*[^a-z0-9_.-]*')
        ) STRICT;
        CREATE INDEX cases_of_conversation ON cases (conversation, id);
        CREATE TABLE voice (
            conversation INTEGER PRIMARY KEY,
            speaker TEXT NOT NULL CONSTRAINT known_speaker CHECK (speaker IN ('bot', 'adviser')),
            epoch INTEGER NOT NULL
        ) STRICT;
        CREATE TABLE queue_item (
            "case" INTEGER PRIMARY KEY REFERENCES cases (id),
            conversation INTEGER NOT NULL REFERENCES voice (conversation),
            tier INTEGER NOT NULL CONSTRAINT known_tier CHECK (tier BETWEEN 0 AND 3),
            due_at INTEGER NOT NULL,
            state TEXT NOT NULL CONSTRAINT known_queue_state CHECK (state IN ('waiting', 'scheduled', 'claimed',
                'active', 'paused', 'offered', 'wrap_up', 'done', 'abandoned')),
            holder INTEGER REFERENCES adviser (id),
            lease_until INTEGER,
            offered_to INTEGER REFERENCES adviser (id),
            offer_until INTEGER,
            wake_at INTEGER,
            left_at INTEGER,
            first_claimed_at INTEGER,
            first_answer_at INTEGER,
            put_back INTEGER NOT NULL DEFAULT 0,
            version INTEGER NOT NULL DEFAULT 0,
            move TEXT,
            moved_by INTEGER REFERENCES adviser (id),
            moved_at INTEGER NOT NULL,
            issue TEXT,
            outcome TEXT,
            forget_at INTEGER,
            CONSTRAINT held_has_a_holder CHECK
                ((state IN ('claimed', 'active', 'paused', 'offered', 'wrap_up')) = (holder IS NOT NULL)),
            CONSTRAINT held_has_a_lease CHECK ((holder IS NULL) = (lease_until IS NULL)),
            CONSTRAINT offered_to_someone CHECK ((state = 'offered') = (offered_to IS NOT NULL)),
            CONSTRAINT offered_until CHECK ((offered_to IS NULL) = (offer_until IS NULL)),
            CONSTRAINT offered_to_another CHECK (offered_to IS NULL OR offered_to <> holder),
            CONSTRAINT scheduled_wakes CHECK ((state = 'scheduled') = (wake_at IS NOT NULL)),
            CONSTRAINT done_says_what CHECK (state <> 'done' OR (issue IS NOT NULL AND outcome IS NOT NULL)),
            CONSTRAINT ended_is_forgotten CHECK ((state IN ('done', 'abandoned')) = (forget_at IS NOT NULL)),
            CONSTRAINT closed_in_codes CHECK (NOT (coalesce(issue, '') || coalesce(outcome, '')) GLOB '*[^a-z0-9_.-]*')
        ) STRICT;
        CREATE UNIQUE INDEX one_live_case ON queue_item (conversation)
            WHERE state NOT IN ('done', 'abandoned') AND left_at IS NULL;
        CREATE INDEX queue_order ON queue_item (tier > 0, due_at, "case") WHERE state = 'waiting';
        CREATE INDEX queue_of_conversation ON queue_item (conversation);
        CREATE INDEX queue_held ON queue_item (holder, state) WHERE holder IS NOT NULL;
        CREATE INDEX queue_scheduled ON queue_item (wake_at) WHERE wake_at IS NOT NULL;
        CREATE INDEX queue_forget ON queue_item (forget_at) WHERE forget_at IS NOT NULL;
        CREATE TABLE event (
            seq INTEGER PRIMARY KEY AUTOINCREMENT,
            kind TEXT NOT NULL CONSTRAINT kind_is_a_code CHECK
                (length(kind) BETWEEN 3 AND 40 AND kind GLOB '[a-z]*.[a-z]*' AND NOT kind GLOB '*[^a-z_.]*'),
            "case" INTEGER,
            adviser INTEGER,
            at INTEGER NOT NULL
        ) STRICT;
        CREATE INDEX event_of_case ON event ("case", seq) WHERE "case" IS NOT NULL;
        CREATE TABLE case_facts (
            id INTEGER PRIMARY KEY,
            period TEXT NOT NULL CONSTRAINT period_is_a_day CHECK (period IS date(period)),
            hour INTEGER NOT NULL,
            channel TEXT NOT NULL,
            role TEXT,
            nation TEXT,
            concern TEXT,
            platform TEXT,
            language TEXT NOT NULL,
            library TEXT NOT NULL,
            reason TEXT NOT NULL,
            tier INTEGER NOT NULL,
            issue TEXT,
            outcome TEXT NOT NULL,
            claim_wait_s INTEGER,
            answer_wait_s INTEGER,
            handling_s INTEGER,
            answered_in_time INTEGER,
            put_back INTEGER NOT NULL
        ) STRICT;
        CREATE INDEX case_facts_period ON case_facts (period);
        """,
    )


@migrations()
def threads(db: Database) -> None:
    """What is said in a case, how far it got, and what advisers note for each other. A note has no way out."""
    run(
        db,
        """
        CREATE TABLE message (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            "case" INTEGER NOT NULL REFERENCES cases (id),
            seq INTEGER NOT NULL,
            author TEXT NOT NULL CONSTRAINT known_author CHECK (author IN ('enquirer', 'adviser', 'system')),
            adviser INTEGER REFERENCES adviser (id),
            body BLOB NOT NULL,
            client_id TEXT CONSTRAINT client_id_is_short CHECK (length(client_id) BETWEEN 1 AND 64),
            epoch INTEGER NOT NULL,
            at INTEGER NOT NULL,
            CONSTRAINT message_seq_once UNIQUE ("case", seq),
            CONSTRAINT message_client_id_once UNIQUE ("case", client_id),
            CONSTRAINT adviser_is_named CHECK ((author = 'adviser') = (adviser IS NOT NULL)),
            CONSTRAINT adviser_has_a_client_id CHECK ((author = 'adviser') = (client_id IS NOT NULL))
        ) STRICT;
        CREATE TABLE delivery (
            message INTEGER PRIMARY KEY REFERENCES message (id),
            state TEXT NOT NULL CONSTRAINT known_delivery CHECK
                (state IN ('queued', 'sending', 'unknown', 'sent', 'delivered', 'read', 'failed')),
            reason TEXT CONSTRAINT reason_is_short CHECK (length(reason) <= 200),
            at INTEGER NOT NULL
        ) STRICT;
        CREATE INDEX delivery_in_doubt ON delivery (state) WHERE state IN ('unknown', 'failed');
        CREATE TABLE note (
            "case" INTEGER NOT NULL REFERENCES cases (id),
            seq INTEGER NOT NULL,
            adviser INTEGER NOT NULL REFERENCES adviser (id),
            body BLOB NOT NULL,
            at INTEGER NOT NULL,
            PRIMARY KEY ("case", seq)
        ) STRICT, WITHOUT ROWID;
        """,
    )


@migrations()
def queue_rules(db: Database) -> None:
    """What may happen to a case (DESK section 6), and what follows by itself: the voice, the event, the fact."""
    run(
        db,
        """
        CREATE TRIGGER cases_are_kept BEFORE UPDATE ON cases
        WHEN NOT (NEW.id IS OLD.id AND NEW.reference IS OLD.reference AND NEW.conversation IS OLD.conversation
            AND NEW.reason IS OLD.reason AND NEW.concern IS OLD.concern AND NEW.role IS OLD.role
            AND NEW.nation IS OLD.nation AND NEW.platform IS OLD.platform AND NEW.channel IS OLD.channel
            AND NEW.language IS OLD.language AND NEW.library IS OLD.library AND NEW.opened_at IS OLD.opened_at
            AND NEW.opened_on IS OLD.opened_on AND NEW.opened_hour IS OLD.opened_hour
            AND (NEW.pack IS OLD.pack OR NEW.pack IS NULL))
        BEGIN SELECT RAISE(ABORT, 'cases_are_kept'); END;
        CREATE TRIGGER queue_item_begins_waiting BEFORE INSERT ON queue_item
        WHEN NEW.state <> 'waiting' OR NEW.version <> 0 OR NEW.left_at IS NOT NULL
            OR EXISTS (SELECT 1 FROM queue_item WHERE "case" = NEW."case")
            OR EXISTS (SELECT 1 FROM queue_item WHERE conversation = NEW.conversation
                AND state NOT IN ('done', 'abandoned') AND left_at IS NULL)
            OR NOT EXISTS (SELECT 1 FROM cases WHERE id = NEW."case" AND conversation = NEW.conversation)
        BEGIN SELECT RAISE(ABORT, 'queue_item_begins_waiting'); END;
        CREATE TRIGGER queue_item_moves BEFORE UPDATE OF state, holder ON queue_item
        WHEN (NEW.state <> OLD.state OR NEW.holder IS NOT OLD.holder)
            AND (NEW.version <> OLD.version + 1
            OR OLD.state || '>' || NEW.state || ':' || coalesce(NEW.move, '') NOT IN (
                'waiting>claimed:claimed', 'waiting>scheduled:scheduled', 'waiting>abandoned:abandoned',
                'scheduled>waiting:woken', 'scheduled>abandoned:abandoned',
                'claimed>active:answered', 'claimed>waiting:released', 'claimed>waiting:lapsed',
                'claimed>wrap_up:wrapping_up', 'claimed>abandoned:abandoned',
                'active>paused:paused', 'active>offered:offered', 'active>waiting:released',
                'active>wrap_up:wrapping_up',
                'paused>active:resumed', 'paused>waiting:released', 'paused>wrap_up:wrapping_up',
                'offered>active:accepted', 'offered>active:declined', 'offered>active:offer_lapsed',
                'offered>waiting:released', 'offered>wrap_up:wrapping_up',
                'wrap_up>active:reopened', 'wrap_up>waiting:released', 'wrap_up>done:closed',
                'wrap_up>done:given_back'))
        BEGIN SELECT RAISE(ABORT, 'queue_item_moves'); END;
        CREATE TRIGGER queue_item_lapses_late BEFORE UPDATE OF state ON queue_item
        WHEN (NEW.move = 'lapsed' AND OLD.state = 'claimed' AND OLD.lease_until > NEW.moved_at)
            OR (NEW.move = 'offer_lapsed' AND OLD.state = 'offered' AND OLD.offer_until > NEW.moved_at)
            OR (NEW.move = 'woken' AND OLD.state = 'scheduled' AND OLD.wake_at > NEW.moved_at)
        BEGIN SELECT RAISE(ABORT, 'queue_item_lapses_late'); END;
        CREATE TRIGGER queue_item_one_holder BEFORE UPDATE OF holder ON queue_item
        WHEN OLD.holder IS NOT NULL AND NEW.holder IS NOT NULL AND NEW.holder <> OLD.holder
            AND NOT (OLD.state = 'offered' AND NEW.state = 'active' AND NEW.move = 'accepted'
                AND NEW.holder = OLD.offered_to)
        BEGIN SELECT RAISE(ABORT, 'queue_item_one_holder'); END;
        CREATE TRIGGER queue_item_may_hold BEFORE UPDATE OF holder, offered_to ON queue_item
        WHEN (NEW.holder IS NOT NULL AND NEW.holder IS NOT OLD.holder AND NOT EXISTS (SELECT 1 FROM adviser
                WHERE id = NEW.holder AND disabled_at IS NULL AND role IN ('adviser', 'senior', 'lead')))
            OR (NEW.offered_to IS NOT NULL AND NEW.offered_to IS NOT OLD.offered_to AND NOT EXISTS (SELECT 1
                FROM adviser WHERE id = NEW.offered_to AND disabled_at IS NULL
                AND role IN ('adviser', 'senior', 'lead')))
        BEGIN SELECT RAISE(ABORT, 'queue_item_may_hold'); END;
        CREATE TRIGGER queue_item_capacity BEFORE UPDATE OF state, holder ON queue_item
        WHEN NEW.tier > 0 AND NEW.state IN ('claimed', 'active', 'offered')
            AND (OLD.state NOT IN ('claimed', 'active', 'offered') OR NEW.holder IS NOT OLD.holder)
            AND (SELECT count(*) FROM queue_item WHERE holder = NEW.holder AND "case" <> NEW."case"
                AND state IN ('claimed', 'active', 'offered'))
                >= (SELECT capacity FROM adviser WHERE id = NEW.holder)
        BEGIN SELECT RAISE(ABORT, 'queue_item_capacity'); END;
        CREATE TRIGGER queue_item_keeps_its_place BEFORE UPDATE OF "case", conversation, tier, due_at ON queue_item
        WHEN NEW."case" <> OLD."case" OR NEW.conversation <> OLD.conversation OR NEW.tier > OLD.tier
            OR NEW.due_at > OLD.due_at
        BEGIN SELECT RAISE(ABORT, 'queue_item_keeps_its_place'); END;
        CREATE TRIGGER queue_item_left_is_left BEFORE UPDATE ON queue_item
        WHEN OLD.left_at IS NOT NULL AND (NEW.left_at IS NOT OLD.left_at
            OR NEW.state NOT IN ('wrap_up', 'waiting', 'claimed', 'done'))
        BEGIN SELECT RAISE(ABORT, 'queue_item_left_is_left'); END;
        CREATE TRIGGER queue_item_ended_is_ended BEFORE UPDATE ON queue_item
        WHEN OLD.state IN ('done', 'abandoned')
        BEGIN SELECT RAISE(ABORT, 'queue_item_ended_is_ended'); END;
        CREATE TRIGGER queue_item_is_kept BEFORE DELETE ON queue_item
        WHEN OLD.state NOT IN ('done', 'abandoned')
        BEGIN SELECT RAISE(ABORT, 'queue_item_is_kept'); END;

        CREATE TRIGGER queue_item_opened AFTER INSERT ON queue_item
        BEGIN INSERT INTO event (kind, "case", adviser, at) VALUES ('case.opened', NEW."case", NULL, NEW.moved_at); END;
        CREATE TRIGGER queue_item_moved AFTER UPDATE OF state ON queue_item WHEN NEW.state <> OLD.state
        BEGIN INSERT INTO event (kind, "case", adviser, at)
            VALUES ('case.' || NEW.move, NEW."case", NEW.moved_by, NEW.moved_at); END;
        CREATE TRIGGER queue_item_raised AFTER UPDATE OF tier ON queue_item WHEN NEW.tier <> OLD.tier
        BEGIN INSERT INTO event (kind, "case", adviser, at)
            VALUES ('case.raised', NEW."case", NULL, NEW.moved_at); END;
        CREATE TRIGGER queue_item_takes_the_voice AFTER UPDATE OF holder ON queue_item
        WHEN NEW.holder IS NOT NULL AND NEW.holder IS NOT OLD.holder AND NEW.left_at IS NULL
        BEGIN UPDATE voice SET speaker = 'adviser', epoch = epoch + 1 WHERE conversation = NEW.conversation; END;
        CREATE TRIGGER queue_item_returns_the_voice AFTER UPDATE OF holder ON queue_item
        WHEN OLD.holder IS NOT NULL AND NEW.holder IS NULL AND OLD.left_at IS NULL
        BEGIN UPDATE voice SET speaker = 'bot', epoch = epoch + 1 WHERE conversation = NEW.conversation; END;
        CREATE TRIGGER queue_item_was_left AFTER UPDATE OF left_at ON queue_item
        WHEN OLD.left_at IS NULL AND NEW.left_at IS NOT NULL
        BEGIN
            UPDATE voice SET speaker = 'bot', epoch = epoch + 1 WHERE conversation = NEW.conversation;
            INSERT INTO event (kind, "case", adviser, at) VALUES ('case.left', NEW."case", NULL, NEW.left_at);
        END;
        CREATE TRIGGER queue_item_becomes_a_fact AFTER UPDATE OF state ON queue_item
        WHEN NEW.state IN ('done', 'abandoned') AND OLD.state NOT IN ('done', 'abandoned')
        BEGIN
            INSERT INTO case_facts (period, hour, channel, role, nation, concern, platform, language, library, reason,
                tier, issue, outcome, claim_wait_s, answer_wait_s, handling_s, answered_in_time, put_back)
            SELECT opened_on, opened_hour, channel, role, nation, concern, platform, language, library, reason,
                NEW.tier, NEW.issue, coalesce(NEW.outcome, 'left'), (NEW.first_claimed_at - opened_at) / 1000,
                (NEW.first_answer_at - opened_at) / 1000, (NEW.moved_at - NEW.first_claimed_at) / 1000,
                NEW.first_answer_at <= NEW.due_at, NEW.put_back
            FROM cases WHERE id = NEW."case";
        END;

        CREATE TRIGGER voice_begins_with_the_bot BEFORE INSERT ON voice
        WHEN NEW.speaker <> 'bot' OR NEW.epoch <> 0
            OR EXISTS (SELECT 1 FROM voice WHERE conversation = NEW.conversation)
        BEGIN SELECT RAISE(ABORT, 'voice_begins_with_the_bot'); END;
        CREATE TRIGGER voice_takes_a_new_epoch BEFORE UPDATE ON voice
        WHEN NEW.conversation <> OLD.conversation OR NEW.epoch <> OLD.epoch + 1
        BEGIN SELECT RAISE(ABORT, 'voice_takes_a_new_epoch'); END;
        CREATE TRIGGER voice_follows_the_holder BEFORE UPDATE ON voice
        WHEN (NEW.speaker = 'adviser') <> EXISTS (SELECT 1 FROM queue_item WHERE conversation = NEW.conversation
            AND holder IS NOT NULL AND left_at IS NULL)
        BEGIN SELECT RAISE(ABORT, 'voice_follows_the_holder'); END;
        """,
    )


@migrations()
def thread_rules(db: Database) -> None:
    """Words are added, never changed; only the holder speaks; nothing is told twice; what happened stays written."""
    run(
        db,
        """
        CREATE TRIGGER message_is_new BEFORE INSERT ON message
        WHEN NEW.seq <> (SELECT coalesce(max(seq), 0) + 1 FROM message WHERE "case" = NEW."case")
            OR EXISTS (SELECT 1 FROM message WHERE id = NEW.id)
            OR EXISTS (SELECT 1 FROM message WHERE "case" = NEW."case" AND client_id = NEW.client_id)
        BEGIN SELECT RAISE(ABORT, 'message_is_new'); END;
        CREATE TRIGGER message_only_while_open BEFORE INSERT ON message
        WHEN NOT EXISTS (SELECT 1 FROM queue_item WHERE "case" = NEW."case" AND state NOT IN ('done', 'abandoned')
            AND (NEW.author = 'system' OR left_at IS NULL))
        BEGIN SELECT RAISE(ABORT, 'message_only_while_open'); END;
        CREATE TRIGGER message_only_from_the_holder BEFORE INSERT ON message
        WHEN NEW.author = 'adviser' AND NOT EXISTS (
            SELECT 1 FROM queue_item JOIN voice ON voice.conversation = queue_item.conversation
            WHERE queue_item."case" = NEW."case" AND queue_item.state IN ('active', 'offered')
            AND queue_item.holder = NEW.adviser AND voice.speaker = 'adviser' AND voice.epoch = NEW.epoch)
        BEGIN SELECT RAISE(ABORT, 'message_only_from_the_holder'); END;
        CREATE TRIGGER message_is_kept BEFORE UPDATE ON message
        BEGIN SELECT RAISE(ABORT, 'message_is_kept'); END;
        CREATE TRIGGER message_is_kept_while_open BEFORE DELETE ON message
        WHEN EXISTS (SELECT 1 FROM queue_item WHERE "case" = OLD."case" AND state NOT IN ('done', 'abandoned'))
        BEGIN SELECT RAISE(ABORT, 'message_is_kept_while_open'); END;
        CREATE TRIGGER message_told AFTER INSERT ON message
        BEGIN INSERT INTO event (kind, "case", adviser, at) VALUES (CASE NEW.author WHEN 'enquirer' THEN 'message.heard'
            WHEN 'adviser' THEN 'message.said' ELSE 'message.added' END, NEW."case", NEW.adviser, NEW.at); END;
        CREATE TRIGGER message_is_to_be_delivered AFTER INSERT ON message WHEN NEW.author = 'adviser'
        BEGIN INSERT INTO delivery (message, state, at) VALUES (NEW.id, 'queued', NEW.at); END;

        CREATE TRIGGER delivery_begins_queued BEFORE INSERT ON delivery
        WHEN NEW.state <> 'queued' OR EXISTS (SELECT 1 FROM delivery WHERE message = NEW.message)
            OR NOT EXISTS (SELECT 1 FROM message WHERE id = NEW.message AND author = 'adviser')
        BEGIN SELECT RAISE(ABORT, 'delivery_begins_queued'); END;
        CREATE TRIGGER delivery_goes_forward BEFORE UPDATE ON delivery
        WHEN NEW.message <> OLD.message OR OLD.state || '>' || NEW.state NOT IN (
            'queued>sending', 'queued>unknown', 'queued>sent', 'queued>delivered', 'queued>read', 'queued>failed',
            'sending>unknown', 'sending>sent', 'sending>delivered', 'sending>read', 'sending>failed',
            'unknown>sent', 'unknown>delivered', 'unknown>read', 'unknown>failed',
            'sent>delivered', 'sent>read', 'sent>failed', 'delivered>read')
        BEGIN SELECT RAISE(ABORT, 'delivery_goes_forward'); END;
        CREATE TRIGGER delivery_told AFTER UPDATE ON delivery
        BEGIN INSERT INTO event (kind, "case", adviser, at)
            SELECT 'delivery.' || NEW.state, "case", adviser, NEW.at FROM message WHERE id = NEW.message; END;

        CREATE TRIGGER note_is_new BEFORE INSERT ON note
        WHEN NEW.seq <> (SELECT coalesce(max(seq), 0) + 1 FROM note WHERE "case" = NEW."case")
        BEGIN SELECT RAISE(ABORT, 'note_is_new'); END;
        CREATE TRIGGER note_is_kept BEFORE UPDATE ON note
        BEGIN SELECT RAISE(ABORT, 'note_is_kept'); END;
        CREATE TRIGGER note_is_kept_while_open BEFORE DELETE ON note
        WHEN EXISTS (SELECT 1 FROM queue_item WHERE "case" = OLD."case" AND state NOT IN ('done', 'abandoned'))
        BEGIN SELECT RAISE(ABORT, 'note_is_kept_while_open'); END;
        CREATE TRIGGER note_told AFTER INSERT ON note
        BEGIN INSERT INTO event (kind, "case", adviser, at)
            VALUES ('note.written', NEW."case", NEW.adviser, NEW.at); END;

        CREATE TRIGGER event_is_next BEFORE INSERT ON event
        WHEN EXISTS (SELECT 1 FROM event WHERE seq = NEW.seq)
        BEGIN SELECT RAISE(ABORT, 'event_is_next'); END;
        CREATE TRIGGER event_is_kept BEFORE UPDATE ON event BEGIN SELECT RAISE(ABORT, 'event_is_kept'); END;
        CREATE TRIGGER event_stays BEFORE DELETE ON event BEGIN SELECT RAISE(ABORT, 'event_stays'); END;
        CREATE TRIGGER fact_is_new BEFORE INSERT ON case_facts
        WHEN EXISTS (SELECT 1 FROM case_facts WHERE id = NEW.id)
        BEGIN SELECT RAISE(ABORT, 'fact_is_new'); END;
        CREATE TRIGGER fact_is_kept BEFORE UPDATE ON case_facts BEGIN SELECT RAISE(ABORT, 'fact_is_kept'); END;
        CREATE TRIGGER fact_stays BEFORE DELETE ON case_facts BEGIN SELECT RAISE(ABORT, 'fact_stays'); END;
        """,
    )


@migrations()
def notes_once(db: Database) -> None:
    """A note posted twice is kept once. Nothing asks for messages in doubt across cases any more."""
    run(
        db,
        """
        ALTER TABLE note ADD COLUMN client_id TEXT
            CONSTRAINT note_client_id_is_short CHECK (length(client_id) BETWEEN 1 AND 64);
        CREATE UNIQUE INDEX note_client_id_once ON note ("case", client_id) WHERE client_id IS NOT NULL;
        CREATE TRIGGER note_said_once BEFORE INSERT ON note
        WHEN EXISTS (SELECT 1 FROM note WHERE "case" = NEW."case" AND client_id = NEW.client_id)
        BEGIN SELECT RAISE(ABORT, 'note_said_once'); END;
        DROP INDEX delivery_in_doubt;
        """,
    )


@migrations()
def known_addresses(db: Database) -> None:
    """Where an adviser has logged in lately: what strangers try elsewhere does not lock them out there."""
    run(
        db,
        """
        CREATE TABLE known_address (
            adviser INTEGER NOT NULL REFERENCES adviser (id),
            address_mark BLOB NOT NULL CONSTRAINT known_address_is_a_hash CHECK (length(address_mark) = 16),
            at INTEGER NOT NULL,
            PRIMARY KEY (adviser, address_mark)
        ) STRICT, WITHOUT ROWID;
        CREATE INDEX login_attempt_of_name ON login_attempt (name_mark, at);
        CREATE INDEX login_attempt_from ON login_attempt (address_mark, at);
        """,
    )


@migrations()
def deliveries_wait(db: Database) -> None:
    """A message in hand may have to wait again, and one taken too late for the reply window waits for the enquirer."""
    run(
        db,
        """
        DROP TRIGGER delivery_goes_forward;
        CREATE TRIGGER delivery_goes_forward BEFORE UPDATE ON delivery
        WHEN NEW.message <> OLD.message OR (OLD.state || '>' || NEW.state NOT IN (
            'queued>queued', 'queued>sending', 'queued>unknown', 'queued>sent', 'queued>delivered', 'queued>read',
            'queued>failed',
            'sending>queued', 'sending>unknown', 'sending>sent', 'sending>delivered', 'sending>read', 'sending>failed',
            'unknown>sent', 'unknown>delivered', 'unknown>read', 'unknown>failed',
            'sent>delivered', 'sent>read', 'sent>failed', 'delivered>read')
            AND NOT (OLD.state = 'sent' AND NEW.state = 'queued' AND NEW.reason IS 'window_closed'))
        BEGIN SELECT RAISE(ABORT, 'delivery_goes_forward'); END;
        """,
    )


@migrations()
def reach_and_handles(db: Database) -> None:
    """Until when an enquirer can be written to, where a provider limits that; by what else an adviser is known."""
    run(
        db,
        """
        CREATE TABLE reply_window (
            conversation INTEGER PRIMARY KEY,
            closes_at INTEGER NOT NULL
        ) STRICT;
        CREATE TABLE adviser_handle (
            mark BLOB PRIMARY KEY CONSTRAINT handle_is_a_hash CHECK (length(mark) = 16),
            adviser INTEGER NOT NULL REFERENCES adviser (id),
            channel TEXT NOT NULL,
            at INTEGER NOT NULL,
            CONSTRAINT one_handle_on_a_channel UNIQUE (adviser, channel)
        ) STRICT, WITHOUT ROWID;
        """,
    )
