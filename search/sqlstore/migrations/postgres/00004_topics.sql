-- Topics: what several people report of one place. doc is the whole topic; the columns are what it is found by.

-- +goose Up
CREATE TABLE search_topics (
    id        TEXT             NOT NULL PRIMARY KEY,
    version   BIGINT           NOT NULL,
    joined_to TEXT             NOT NULL, -- another topic; empty for one that stands by itself
    name      TEXT             NOT NULL,
    district  TEXT             NOT NULL,
    category  TEXT             NOT NULL,
    members   BIGINT           NOT NULL,
    heat_rank DOUBLE PRECISION NOT NULL, -- in order of heat, whatever the time
    last_at   BIGINT           NOT NULL,
    doc       TEXT             NOT NULL
);
CREATE INDEX search_topics_heat ON search_topics (heat_rank, id);
CREATE INDEX search_topics_last ON search_topics (last_at, id);
CREATE INDEX search_topics_members ON search_topics (members, id);
CREATE TABLE search_topic_members (
    ticket      TEXT   NOT NULL PRIMARY KEY,
    number      TEXT   NOT NULL,
    topic       TEXT   NOT NULL, -- empty: alone
    at          BIGINT NOT NULL,
    gathered_at BIGINT NOT NULL
);
CREATE INDEX search_topic_members_topic ON search_topic_members (topic, at, ticket) WHERE topic <> '';
CREATE INDEX search_topic_members_number ON search_topic_members (number, gathered_at);
CREATE TABLE search_topic_followers (
    topic   TEXT NOT NULL,
    user_id TEXT NOT NULL,
    PRIMARY KEY (topic, user_id)
);
CREATE INDEX search_topic_followers_user ON search_topic_followers (user_id, topic);
ALTER TABLE search_alerts ADD COLUMN below TEXT NOT NULL DEFAULT ''; -- another alert of the same tickets
ALTER TABLE search_alerts ADD COLUMN topic TEXT NOT NULL DEFAULT '';
CREATE INDEX search_alerts_below ON search_alerts (below) WHERE below <> '';
CREATE INDEX search_alerts_topic ON search_alerts (topic, updated_at) WHERE topic <> '';

-- +goose Down
DROP INDEX search_alerts_topic;
DROP INDEX search_alerts_below;
ALTER TABLE search_alerts DROP COLUMN topic;
ALTER TABLE search_alerts DROP COLUMN below;
DROP TABLE search_topic_followers;
DROP TABLE search_topic_members;
DROP TABLE search_topics;
