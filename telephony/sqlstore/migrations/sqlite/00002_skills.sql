-- What people are able to do, at which level.

-- +goose Up
CREATE TABLE telephony_skills (
    user_id TEXT   NOT NULL,
    skill   TEXT   NOT NULL,
    level   BIGINT NOT NULL,
    PRIMARY KEY (user_id, skill)
);

-- +goose Down
DROP TABLE telephony_skills;
