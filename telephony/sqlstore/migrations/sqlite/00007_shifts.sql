-- Who should sit at the seats, and when.

-- +goose Up
CREATE TABLE telephony_shifts (
    id      TEXT   NOT NULL PRIMARY KEY,
    user_id TEXT   NOT NULL,
    from_at BIGINT NOT NULL,
    to_at   BIGINT NOT NULL,
    note    TEXT   NOT NULL,
    by_user TEXT   NOT NULL
);
CREATE INDEX telephony_shifts_from ON telephony_shifts (from_at);

-- +goose Down
DROP TABLE telephony_shifts;
