-- +goose Up
-- Entries that were committed and have no place in the chain yet.
CREATE TABLE ledger_waiting (
    id      BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
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
    salt    BYTEA,
    content BYTEA NOT NULL,
    key     TEXT NOT NULL,
    hash    BYTEA NOT NULL
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
    salt    BYTEA, -- NULL once reason and data are erased
    content BYTEA NOT NULL,
    key     TEXT NOT NULL,
    hash    BYTEA NOT NULL
);
CREATE INDEX ledger_object ON ledger (object, seq);
CREATE INDEX ledger_actor ON ledger (actor, seq);
CREATE INDEX ledger_action ON ledger (action, seq);

CREATE TABLE ledger_head (
    id   BIGINT PRIMARY KEY,
    seq  BIGINT NOT NULL,
    hash BYTEA NOT NULL
);
INSERT INTO ledger_head (id, seq, hash) VALUES (1, 0, ''::bytea);

-- Nothing is deleted, and nothing changed but that words go with their salt.
-- +goose StatementBegin
CREATE FUNCTION ledger_guard() RETURNS trigger AS $$
BEGIN
    IF TG_OP = 'UPDATE' THEN
        IF NEW.salt IS NULL AND NEW.reason = '' AND NEW.data = ''
            AND (NEW.seq, NEW.at, NEW.actor, NEW.class, NEW.address, NEW.trace, NEW.action, NEW.object, NEW.result, NEW.content, NEW.key, NEW.hash)
              = (OLD.seq, OLD.at, OLD.actor, OLD.class, OLD.address, OLD.trace, OLD.action, OLD.object, OLD.result, OLD.content, OLD.key, OLD.hash) THEN
            RETURN NEW;
        END IF;
    END IF;
    RAISE EXCEPTION 'the ledger is append-only';
END
$$ LANGUAGE plpgsql;
-- +goose StatementEnd
CREATE TRIGGER ledger_as_written BEFORE UPDATE OR DELETE ON ledger FOR EACH ROW EXECUTE FUNCTION ledger_guard();
CREATE TRIGGER ledger_stays BEFORE TRUNCATE ON ledger FOR EACH STATEMENT EXECUTE FUNCTION ledger_guard();
