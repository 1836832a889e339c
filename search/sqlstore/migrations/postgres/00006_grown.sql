-- Topics that got tickets of which nobody was told yet.

-- +goose Up
CREATE TABLE search_topic_grown (
    topic TEXT   NOT NULL PRIMARY KEY,
    mark  BIGINT NOT NULL -- another one each time
);

-- +goose Down
DROP TABLE search_topic_grown;
