-- Numbers that are kept from calling, proposed and in force; lifted ones stay on record.

-- +goose Up
CREATE TABLE telephony_blocks (
    id           TEXT   NOT NULL PRIMARY KEY,
    caller       TEXT   NOT NULL,
    call_id      TEXT   NOT NULL,
    reason       TEXT   NOT NULL,
    proposed_by  TEXT   NOT NULL,
    proposed_at  BIGINT NOT NULL,
    confirmed_by TEXT   NOT NULL,
    confirmed_at BIGINT NOT NULL,
    until        BIGINT NOT NULL,
    lifted_by    TEXT   NOT NULL,
    lifted_at    BIGINT NOT NULL,
    lift_reason  TEXT   NOT NULL
);
CREATE INDEX telephony_blocks_proposed ON telephony_blocks (proposed_at, id);

-- +goose Down
DROP TABLE telephony_blocks;
