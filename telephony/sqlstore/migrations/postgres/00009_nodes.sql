-- Which node has a call, for each closes the records that it left itself; and callbacks are found by their number.

-- +goose Up
ALTER TABLE telephony_calls ADD COLUMN node TEXT NOT NULL DEFAULT '';
ALTER TABLE telephony_callbacks ADD COLUMN number TEXT NOT NULL DEFAULT '';
UPDATE telephony_callbacks SET number = doc::json ->> 'number';
CREATE INDEX telephony_callbacks_number ON telephony_callbacks (number) WHERE ended_at = 0;

-- +goose Down
DROP INDEX telephony_callbacks_number;
ALTER TABLE telephony_callbacks DROP COLUMN number;
ALTER TABLE telephony_calls DROP COLUMN node;
