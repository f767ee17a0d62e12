package redis

import goredis "github.com/redis/go-redis/v9"

// publish makes ARGV[1] the record KEYS[1], whose body KEYS[2] has to have ARGV[3] pieces:
// a server that was restarted has lost them. With an ARGV[5] it does so only in place of
// a record that begins with this. Both get ARGV[2] ms to live. It returns the first
// ARGV[4] bytes of what was there before, or nil if it did nothing.
var publish = goredis.NewScript(`
local pieces = tonumber(ARGV[3])
if pieces > 0 and redis.call('HLEN', KEYS[2]) < pieces then return false end
local old = redis.pcall('GETRANGE', KEYS[1], 0, ARGV[4] - 1)
if type(old) ~= 'string' then old = '' end
if ARGV[5] ~= '' and ARGV[5] ~= old then return false end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
if pieces > 0 then redis.call('PEXPIRE', KEYS[2], ARGV[2]) end
return old
`)

// takeAway deletes the record KEYS[1] if it begins with ARGV[1], and returns its first
// ARGV[2] bytes, or nil if it did nothing.
var takeAway = goredis.NewScript(`
local old = redis.pcall('GETRANGE', KEYS[1], 0, ARGV[2] - 1)
if type(old) ~= 'string' then old = '' end
if ARGV[1] ~= '' and ARGV[1] ~= old then return false end
redis.call('UNLINK', KEYS[1])
return old
`)
