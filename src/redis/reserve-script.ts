/**
 * Gives permits of a rate limit. Times are microseconds of the server's own clock.
 *
 * KEYS: log (permit -> the latest moment that it may start), asked (process -> until when it counts as one that had to
 * wait lately), waiting (the same of those that wait now), meta, had (process -> until when it has had its part).
 * ARGV: starts, window, horizon, grace, spread, process, first, channel of pauses, tag, runs, (weight, count)*, notes, (kind,
 * fields)*.
 *
 * Any n + 1 starts: the last that was given begins a window after the n-th largest of the others, or later. So no window
 * holds more than n.
 */
export const reserveScript = `
local log, asked, waiting, meta, had = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local starts, window, horizon, grace = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local spread, me, first, channel, tag = ARGV[5] == '1', ARGV[6], tonumber(ARGV[7]), ARGV[8], ARGV[9]
local time = redis.call('TIME')
local t = time[1] * 1000000 + time[2]
local function text(number) return string.format('%.0f', number) end
local at = 9
local function next() at = at + 1 return ARGV[at] end
local function weightOf(id) return tonumber(string.match(id, ':(%d+)$')) end
local function keep(key, duration)
  local wanted = math.ceil(duration / 1000) + 1000
  if redis.call('PTTL', key) < wanted then redis.call('PEXPIRE', key, wanted) end
end

local known = redis.call('HMGET', meta, 'last', 'window', 'windowUntil', 'hold', 'pause', 'weighed', 'all')
local last, longest, longestUntil = tonumber(known[1] or 0), tonumber(known[2] or 0), tonumber(known[3] or 0)
local hold, pause, weighed, all = tonumber(known[4] or 0), tonumber(known[5] or 0), known[6], tonumber(known[7] or 0)
local news = {}
local function set(name, value) news[#news + 1] = name news[#news + 1] = value end

-- The clock was set back: by up to a window starts wait that much longer; by more they are held for a window.
if last - t > window then
  local top = tonumber(redis.call('ZREVRANGE', log, 0, 0, 'WITHSCORES')[2] or 0)
  redis.call('DEL', log, asked, waiting, had)
  hold = t + math.max(0, top - last) + window
  pause = math.max(0, pause - (last - t))
  set('hold', text(hold))
  all = math.max(0, all - (last - t))
  set('pause', text(pause))
  set('all', text(all))
  last = 0
end
if t > last then set('last', text(t)) end
-- The longest window in use holds for all.
if window >= longest or longestUntil <= t then
  if window ~= longest or longestUntil < t + 1.5 * window then
    set('window', text(window))
    set('windowUntil', text(t + 2 * window))
  end
  longest = window
end

local runs = {}
for i = 1, tonumber(next()) do
  local weight = tonumber(next())
  runs[i] = { weight, tonumber(next()) }
  if weight ~= 1 and not spread then weighed = '1' set('weighed', '1') end
end
local furthest = t
local function put(id, latest)
  redis.call('ZADD', log, text(latest), id)
  if weightOf(id) ~= 1 and not weighed then weighed = '1' set('weighed', '1') end
  furthest = math.max(furthest, latest)
end
local function tell(kind, duration)
  local whose = string.sub(kind, -3) == 'All' and tag .. ' all' or tag
  redis.call('PUBLISH', channel, me .. ' ' .. text(duration) .. ' ' .. whose)
end
for i = 1, tonumber(next()) do
  local kind = next()
  if kind == 'confirm' then
    local id = next()
    redis.call('ZADD', log, 'XX', next(), id)
  elseif kind == 'release' then
    redis.call('ZREM', log, next())
  elseif kind == 'charge' then
    local id, age = next(), tonumber(next())
    put(id, t - age + tonumber(next()))
  elseif kind == 'change' then
    local id, to, shift = next(), next(), tonumber(next())
    local latest = redis.call('ZSCORE', log, id)
    redis.call('ZREM', log, id)
    if latest and weightOf(to) > 0 then put(to, latest + shift) end
  elseif kind == 'pause' or kind == 'pauseAll' then
    local duration, untilAt = tonumber(next()), tonumber(next())
    if untilAt > 0 then duration = math.max(0, math.min(duration, untilAt - t)) end
    if kind == 'pause' then pause = math.max(pause, t + duration) set('pause', text(pause))
    else all = math.max(all, t + duration) set('all', text(all)) end
    if duration > 0 then tell(kind, duration) end
  elseif kind == 'resume' then
    pause = 0
    set('pause', '0')
    tell(kind, 0)
  elseif kind == 'resumeAll' then
    all = 0
    set('all', '0')
    redis.call('PEXPIRE', meta, 1)
    tell(kind, 0)
  end
end
redis.call('ZREMRANGEBYSCORE', log, '-inf', text(t - longest))

-- The latest start that must be over for so much more to start: what is left beside it is no more than the rest then.
local function turnOf(weight)
  local rest = math.max(0, starts - weight)
  if not weighed then return tonumber(redis.call('ZREVRANGE', log, rest, rest, 'WITHSCORES')[2] or -longest) end
  local from = 0
  while true do
    local some = redis.call('ZREVRANGE', log, from, from + 127, 'WITHSCORES')
    for i = 1, #some, 2 do
      rest = rest - weightOf(some[i])
      if rest < 0 then return tonumber(some[i + 1]) end
    end
    if #some < 256 then return -longest end
    from = from + 128
  end
end

local again, permits, lately = 0, {}, math.max(2 * horizon, 4 * grace)
if #runs > 0 then
  redis.call('ZADD', asked, 'GT', text(t), me)
  redis.call('ZREMRANGEBYSCORE', asked, '-inf', text(t - 60000000))
  -- Those who had to wait lately share what there is.
  local others = redis.call('ZCOUNT', asked, '(' .. text(t), '+inf')
  if tonumber(redis.call('ZSCORE', asked, me)) > t then others = others - 1 end
  local share, part = math.huge, starts * math.min(1, horizon / longest) / (others + 1)
  if others > 0 then share = math.max(1, math.floor(part)) end
  local round = (others + 1) * longest / starts
  local hadUntil = others > 0 and tonumber(redis.call('ZSCORE', had, me) or 0) or 0
  -- Where a part is less than a call, they take turns: who has had more than its part may ask later.
  local function reachOf(turn, weight)
    if others == 0 or part >= weight then return horizon end
    local ahead = math.max(0, hadUntil - turn)
    return math.floor(horizon * (1 - ahead / (ahead + round) / 2) + 0.5)
  end
  local taken = 0
  for _, run in ipairs(runs) do
    local weight = spread and 1 or run[1]
    for i = 1, run[2] do
      local turn = math.max(t, hold, pause, all, turnOf(weight) + longest)
      if taken > 0 and taken + weight > share then again = t + horizon / 2 break end
      local reach = reachOf(turn, weight)
      if turn > t + reach then again = turn - reach break end
      local latest = turn + grace
      if spread then latest = latest + (run[1] - 1) * longest end
      put(me .. ':' .. text(first + #permits) .. ':' .. text(weight), latest)
      permits[#permits + 1] = text(turn)
      taken = taken + weight
      hadUntil = math.min(math.max(hadUntil, turn) + round * weight, turn + 10 * round * weight)
    end
    if again > 0 then break end
  end
  if #permits > 0 and (others > 0 or again > 0) then
    redis.call('ZADD', had, text(hadUntil), me)
    redis.call('ZREMRANGEBYSCORE', had, '-inf', text(t))
    keep(had, hadUntil - t)
  end
end
if again > 0 then
  redis.call('ZADD', asked, text(again + lately), me)
  redis.call('ZADD', waiting, text(again + lately), me)
  keep(waiting, again - t + lately)
else
  redis.call('ZREM', waiting, me)
end
local others = redis.call('ZCOUNT', waiting, '(' .. text(t), '+inf')
if again > 0 then others = others - 1 end
if #news > 0 then redis.call('HSET', meta, unpack(news)) end
keep(log, furthest - t + 2 * longest)
keep(asked, 60000000 + math.max(0, again - t))
local day = 86400000000
keep(meta, math.max(furthest, hold, math.min(pause, t + day), math.min(all, t + 30 * day)) - t + 2 * longest)
local reply = { text(t), text(again), text(others), text(redis.call('ZCARD', asked)), text(pause), text(longest), text(all) }
for i = 1, #permits do reply[7 + i] = permits[i] end
return reply
`;
