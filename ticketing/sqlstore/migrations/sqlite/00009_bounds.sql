-- +goose Up
-- Of the centre: the district and the lines that are all a user sees.
ALTER TABLE users ADD COLUMN district TEXT NOT NULL DEFAULT '';
ALTER TABLE users ADD COLUMN lines TEXT NOT NULL DEFAULT '[]';
