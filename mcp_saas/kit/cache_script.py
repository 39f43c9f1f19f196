"""What the cache does inside Redis: each script is one round trip, by the server's clock, and nothing comes between.

An entry is a hash {value, revision, made_at_ms, fresh_until_ms, maker}. It counts only while its revision is still that
of its tenant and kind: whoever makes a value while it is invalidated keeps one that nobody reads. Further fields are
renderings of the value: what some readers get of it. A new value takes their place.
"""

from typing import Final

from mcp_saas.kit.gcra_script import JUDGE

_CLOCK: Final = """
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
"""
_REVISION: Final = """
local revision = redis.call('GET', KEYS[2])
if not revision then
  revision = ARGV[1]
  redis.call('SET', KEYS[2], revision, 'PX', ARGV[2])
end
"""
# KEYS: entry, revision, lock, statistics. ARGV: token, life of a revision in ms, kind, lease in ms ('0': whatever is
# there is passed by), whether the look is counted ('' if not). Returns {found, has_lock, revision, value, age in ms}.
LOOK: Final = f"""
{_CLOCK}{_REVISION}
local entry = redis.call('HMGET', KEYS[1], 'value', 'revision', 'made_at_ms', 'fresh_until_ms')
local found, has_lock = 'misses', 0
if ARGV[4] == '0' then
  found = 'bypassed'
elseif entry[1] and entry[2] == revision then
  found = now < tonumber(entry[4]) and 'hits' or 'stale'
end
if ARGV[5] ~= '' then redis.call('HINCRBY', KEYS[4], ARGV[3] .. ':' .. found, 1) end
if found == 'hits' then return {{found, 0, revision, entry[1], now - tonumber(entry[3])}} end
if ARGV[4] ~= '0' and redis.call('SET', KEYS[3], ARGV[1], 'NX', 'PX', ARGV[4]) then has_lock = 1 end
if found == 'stale' then return {{found, has_lock, revision, entry[1], now - tonumber(entry[3])}} end
return {{found, has_lock, revision, '', 0}}
"""
# KEYS: entry, revision, statistics, the caller's counter. ARGV: kind, interval and window of the caller's limit in us,
# the field that is wanted: 'value' or a rendering. Returns {field, age in ms, {allowed, remaining, reset in us}, 1 (0:
# the value in place of what is wanted), maker}; nothing, with nothing counted, where there is no fresh value or the
# caller is beyond the limit.
TAKE: Final = f"""
{_CLOCK}{JUDGE}
local entry = redis.call('HMGET', KEYS[1], 'revision', 'fresh_until_ms', 'made_at_ms', 'maker', ARGV[4])
if not entry[1] or entry[1] ~= redis.call('GET', KEYS[2]) or now >= tonumber(entry[2]) then return nil end
local field, is_wanted = entry[5], 1
if not field then field, is_wanted = redis.call('HGET', KEYS[1], 'value'), 0 end
if not field then return nil end
local verdict = judge(KEYS[4], tonumber(ARGV[2]), tonumber(ARGV[3]))
if verdict[1] == 0 then return nil end
redis.call('HINCRBY', KEYS[3], ARGV[1] .. ':hits', 1)
return {{field, now - tonumber(entry[3]), verdict, is_wanted, entry[4]}}
"""
# KEYS: entry, revision. Returns {value, 1 (0: it is stale), age in ms}; nothing where there is none.
PEEK: Final = f"""
{_CLOCK}
local entry = redis.call('HMGET', KEYS[1], 'value', 'revision', 'made_at_ms', 'fresh_until_ms')
if not entry[1] or entry[2] ~= redis.call('GET', KEYS[2]) then return nil end
return {{entry[1], now < tonumber(entry[4]) and 1 or 0, now - tonumber(entry[3])}}
"""
# KEYS: entry. ARGV: maker of the value it is of, its field, what is kept.
RENDER: Final = """
if redis.call('HGET', KEYS[1], 'maker') == ARGV[1] then redis.call('HSET', KEYS[1], ARGV[2], ARGV[3]) end
"""
# KEYS: entry, revision, lock, statistics. ARGV: token, life of a revision in ms, kind, revision, value, fresh in ms,
# life in ms.
KEEP: Final = f"""
{_CLOCK}
redis.call('DEL', KEYS[1])
redis.call('HSET', KEYS[1], 'value', ARGV[5], 'revision', ARGV[4], 'made_at_ms', now, 'fresh_until_ms', now + ARGV[6],
           'maker', ARGV[1])
redis.call('PEXPIRE', KEYS[1], ARGV[7])
redis.call('PEXPIRE', KEYS[2], ARGV[2])
redis.call('HINCRBY', KEYS[4], ARGV[3] .. ':makes', 1)
if redis.call('GET', KEYS[3]) == ARGV[1] then redis.call('DEL', KEYS[3]) end
"""
# KEYS: lock. ARGV: token, ms until somebody else may have it.
RELEASE: Final = "if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('PEXPIRE', KEYS[1], ARGV[2]) end"
