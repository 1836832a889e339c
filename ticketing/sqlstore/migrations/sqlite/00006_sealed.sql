-- +goose Up
-- Tickets of sealed partitions are in a table of their own: no list, count or
-- figure of the others can come upon them.
CREATE TABLE sealed_tickets (
    id           TEXT PRIMARY KEY,
    number       TEXT UNIQUE,
    version      BIGINT NOT NULL,
    state        TEXT NOT NULL,
    channel      TEXT NOT NULL,
    urgency      TEXT NOT NULL,
    confidential BIGINT NOT NULL,
    line         TEXT NOT NULL,
    digit        TEXT NOT NULL,
    type         TEXT NOT NULL,
    title        TEXT NOT NULL,
    description  TEXT NOT NULL,
    category     TEXT NOT NULL,
    district     TEXT NOT NULL,
    address      TEXT NOT NULL,
    name         TEXT NOT NULL,
    phone        TEXT NOT NULL,
    department   TEXT NOT NULL,
    operator     TEXT NOT NULL,
    answer       TEXT NOT NULL,
    reopened     BIGINT NOT NULL,
    at_desk      BIGINT NOT NULL,
    created_at   BIGINT NOT NULL,
    updated_at   BIGINT NOT NULL,
    accepted_at  BIGINT NOT NULL,
    resolved_at  BIGINT NOT NULL,
    closed_at    BIGINT NOT NULL,
    due_at       BIGINT,
    handler      TEXT NOT NULL,
    doc          TEXT NOT NULL,
    "partition"  TEXT NOT NULL
);
CREATE INDEX sealed_created ON sealed_tickets ("partition", created_at, id);
CREATE INDEX sealed_due ON sealed_tickets ("partition", due_at, id) WHERE due_at IS NOT NULL;
CREATE INDEX sealed_phone ON sealed_tickets (phone, created_at);
CREATE INDEX sealed_handler ON sealed_tickets (handler, state) WHERE handler <> '';

-- Those of the line for reports against officials were among the others.
INSERT INTO sealed_tickets (id, number, version, state, channel, urgency, confidential, line, digit, type, title, description, category, district,
    address, name, phone, department, operator, answer, reopened, at_desk, created_at, updated_at, accepted_at, resolved_at, closed_at, due_at, handler, doc, "partition")
SELECT id, number, version, state, channel, urgency, confidential, line, digit, type, title, description, category, district,
    address, name, phone, department, operator, answer, reopened, at_desk, created_at, updated_at, accepted_at, resolved_at, closed_at, due_at, handler, doc, '12388'
FROM tickets WHERE line = '12388';
DELETE FROM tickets WHERE line = '12388';
