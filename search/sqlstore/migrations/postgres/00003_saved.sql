-- Searches that people keep under a name of their own.

-- +goose Up
CREATE TABLE search_saved (
    id         TEXT   NOT NULL PRIMARY KEY,
    owner      TEXT   NOT NULL,
    name       TEXT   NOT NULL,
    query      TEXT   NOT NULL,
    updated_at BIGINT NOT NULL,
    UNIQUE (owner, name)
);

-- +goose Down
DROP TABLE search_saved;
