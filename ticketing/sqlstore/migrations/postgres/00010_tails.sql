-- +goose Up
-- A keyed hash of the last digits of the number; '' when there is none, or it is not filled in yet.
ALTER TABLE persons ADD COLUMN tail TEXT NOT NULL DEFAULT '';
CREATE INDEX persons_tail ON persons (tail) WHERE tail <> '';
CREATE INDEX persons_no_tail ON persons (id) WHERE tail = '' AND lookup <> '';
