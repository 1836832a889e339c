package cluster

import "github.com/redis/go-redis/v9"

// head is a hash: id of the generation, n of the newest event, sum over all events.
// Each script reads it first: what was meant for another generation is refused.

// appendEvents: KEYS head, log; ARGV generation, events. It gives the number of the last one, or -1 for another generation.
var appendEvents = redis.NewScript(`
if redis.call('HGET', KEYS[1], 'id') ~= ARGV[1] then return -1 end
local now = redis.call('TIME')
local at = now[1] .. string.format('%06d', now[2])
local n = tonumber(redis.call('HGET', KEYS[1], 'n'))
local sum = redis.call('HGET', KEYS[1], 'sum')
for i = 2, #ARGV do
  n = n + 1
  sum = redis.sha1hex(sum .. ARGV[i])
  redis.call('XADD', KEYS[2], string.format('%d-1', n), 'at', at, 'sum', sum, 'event', ARGV[i])
end
redis.call('HSET', KEYS[1], 'n', string.format('%d', n), 'sum', sum)
return n`)

// beginGeneration: KEYS head, snapshot of the new one; ARGV former generation, new one, state. 1: done, 0: somebody else was first.
var beginGeneration = redis.NewScript(`
if (redis.call('HGET', KEYS[1], 'id') or '') ~= ARGV[1] then return 0 end
redis.call('DEL', KEYS[1])
redis.call('HSET', KEYS[1], 'id', ARGV[2], 'n', '0', 'sum', '')
redis.call('HSET', KEYS[2], 'n', '0', 'sum', '', 'state', ARGV[3])
return 1`)

// saveSnapshot: KEYS head, snapshot, log; ARGV generation, n, sum, state, oldest event to keep. 1: done.
var saveSnapshot = redis.NewScript(`
if redis.call('HGET', KEYS[1], 'id') ~= ARGV[1] then return 0 end
if tonumber(redis.call('HGET', KEYS[2], 'n') or '-1') >= tonumber(ARGV[2]) then return 0 end
redis.call('HSET', KEYS[2], 'n', ARGV[2], 'sum', ARGV[3], 'state', ARGV[4])
redis.call('XTRIM', KEYS[3], 'MINID', ARGV[5] .. '-0')
return 1`)
