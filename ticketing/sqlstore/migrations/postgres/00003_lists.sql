-- +goose Up
-- Lists are read along one column, newest first; what else is asked for is
-- looked up in the index itself, so that only what is shown is fetched.
DROP INDEX tickets_created;
DROP INDEX tickets_state;
DROP INDEX tickets_department;
DROP INDEX tickets_due;
CREATE INDEX tickets_created ON tickets (created_at, id, type, channel, urgency, line);
CREATE INDEX tickets_state ON tickets (state, created_at, id, department, category, district, type, urgency);
CREATE INDEX tickets_department ON tickets (department, created_at, id, category, district, type, channel, urgency);
CREATE INDEX tickets_category ON tickets (category, created_at, id, department, district, type, channel, urgency);
CREATE INDEX tickets_district ON tickets (district, created_at, id, department, category, type, channel, urgency);
CREATE INDEX tickets_type ON tickets (type, created_at, id, channel, urgency, line);
CREATE INDEX tickets_channel ON tickets (channel, created_at, id, type, urgency);
CREATE INDEX tickets_operator ON tickets (operator, created_at, id, type, channel, urgency);
CREATE INDEX tickets_line ON tickets (line, created_at, id, type, urgency);
CREATE INDEX tickets_urgency ON tickets (urgency, created_at, id, district, type, channel) WHERE urgency <> 'normal';
CREATE INDEX tickets_due ON tickets (due_at, id, department, state, category, district, type, urgency) WHERE due_at IS NOT NULL;
