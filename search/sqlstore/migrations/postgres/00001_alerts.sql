-- Alerts of the early warning. doc is the whole alert; the columns are what it is found by.

-- +goose Up
CREATE TABLE search_alerts (
    id         TEXT   NOT NULL PRIMARY KEY,
    version    BIGINT NOT NULL,
    state      TEXT   NOT NULL,
    district   TEXT   NOT NULL,
    category   TEXT   NOT NULL,
    updated_at BIGINT NOT NULL,
    doc        TEXT   NOT NULL
);
CREATE INDEX search_alerts_updated ON search_alerts (updated_at, id);
CREATE INDEX search_alerts_series ON search_alerts (category, district, updated_at);

-- +goose Down
DROP TABLE search_alerts;
