-- +goose Up
CREATE TABLE tickets (
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
    due_at       BIGINT, -- earliest limit of a running clock
    doc          TEXT NOT NULL -- nested parts: location, assignments, clocks, calls
);
CREATE INDEX tickets_created ON tickets (created_at, id);
CREATE INDEX tickets_state ON tickets (state, created_at, id);
CREATE INDEX tickets_department ON tickets (department, created_at, id);
CREATE INDEX tickets_phone ON tickets (phone, created_at);
CREATE INDEX tickets_due ON tickets (due_at, id) WHERE due_at IS NOT NULL;

CREATE TABLE ticket_events (
    id        INTEGER PRIMARY KEY,
    ticket_id TEXT NOT NULL,
    version   BIGINT NOT NULL,
    type      TEXT NOT NULL,
    at        BIGINT NOT NULL,
    actor     TEXT NOT NULL,
    data      TEXT NOT NULL
);
CREATE INDEX ticket_events_ticket ON ticket_events (ticket_id, id);

CREATE TABLE ticket_calls (
    call_id   TEXT NOT NULL,
    ticket_id TEXT NOT NULL,
    PRIMARY KEY (call_id, ticket_id)
);

CREATE TABLE query_codes (
    ticket_id TEXT PRIMARY KEY,
    salt      BLOB NOT NULL,
    hash      BLOB NOT NULL
);

CREATE TABLE receipts (
    scope     TEXT NOT NULL,
    key       TEXT NOT NULL,
    hash      TEXT NOT NULL,
    ticket_id TEXT NOT NULL,
    sealed    BLOB,
    at        BIGINT NOT NULL,
    PRIMARY KEY (scope, key)
);
CREATE INDEX receipts_at ON receipts (at);

CREATE TABLE outbox (
    id          INTEGER PRIMARY KEY,
    topic       TEXT NOT NULL,
    key         TEXT NOT NULL,
    gen         BIGINT NOT NULL,
    created_at  BIGINT NOT NULL,
    enqueued_at BIGINT,
    done_at     BIGINT,
    UNIQUE (topic, key)
);
CREATE INDEX outbox_pending ON outbox (topic, id) WHERE enqueued_at IS NULL AND done_at IS NULL;
CREATE INDEX outbox_stale ON outbox (topic, enqueued_at) WHERE enqueued_at IS NOT NULL AND done_at IS NULL;
CREATE INDEX outbox_done ON outbox (done_at) WHERE done_at IS NOT NULL;

-- One row for the three levels of a clock: a third of the work of a row each.
CREATE TABLE deadlines (
    ticket_id     TEXT NOT NULL,
    clock         TEXT NOT NULL,
    run           BIGINT NOT NULL, -- when the clock started
    yellow_at     BIGINT,
    red_at        BIGINT,
    overdue_at    BIGINT,
    yellow_fired  BIGINT,
    red_fired     BIGINT,
    overdue_fired BIGINT,
    next_at       BIGINT, -- the earliest level that has not fired
    PRIMARY KEY (ticket_id, clock, run)
) WITHOUT ROWID;
CREATE INDEX deadlines_next ON deadlines (next_at) WHERE next_at IS NOT NULL;

CREATE TABLE live_events (
    id       INTEGER PRIMARY KEY,
    seq      BIGINT, -- order of commit, where ids do not tell it
    type     TEXT NOT NULL,
    subject  TEXT NOT NULL,
    version  BIGINT NOT NULL,
    audience TEXT NOT NULL,
    data     TEXT NOT NULL,
    at       BIGINT NOT NULL
);

CREATE TABLE notifications (
    id         TEXT PRIMARY KEY,
    ticket_id  TEXT NOT NULL,
    number     TEXT NOT NULL,
    kind       TEXT NOT NULL,
    clock      TEXT NOT NULL,
    audience   TEXT NOT NULL,
    created_at BIGINT NOT NULL
);
CREATE INDEX notifications_audience ON notifications (audience, created_at);

CREATE TABLE person_reads (
    id        INTEGER PRIMARY KEY,
    ticket_id TEXT NOT NULL,
    user_id   TEXT NOT NULL,
    what      TEXT NOT NULL,
    reason    TEXT NOT NULL,
    call_id   TEXT NOT NULL,
    at        BIGINT NOT NULL
);
CREATE INDEX person_reads_ticket ON person_reads (ticket_id, id);

CREATE TABLE cities (
    version BIGINT PRIMARY KEY,
    doc     TEXT NOT NULL,
    hash    TEXT NOT NULL,
    at      BIGINT NOT NULL,
    by_user TEXT NOT NULL
);

CREATE TABLE users (
    id            TEXT PRIMARY KEY,
    login         TEXT NOT NULL UNIQUE,
    name          TEXT NOT NULL,
    roles         TEXT NOT NULL,
    department    TEXT NOT NULL,
    seat          TEXT NOT NULL,
    password_hash TEXT NOT NULL,
    disabled      BIGINT NOT NULL,
    created_at    BIGINT NOT NULL
);

CREATE TABLE sessions (
    token_hash TEXT PRIMARY KEY,
    user_id    TEXT NOT NULL,
    address    TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    revoked_at BIGINT NOT NULL
);
CREATE INDEX sessions_user ON sessions (user_id);
CREATE INDEX sessions_expires ON sessions (expires_at);

CREATE TABLE counters (
    name  TEXT PRIMARY KEY,
    value BIGINT NOT NULL
);
