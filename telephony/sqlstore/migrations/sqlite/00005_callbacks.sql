-- Citizens who are to be called back in the place that they had in a queue; those that are over stay on record.

-- +goose Up
CREATE TABLE telephony_callbacks (
    id         TEXT   NOT NULL PRIMARY KEY,
    line       TEXT   NOT NULL,
    created_at BIGINT NOT NULL,
    ended_at   BIGINT NOT NULL,
    doc        TEXT   NOT NULL
);
CREATE INDEX telephony_callbacks_created ON telephony_callbacks (created_at, id);
CREATE INDEX telephony_callbacks_open ON telephony_callbacks (created_at, id) WHERE ended_at = 0;

-- +goose Down
DROP TABLE telephony_callbacks;
