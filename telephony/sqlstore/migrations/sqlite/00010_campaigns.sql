-- Campaigns that call citizens on a list, and the numbers that none calls.

-- +goose Up
CREATE TABLE telephony_campaigns (
    id         TEXT   NOT NULL PRIMARY KEY,
    state      TEXT   NOT NULL,
    created_at BIGINT NOT NULL,
    doc        TEXT   NOT NULL
);
CREATE TABLE telephony_contacts (
    id          TEXT   NOT NULL PRIMARY KEY,
    campaign_id TEXT   NOT NULL,
    number      TEXT   NOT NULL,
    state       TEXT   NOT NULL,
    holder      TEXT   NOT NULL,
    taken_at    BIGINT NOT NULL,
    not_until   BIGINT NOT NULL,
    outcome     TEXT   NOT NULL,
    doc         TEXT   NOT NULL,
    UNIQUE (campaign_id, number)
);
CREATE INDEX telephony_contacts_list ON telephony_contacts (campaign_id, id);
CREATE INDEX telephony_contacts_due ON telephony_contacts (campaign_id, not_until, id) WHERE state = 'waiting';
CREATE INDEX telephony_contacts_taken ON telephony_contacts (holder) WHERE state = 'taken';
CREATE TABLE telephony_no_calls (
    number  TEXT   NOT NULL PRIMARY KEY,
    by_user TEXT   NOT NULL,
    reason  TEXT   NOT NULL,
    at      BIGINT NOT NULL
);

-- +goose Down
DROP TABLE telephony_no_calls;
DROP TABLE telephony_contacts;
DROP TABLE telephony_campaigns;
