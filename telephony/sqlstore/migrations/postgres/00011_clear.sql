-- How far each table was walked for numbers in the clear, which are from before there were pseudonyms.

-- +goose Up
CREATE TABLE telephony_clear (
    name     TEXT   NOT NULL PRIMARY KEY,
    after_id TEXT   NOT NULL,
    done     BIGINT NOT NULL
);

-- +goose Down
DROP TABLE telephony_clear;
