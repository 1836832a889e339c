-- A saved search may tell its owner of new tickets. seen are the ids that it found of late, as JSON.

-- +goose Up
ALTER TABLE search_saved ADD COLUMN told_at BIGINT NOT NULL DEFAULT 0; -- 0: it tells nothing
ALTER TABLE search_saved ADD COLUMN seen TEXT NOT NULL DEFAULT '[]';
CREATE INDEX search_saved_told ON search_saved (told_at, id) WHERE told_at <> 0;

-- +goose Down
DROP INDEX search_saved_told;
ALTER TABLE search_saved DROP COLUMN seen;
ALTER TABLE search_saved DROP COLUMN told_at;
