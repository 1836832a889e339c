-- Lists that the city edits as a whole: its places, its words.

-- +goose Up
CREATE TABLE search_lists (
    name       TEXT   NOT NULL PRIMARY KEY,
    version    BIGINT NOT NULL,
    body       TEXT   NOT NULL,
    updated_at BIGINT NOT NULL
);

-- +goose Down
DROP TABLE search_lists;
