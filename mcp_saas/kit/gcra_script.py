"""The same rate limit inside Redis, by the clock of the server: for a script of its own, or as a part of another."""

from typing import Final

# As mcp_saas.kit.gcra.judge_arrival, in microseconds. Returns {allowed, remaining, reset}.
JUDGE: Final = """
local function judge(key, interval, window)
  local clock = redis.call('TIME')
  local now = clock[1] * 1000000 + clock[2]
  local start = math.max(tonumber(redis.call('GET', key) or now), now)
  local used = start + interval - now
  local room = window - used
  if room < 0 then return {0, 0, math.ceil(-room)} end
  redis.call('SET', key, string.format('%.0f', start + interval), 'PX', math.ceil(used / 1000))
  return {1, math.floor(room / interval), math.ceil(used)}
end
"""
# KEYS: the caller's counter. ARGV: interval and window.
GCRA: Final = f"{JUDGE}return judge(KEYS[1], tonumber(ARGV[1]), tonumber(ARGV[2]))"
