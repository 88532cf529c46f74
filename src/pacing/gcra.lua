-- One account's budget of messages: a GCRA on the clock of Redis, shared by every host that uses the account.
--
-- KEYS[1]  hash { tat, last }: theoretical arrival time, and the time last seen; microseconds
-- ARGV[1]  "charge", or "ask" (changes nothing)
-- ARGV[2]  emission interval T, microseconds
-- ARGV[3]  tolerance, microseconds: (burst - 1) * T
-- ARGV[4]  what the caller knows is owed at least, microseconds; -1 when it has not looked
-- Returns  { 1, 0 } conforms (and is charged) · { 0, wait in microseconds } · { 2, 0 } the bucket is gone: call
--          again with its debt
--
-- In any window of length W at most (W + tolerance) / T + 1 charges conform (docs/architecture.md, Pacing).
-- A clock that goes back takes the debt with it. The key lives an hour longer than its debt.
local clock = redis.call('TIME')
local now = clock[1] * 1000000 + clock[2]
local interval, tolerance, debt = tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])

local bucket = redis.call('HMGET', KEYS[1], 'tat', 'last')
local tat, last = tonumber(bucket[1]), tonumber(bucket[2])
if not tat then
  if debt < 0 then return { 2, 0 } end
  tat, last = now, now
end
if now < last then tat = tat - (last - now) end
if debt > 0 then tat = math.max(tat, now + debt) end

local wait = tat - tolerance - now
local conforms = wait <= 0
if ARGV[1] == 'charge' then
  if conforms then tat = math.max(tat, now) + interval end
  redis.call('HSET', KEYS[1], 'tat', string.format('%.0f', tat), 'last', string.format('%.0f', now))
  redis.call('PEXPIRE', KEYS[1], math.ceil((math.max(tat, now) - now) / 1000) + 3600000)
end
if conforms then return { 1, 0 } end
return { 0, wait }
