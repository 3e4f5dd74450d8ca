/**
 * Gives slots of a concurrency limit. A process says what it holds and wants: what it says is true.
 *
 * KEYS: meta (epoch, opens, fence), ends (process -> end of its lease), line (processes that want some), holders (h: held, g:
 * granted and not known, w: wanted, q: number of the last message, each with the process).
 * ARGV: limit, lease, process, sequence, held, wanted, epoch, leaves, prefix of the channels of processes, tag.
 * What is wanted is weight*count, with commas between. Times are microseconds of the server's own clock.
 */
export const leaseScript = `
local meta, ends, line, holders = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local limit, lease, me, sequence, held = tonumber(ARGV[1]), tonumber(ARGV[2]), ARGV[3], tonumber(ARGV[4]), tonumber(ARGV[5])
local epoch, leaves, channel, tag = ARGV[7], ARGV[8] == '1', ARGV[9], ARGV[10]
local time = redis.call('TIME')
local t = time[1] * 1000000 + time[2]
local function text(number) return string.format('%.0f', number) end

-- Only the state of this limit is read; it is small: a few fields for each process.
local fields = redis.call('HGETALL', holders)
local state = {}
for i = 1, #fields, 2 do state[fields[i]] = fields[i + 1] end
local function set(name, value)
  state[name] = value
  if value then redis.call('HSET', holders, name, value) else redis.call('HDEL', holders, name) end
end
local function number(name) return tonumber(state[name] or 0) end
local function drop(process)
  for _, kind in ipairs({ 'h:', 'g:', 'w:', 'q:' }) do set(kind .. process, nil) end
  redis.call('ZREM', ends, process)
  redis.call('LREM', line, 0, process)
end
local function runsOf(wanted)
  local runs = {}
  for weight, count in string.gmatch(wanted or '', '(%d+)%*(%d+)') do runs[#runs + 1] = { tonumber(weight), tonumber(count) } end
  return runs
end
local function wantedOf(runs)
  local parts = {}
  for i, run in ipairs(runs) do parts[i] = text(run[1]) .. '*' .. text(run[2]) end
  return table.concat(parts, ',')
end
-- What is still wanted where those who stand first got so much.
local function without(runs, got)
  while runs[1] and runs[1][1] <= got do
    local count = math.min(runs[1][2], math.floor(got / runs[1][1]))
    got = got - count * runs[1][1]
    runs[1][2] = runs[1][2] - count
    if runs[1][2] > 0 then break end
    table.remove(runs, 1)
  end
  return runs
end

-- After data were lost, who holds slots is to say so first.
local known = redis.call('HMGET', meta, 'epoch', 'opens', 'fence')
local current, opens, fence = known[1], tonumber(known[2] or 0), tonumber(known[3] or 0)
local isForeign
if epoch ~= '' then isForeign = epoch ~= current else isForeign = held > 0 end
if isForeign then
  opens = math.max(opens, t + lease / 3)
  redis.call('HSET', meta, 'opens', text(opens))
end
if not current then
  current = text(t)
  redis.call('HSET', meta, 'epoch', current)
end

-- The dead.
for _, process in ipairs(redis.call('ZRANGEBYSCORE', ends, '-inf', '(' .. text(t))) do
  if process ~= me then drop(process) end
end
if state['q:' .. me] and sequence < number('q:' .. me) then return false end
local known = redis.call('ZSCORE', ends, me)
local isNew = not known or tonumber(known) < t
local granted = number('g:' .. me)
local wasInLine = state['w:' .. me] ~= nil
local mine = {}
if leaves then
  granted = 0
  drop(me)
else
  mine = without(runsOf(ARGV[6]), granted)
  held = held + granted
  redis.call('ZADD', ends, text(t + lease), me)
  set('q:' .. me, text(sequence))
  set('g:' .. me, nil)
  set('h:' .. me, text(held))
  if #mine > 0 then
    if not wasInLine then redis.call('RPUSH', line, me) end
  elseif wasInLine then
    redis.call('LREM', line, 0, me)
  end
  set('w:' .. me, #mine > 0 and wantedOf(mine) or nil)
end

-- Round robin: one for each that wants some, save those who have not fetched what they got.
local got = granted
local told = {}
local waiting = redis.call('LRANGE', line, 0, -1)
if t >= opens and #waiting > 0 then
  local used = 0
  for name, value in pairs(state) do
    if string.sub(name, 1, 2) == 'h:' then used = used + tonumber(value) end
  end
  local skipped, hasChanged = {}, false
  while #waiting > 0 do
    local process = table.remove(waiting, 1)
    local runs = process == me and mine or runsOf(state['w:' .. process])
    if #runs == 0 then
      hasChanged = true
    elseif process ~= me and number('g:' .. process) > 0 then
      skipped[#skipped + 1] = process
    elseif used > 0 and used + runs[1][1] > limit then
      skipped[#skipped + 1] = process
      break
    else
      local weight = runs[1][1]
      hasChanged = true
      used = used + weight
      set('h:' .. process, text(number('h:' .. process) + weight))
      runs = without(runs, weight)
      if process == me then mine = runs end
      set('w:' .. process, #runs > 0 and wantedOf(runs) or nil)
      if #runs > 0 then waiting[#waiting + 1] = process end
      if process == me then
        got = got + weight
      else
        set('g:' .. process, text(weight))
        told[process] = true
      end
    end
  end
  for _, process in ipairs(waiting) do skipped[#skipped + 1] = process end
  waiting = skipped
  if hasChanged then
    redis.call('DEL', line)
    for _, process in ipairs(waiting) do redis.call('RPUSH', line, process) end
  end
end
-- Those who hold some may not use them all.
if #mine > 0 and not wasInLine then
  for name, value in pairs(state) do
    if string.sub(name, 1, 2) == 'h:' and tonumber(value) > 0 then told[string.sub(name, 3)] = true end
  end
end
for process in pairs(told) do
  if process ~= me then redis.call('PUBLISH', channel .. process, tag) end
end

local given = 0
if got > 0 or (isNew and not leaves) then
  given = math.max(fence + 1, t)
  redis.call('HSET', meta, 'fence', text(given))
end
local others = 0
for _, process in ipairs(waiting) do if process ~= me then others = others + 1 end end
local soonest = redis.call('ZRANGE', ends, 0, 1, 'WITHSCORES')
local nextEnd = 0
for i = 1, #soonest, 2 do
  if soonest[i] ~= me then nextEnd = math.max(1000, tonumber(soonest[i + 1]) - t + 1000) break end
end
local ttl = math.ceil(lease / 500)
for i = 1, 4 do
  if redis.call('PTTL', KEYS[i]) < ttl then redis.call('PEXPIRE', KEYS[i], ttl) end
end
return {
  text(got), current, text(math.max(0, opens - t)), text(nextEnd), text(others),
  text(redis.call('ZCARD', ends)), text(given)
}
`;
