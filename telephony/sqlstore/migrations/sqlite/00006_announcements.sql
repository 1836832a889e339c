-- What the callers of a line hear first.

-- +goose Up
CREATE TABLE telephony_announcements (
    line TEXT NOT NULL PRIMARY KEY,
    doc  TEXT NOT NULL
);

-- +goose Down
DROP TABLE telephony_announcements;
