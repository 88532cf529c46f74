-- An account's budget: a GCRA for each measure, on the clock of Redis, shared by every host that uses the credential.
--
-- KEYS[1]  hash: `last` the time last seen; `t:<measure>` until when is owed (theoretical arrival time), microseconds;
--          `allowance:<measure>` what it might owe when it was checked last; `run` the run of Redis that was in;
--          `claim:<class>` who was refused, and may go first when its time comes
-- KEYS[2]  hash: messages charged, by minute of Redis's clock, for people who ask
-- ARGV     mode, class, host, run ('' when nobody shares it), then for each measure: name, cost, least cost, allowance
--
-- Modes    "ask"     charges nothing                        "charge"  takes all of the costs, or none
--          "refund"  gives the costs of a charge back       "owe"     so much is owed at least; after a loss, the allowance
-- Returns  { 1, wait of the next } yes · { 0, wait } no, both microseconds · { 2, 0 } something is lost: call with "owe"
--
-- A clock that goes back takes the debts with it. The keys live for forty days: missing is then as good as lost.
local LIVES_MS, CLAIM_US, LOOK_US = 3456000000, 1000000, 20000
local clock = redis.call('TIME')
local now = clock[1] * 1000000 + clock[2]
local mode, class, host, run = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
local function text(number) return string.format('%.0f', number) end

local measures, fields = {}, { 'last', 'run', 'claim:urgent', 'claim:bulk' }
for i = 5, #ARGV, 4 do
  measures[#measures + 1] = {
    name = ARGV[i], field = 't:' .. ARGV[i], cost = tonumber(ARGV[i + 1]),
    least = tonumber(ARGV[i + 2]), allowance = tonumber(ARGV[i + 3])
  }
  fields[#fields + 1] = 't:' .. ARGV[i]
end
local state = redis.call('HMGET', KEYS[1], unpack(fields))
local claims = { urgent = state[3], bulk = state[4] }
for i, measure in ipairs(measures) do
  measure.tat = tonumber(state[4 + i])
  if not measure.tat and mode ~= 'owe' then return { 2, 0 } end
end

local back = math.max(0, (tonumber(state[1]) or now) - now)
if back > 0 then
  -- Written down whatever is asked: a debt that is moved in thought only would not sink until the clock has caught up.
  claims = {}
  for _, measure in ipairs(measures) do measure.tat = measure.tat and measure.tat - back end
  local all = redis.call('HGETALL', KEYS[1])
  for i = 1, #all, 2 do
    if string.sub(all[i], 1, 2) == 't:' then redis.call('HSET', KEYS[1], all[i], text(all[i + 1] - back)) end
  end
  redis.call('HSET', KEYS[1], 'last', text(now))
  redis.call('HDEL', KEYS[1], 'claim:urgent', 'claim:bulk')
end

local set = { 'last', text(now) }
local function keep()
  for _, measure in ipairs(measures) do
    set[#set + 1] = measure.field
    set[#set + 1] = text(measure.tat)
    -- What is owed never lives longer than its key.
    LIVES_MS = math.max(LIVES_MS, math.ceil((measure.tat - now) / 1000) + 7200000)
  end
  redis.call('HSET', KEYS[1], unpack(set))
  redis.call('PEXPIRE', KEYS[1], LIVES_MS)
end
local function count(by)
  local minute = math.floor(now / 60000000)
  redis.call('HINCRBY', KEYS[2], minute, by)
  if redis.call('HLEN', KEYS[2]) > 64 then
    for _, field in ipairs(redis.call('HKEYS', KEYS[2])) do
      if tonumber(field) < minute - 60 or tonumber(field) > minute then redis.call('HDEL', KEYS[2], field) end
    end
  end
  redis.call('PEXPIRE', KEYS[2], 7200000)
end

if mode == 'owe' then
  for _, measure in ipairs(measures) do
    -- What other hosts were charged is known to nobody here: then the burst counts as used up, a larger one too.
    local known = tonumber(redis.call('HGET', KEYS[1], 'allowance:' .. measure.name) or 0)
    local lost = run ~= '' and (not measure.tat or state[2] ~= run or measure.allowance > known)
    local debt = lost and math.max(measure.cost, measure.allowance) or measure.cost
    measure.tat = math.max(measure.tat or now, now + debt)
    set[#set + 1] = 'allowance:' .. measure.name
    set[#set + 1] = text(measure.allowance)
  end
  set[#set + 1], set[#set + 2] = 'run', run
  keep()
  return { 1, 0 }
end
if mode == 'refund' then
  for _, measure in ipairs(measures) do measure.tat = measure.tat - measure.cost end
  keep()
  count(-1)
  return { 1, 0 }
end

-- Whoever was refused is next: light mail, or another host's bulk mail, must not take what it waits for, for ever.
local claimed, mine = 0, true
for _, by in ipairs(class == 'bulk' and { 'urgent', 'bulk' } or { 'urgent' }) do
  local at, holder = string.match(claims[by] or '', '^(%d+) (.*)$')
  if at and (by ~= class or holder ~= host) and at + CLAIM_US > now then
    claimed = math.max(claimed, at - now, LOOK_US)
    mine = mine and by ~= class
  end
end
local wait, heavy = 0, false
for _, measure in ipairs(measures) do
  local free = math.max(measure.tat, now)
  -- More than the bucket ever lends: it has to have been empty for as long as the rest takes.
  if measure.cost > measure.allowance then free = measure.tat end
  local needs = free + measure.cost - measure.allowance - now
  if needs > wait then wait, heavy = needs, measure.cost > measure.least end
end
if wait > 0 or claimed > 0 then
  if wait > 0 and mine and (class == 'urgent' or heavy) then
    redis.call('HSET', KEYS[1], 'claim:' .. class, text(now + wait) .. ' ' .. host)
  end
  return { 0, math.max(wait, claimed) }
end
if mode == 'ask' then return { 1, 0 } end

local following = 0
for _, measure in ipairs(measures) do
  measure.tat = math.max(measure.tat, now) + measure.cost
  following = math.max(following, measure.tat + measure.least - measure.allowance - now)
end
keep()
redis.call('HDEL', KEYS[1], 'claim:' .. class)
count(1)
return { 1, following }
