-- +goose Up
CREATE TABLE telephony_calls (
    id         TEXT    NOT NULL PRIMARY KEY,
    direction  TEXT    NOT NULL,
    caller     TEXT    NOT NULL,
    line       TEXT    NOT NULL,
    queue      TEXT    NOT NULL,
    seat       TEXT    NOT NULL,
    user_id    TEXT    NOT NULL,
    missed     BIGINT  NOT NULL,
    started_at BIGINT  NOT NULL,
    ended_at   BIGINT  NOT NULL,
    doc        TEXT    NOT NULL
);
CREATE INDEX telephony_calls_started ON telephony_calls (started_at, id);
CREATE INDEX telephony_calls_caller ON telephony_calls (caller, started_at);
CREATE INDEX telephony_calls_seat ON telephony_calls (seat, started_at);
CREATE INDEX telephony_calls_open ON telephony_calls (started_at) WHERE ended_at = 0;

CREATE TABLE telephony_events (
    id      BIGINT  GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at      BIGINT  NOT NULL,
    call_id TEXT    NOT NULL,
    seat    TEXT    NOT NULL,
    user_id TEXT    NOT NULL,
    type    TEXT    NOT NULL,
    data    TEXT    NOT NULL
);
CREATE INDEX telephony_events_call ON telephony_events (call_id, id);

CREATE TABLE telephony_missed (
    call_id    TEXT   NOT NULL PRIMARY KEY,
    caller     TEXT   NOT NULL,
    line       TEXT   NOT NULL,
    queue      TEXT   NOT NULL,
    digit      TEXT   NOT NULL,
    started_at BIGINT NOT NULL,
    ended_at   BIGINT NOT NULL,
    waited_ms  BIGINT NOT NULL,
    offers     BIGINT NOT NULL,
    cause      TEXT   NOT NULL,
    handled_at BIGINT NOT NULL,
    handled_by TEXT   NOT NULL
);
CREATE INDEX telephony_missed_ended ON telephony_missed (ended_at, call_id);

CREATE TABLE telephony_seats (
    id         TEXT   NOT NULL PRIMARY KEY,
    user_id    TEXT   NOT NULL,
    algorithm  TEXT   NOT NULL,
    ha1        TEXT   NOT NULL,
    auto_ready BIGINT NOT NULL,
    disabled   BIGINT NOT NULL
);

-- +goose Down
DROP TABLE telephony_seats;
DROP TABLE telephony_missed;
DROP TABLE telephony_events;
DROP TABLE telephony_calls;
