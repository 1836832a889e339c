-- The line of the call that a block is about: who may not know of the line's calls is not told of the block.

-- +goose Up
ALTER TABLE telephony_blocks ADD COLUMN line TEXT NOT NULL DEFAULT '';

-- +goose Down
ALTER TABLE telephony_blocks DROP COLUMN line;
