-- An account's budget: a GCRA for each measure, on the clock of Redis, shared by every host that uses the credential.
--
-- KEYS[1]  hash: `last` the time last seen, `t:<measure>` until when is owed (theoretical arrival time), both in
--          microseconds; `h:<instance>` when that host was charged last, by its own clock, milliseconds
-- KEYS[2]  hash: messages charged, by minute of Redis's clock, for people who ask
-- ARGV     mode, instance, that host's clock in milliseconds, then for each measure: name, cost, allowance (microseconds)
--
-- Modes    "ask"     changes nothing                        "charge"  takes all of the costs, or none
--          "refund"  gives the costs of a charge back       "owe"     so much is owed at least
-- Returns  { 1, 0 } yes · { 0, wait in microseconds } · { 2, 0 } this host is not known here: call with "owe" first
--
-- A clock that goes back takes the debts with it. The keys live two hours longer than what is owed.
local clock = redis.call('TIME')
local now = clock[1] * 1000000 + clock[2]
local mode, host = ARGV[1], 'h:' .. ARGV[2]
local text = function(number) return string.format('%.0f', number) end

local known = redis.call('HMGET', KEYS[1], 'last', host)
if mode ~= 'owe' and not (known[1] and known[2]) then return { 2, 0 } end
local back = math.max(0, (tonumber(known[1]) or now) - now)
if back > 0 and mode ~= 'ask' then
  local all = redis.call('HGETALL', KEYS[1])
  for i = 1, #all, 2 do
    if string.sub(all[i], 1, 2) == 't:' then redis.call('HSET', KEYS[1], all[i], text(all[i + 1] - back)) end
  end
  redis.call('HSET', KEYS[1], 'last', text(now))
  back = 0
end

local set, wait, furthest = { 'last', text(now) }, 0, now
for i = 4, #ARGV, 3 do
  local field, cost, allowance = 't:' .. ARGV[i], tonumber(ARGV[i + 1]), tonumber(ARGV[i + 2])
  local tat = (tonumber(redis.call('HGET', KEYS[1], field)) or now) - back
  if mode == 'owe' then tat = math.max(tat, now + cost)
  elseif mode == 'refund' then tat = tat - cost
  else
    tat = math.max(tat, now) + cost
    -- What is more than the bucket can ever hold goes when nothing is owed: it must not wait for ever.
    wait = math.max(wait, tat - math.max(allowance, cost) - now)
  end
  set[#set + 1] = field
  set[#set + 1] = text(tat)
  furthest = math.max(furthest, tat)
end
if wait > 0 then return { 0, wait } end
if mode == 'ask' then return { 1, 0 } end

if mode ~= 'refund' then
  set[#set + 1] = host
  set[#set + 1] = ARGV[3]
end
redis.call('HSET', KEYS[1], unpack(set))
local livesMs = math.ceil((furthest - now) / 1000) + 7200000
redis.call('PEXPIRE', KEYS[1], livesMs)
if mode == 'owe' then return { 1, 0 } end

local minute = math.floor(now / 60000000)
redis.call('HINCRBY', KEYS[2], minute, mode == 'charge' and 1 or -1)
if redis.call('HLEN', KEYS[2]) > 64 then
  for _, field in ipairs(redis.call('HKEYS', KEYS[2])) do
    if tonumber(field) < minute - 60 or tonumber(field) > minute then redis.call('HDEL', KEYS[2], field) end
  end
end
redis.call('PEXPIRE', KEYS[2], livesMs)
return { 1, 0 }
