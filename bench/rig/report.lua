-- For wrk: each request reports an event of one of 2,000 jobs, in turn.
local number = 0
local threads = 0
local fields = {
  ["Content-Type"] = "application/x-www-form-urlencoded",
  ["Prefer"] = "return=minimal",
}

function setup(thread)
  thread:set("first", threads)
  threads = threads + 1
end

function request()
  number = number + 2
  return wrk.format("POST", "/job/job-" .. (number + first) % 2000 .. "/events", fields, "started&agent=agent-1")
end
