-- +goose Up
-- Each citizen has a key of one's own; who destroys it destroys what is sealed with it.
CREATE TABLE persons (
    id         TEXT PRIMARY KEY,
    lookup     TEXT NOT NULL, -- keyed hash of the number; '' when there is none, or nothing more is to be sealed
    wrapped    BLOB NOT NULL, -- the key under a master key; empty once it is destroyed
    number     BLOB, -- sealed with the key
    created_at BIGINT NOT NULL,
    used_at    BIGINT NOT NULL, -- when something was last sealed with it
    erased_at  BIGINT NOT NULL
);
CREATE UNIQUE INDEX persons_lookup ON persons (lookup) WHERE lookup <> '';

-- Keys of the store itself: that of the hashes of numbers, and one for each sealed partition.
CREATE TABLE store_keys (
    name    TEXT PRIMARY KEY,
    wrapped BLOB NOT NULL
);

-- name is empty and phone a hash where the person is sealed.
ALTER TABLE tickets ADD COLUMN person TEXT NOT NULL DEFAULT '';
ALTER TABLE tickets ADD COLUMN box BLOB;
ALTER TABLE sealed_tickets ADD COLUMN person TEXT NOT NULL DEFAULT '';
ALTER TABLE sealed_tickets ADD COLUMN box BLOB;
CREATE INDEX tickets_person ON tickets (person) WHERE person <> '';
CREATE INDEX sealed_person ON sealed_tickets (person) WHERE person <> '';
CREATE INDEX tickets_clear ON tickets (id) WHERE person = '' AND (name <> '' OR phone <> '');
CREATE INDEX sealed_clear ON sealed_tickets (id) WHERE doc LIKE '{%';
