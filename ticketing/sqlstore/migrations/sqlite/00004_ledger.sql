-- +goose Up
-- Entries that were committed and have no place in the chain yet.
CREATE TABLE ledger_waiting (
    id      INTEGER PRIMARY KEY,
    at      BIGINT NOT NULL,
    actor   TEXT NOT NULL,
    class   TEXT NOT NULL,
    address TEXT NOT NULL,
    trace   TEXT NOT NULL,
    action  TEXT NOT NULL,
    object  TEXT NOT NULL,
    result  TEXT NOT NULL,
    reason  TEXT NOT NULL,
    data    TEXT NOT NULL,
    salt    BLOB,
    content BLOB NOT NULL,
    key     TEXT NOT NULL,
    hash    BLOB NOT NULL
);

CREATE TABLE ledger (
    seq     BIGINT PRIMARY KEY,
    at      BIGINT NOT NULL,
    actor   TEXT NOT NULL,
    class   TEXT NOT NULL,
    address TEXT NOT NULL,
    trace   TEXT NOT NULL,
    action  TEXT NOT NULL,
    object  TEXT NOT NULL,
    result  TEXT NOT NULL,
    reason  TEXT NOT NULL,
    data    TEXT NOT NULL,
    salt    BLOB, -- NULL once reason and data are erased
    content BLOB NOT NULL,
    key     TEXT NOT NULL,
    hash    BLOB NOT NULL
);
CREATE INDEX ledger_object ON ledger (object, seq);
CREATE INDEX ledger_actor ON ledger (actor, seq);
CREATE INDEX ledger_action ON ledger (action, seq);

CREATE TABLE ledger_head (
    id   BIGINT PRIMARY KEY,
    seq  BIGINT NOT NULL,
    hash BLOB NOT NULL
);
INSERT INTO ledger_head (id, seq, hash) VALUES (1, 0, x'');

-- Nothing is deleted, and nothing changed but that words go with their salt.
-- +goose StatementBegin
CREATE TRIGGER ledger_stays BEFORE DELETE ON ledger
BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER ledger_as_written BEFORE UPDATE ON ledger
WHEN NOT (NEW.salt IS NULL AND NEW.reason = '' AND NEW.data = '' AND NEW.seq = OLD.seq AND NEW.at = OLD.at AND NEW.actor = OLD.actor
    AND NEW.class = OLD.class AND NEW.address = OLD.address AND NEW.trace = OLD.trace AND NEW.action = OLD.action AND NEW.object = OLD.object
    AND NEW.result = OLD.result AND NEW.content = OLD.content AND NEW.key = OLD.key AND NEW.hash = OLD.hash)
BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END;
-- +goose StatementEnd
