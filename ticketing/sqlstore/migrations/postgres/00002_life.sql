-- +goose Up
ALTER TABLE tickets ADD COLUMN handler TEXT NOT NULL DEFAULT ''; -- user of the department who handles it
CREATE INDEX tickets_handler ON tickets (handler, state) WHERE handler <> '';
CREATE INDEX tickets_closed ON tickets (closed_at, id) WHERE state = 'closed';

-- An index of the records that tickets carry, for lists over all tickets.
CREATE TABLE ticket_records (
    ticket_id  TEXT NOT NULL,
    id         TEXT NOT NULL,
    kind       TEXT NOT NULL,
    state      TEXT NOT NULL,
    department TEXT NOT NULL,
    decider    TEXT NOT NULL,
    at         BIGINT NOT NULL,
    PRIMARY KEY (ticket_id, id)
);
CREATE INDEX ticket_records_kind ON ticket_records (kind, state, at, ticket_id);
CREATE INDEX ticket_records_department ON ticket_records (department, state, at);

-- Departments that see a ticket beside the one in charge.
CREATE TABLE ticket_units (
    department TEXT NOT NULL,
    ticket_id  TEXT NOT NULL,
    PRIMARY KEY (department, ticket_id)
);

-- Who is on a ticket right now.
CREATE TABLE leases (
    ticket_id TEXT PRIMARY KEY,
    user_id   TEXT NOT NULL,
    until     BIGINT NOT NULL
);

-- What a user has typed and not sent yet.
CREATE TABLE form_drafts (
    user_id TEXT NOT NULL,
    key     TEXT NOT NULL,
    seq     BIGINT NOT NULL,
    body    TEXT NOT NULL,
    at      BIGINT NOT NULL,
    PRIMARY KEY (user_id, key)
);
CREATE INDEX form_drafts_at ON form_drafts (at);

CREATE TABLE templates (
    id         TEXT PRIMARY KEY,
    action     TEXT NOT NULL,
    name       TEXT NOT NULL,
    body       TEXT NOT NULL,
    category   TEXT NOT NULL,
    department TEXT NOT NULL,
    version    BIGINT NOT NULL,
    by_user    TEXT NOT NULL,
    at         BIGINT NOT NULL
);
CREATE INDEX templates_department ON templates (department, action);
