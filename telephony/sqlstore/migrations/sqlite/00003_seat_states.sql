-- Changes of seats' states by time, for the figures of who worked when.

-- +goose Up
CREATE INDEX telephony_events_states ON telephony_events (at, id) WHERE type = 'seat_state';

-- +goose Down
DROP INDEX telephony_events_states;
