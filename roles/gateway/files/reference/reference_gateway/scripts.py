# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The job transitions that must not be seen half done, as Lua that Redis runs in one piece.

All but ADD take the job's hash first and the owner's list of claimed jobs second. Only the owner of the claim may
change the job: if another process has taken it over meanwhile, nothing happens and the answer is 0.
"""

# KEYS: job, queue. ARGV: id, ttl, field, value, ... Said twice, because an answer was lost, it still adds one job.
ADD = """
if redis.call('EXISTS', KEYS[1]) == 1 then return 0 end
redis.call('HSET', KEYS[1], unpack(ARGV, 3))
redis.call('EXPIRE', KEYS[1], ARGV[2])
redis.call('LPUSH', KEYS[2], ARGV[1])
return 1
"""

# KEYS: job, claimed. ARGV: id, channel, time, ttl. Counts the attempt; a job that is gone or final loses its claim.
START = """
if not redis.call('LPOS', KEYS[2], ARGV[1]) then return 0 end
local status = redis.call('HGET', KEYS[1], 'status')
if status ~= 'submitted' and status ~= 'processing' then
  redis.call('LREM', KEYS[2], 1, ARGV[1])
  return 0
end
redis.call('HINCRBY', KEYS[1], 'attempts', 1)
redis.call('HSET', KEYS[1], 'status', 'processing', 'processing_phase', 'fetching', 'updated_at', ARGV[3])
redis.call('EXPIRE', KEYS[1], ARGV[4])
redis.call('PUBLISH', ARGV[2], ARGV[1])
return 1
"""

# KEYS: job, claimed. ARGV: id, channel, ttl, field, value, ... Gives the claim back and writes the final state.
FINISH = """
if redis.call('LREM', KEYS[2], 1, ARGV[1]) == 0 then return 0 end
redis.call('HSET', KEYS[1], unpack(ARGV, 4))
redis.call('EXPIRE', KEYS[1], ARGV[3])
redis.call('PUBLISH', ARGV[2], ARGV[1])
return 1
"""

# KEYS: job, claimed, queue. ARGV: id, channel, time, attempts to add, attempts allowed, failed ttl, failed error.
# Puts the job back at the front of the queue, or fails it when it was tried often enough. Answers 0, 'requeued' or 'failed'.
PUT_BACK = """
if redis.call('LREM', KEYS[2], 1, ARGV[1]) == 0 then return 0 end
local status = redis.call('HGET', KEYS[1], 'status')
if status ~= 'submitted' and status ~= 'processing' then return 0 end
local attempts = tonumber(redis.call('HGET', KEYS[1], 'attempts') or '0') + tonumber(ARGV[4])
if attempts >= tonumber(ARGV[5]) then
  redis.call('HSET', KEYS[1], 'status', 'failed', 'error', ARGV[7], 'updated_at', ARGV[3])
  redis.call('EXPIRE', KEYS[1], ARGV[6])
  redis.call('PUBLISH', ARGV[2], ARGV[1])
  return 'failed'
end
redis.call('HSET', KEYS[1], 'status', 'submitted', 'processing_phase', 'queued', 'attempts', tostring(math.max(attempts, 0)),
  'updated_at', ARGV[3])
redis.call('RPUSH', KEYS[3], ARGV[1])
redis.call('PUBLISH', ARGV[2], ARGV[1])
return 'requeued'
"""
