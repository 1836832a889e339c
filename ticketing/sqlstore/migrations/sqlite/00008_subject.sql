-- +goose Up
ALTER TABLE users ADD COLUMN subject TEXT NOT NULL DEFAULT ''; -- issuer and subject at the identity provider
CREATE UNIQUE INDEX users_subject ON users (subject) WHERE subject <> '';
