-- The API under load from outside, with wrk (Debian: apt-get install wrk), against a control plane of one's own:
--
--   wrk -t2 -c32 -d30s --latency -s packaging/bench/api.lua https://isp.example -- list KEY
--   wrk -t2 -c32 -d30s --latency -s packaging/bench/api.lua https://isp.example -- read KEY /customers/cus_…
--   wrk -t2 -c8  -d30s --latency -s packaging/bench/api.lua https://isp.example -- login TENANT EMAIL PASSWORD
--
-- `list` turns the pages of customers, `read` reads one thing; KEY is one that may. Log-ins of one address are limited: those of
-- `login` say that they come from many, which is believed of a proxy that the server trusts (http.trusted_proxies). A tenant
-- plan's limit of requests a minute holds too. Any answer but a success fails the run: what is measured then is a refusal.

local threads = {}

function setup(thread)
  thread:set("number", #threads)
  table.insert(threads, thread)
end

local function quoted(text)
  return '"' .. text:gsub('[%c"\\]', function(letter) return string.format("\\u%04x", letter:byte()) end) .. '"'
end

local function encoded(text)
  return (text:gsub("[^%w%-_%.~]", function(letter) return string.format("%%%02X", letter:byte()) end))
end

local FIRST = "/api/v1/customers?limit=50"
local mode, path, body
local asked = 0
-- Read by `done`, which runs elsewhere: numbers, and the first answer that was none to measure.
succeeded, failed, complaint = 0, 0, ""

function init(args)
  mode = args[1]
  wrk.headers["Content-Type"] = "application/json"
  if mode == "list" and args[2] then
    path = FIRST
  elseif mode == "read" and args[3] then
    path = "/api/v1" .. args[3]
  elseif mode == "login" and args[4] then
    local tenant, email, password = quoted(args[2]), quoted(args[3]), quoted(args[4])
    path = "/api/v1/session"
    body = string.format('{"tenant":%s,"email":%s,"password":%s}', tenant, email, password)
    return
  else
    error("say what is asked: list KEY, read KEY PATH, or login TENANT EMAIL PASSWORD")
  end
  wrk.headers["Authorization"] = "Bearer " .. args[2]
end

function request()
  if mode ~= "login" then return wrk.format("GET", path) end
  -- Of the network for benchmarks (RFC 2544): a quarter of it for each of four threads.
  asked = asked + 1
  wrk.headers["X-Forwarded-For"] = string.format("198.18.%d.%d", (number % 4) * 64 + math.floor(asked / 250) % 64, asked % 250 + 1)
  return wrk.format("POST", path, nil, body)
end

function response(status, headers, text)
  if status >= 200 and status < 300 then
    succeeded = succeeded + 1
  else
    failed = failed + 1
    if complaint == "" then complaint = status .. " " .. text:sub(1, 300) end
  end
  if mode == "list" then
    local cursor = status == 200 and text:match('"next_cursor":"([^"]+)"')
    path = cursor and FIRST .. "&cursor=" .. encoded(cursor) or FIRST
  end
end

function done(summary, latency)
  local good, bad, first = 0, 0, ""
  for _, thread in ipairs(threads) do
    good, bad = good + thread:get("succeeded"), bad + thread:get("failed")
    if first == "" then first = thread:get("complaint") end
  end
  local seconds = summary.duration / 1e6
  io.write(string.format("%.0f successes/s, p50 %.2f ms, p99 %.2f ms\n", good / seconds, latency:percentile(50) / 1e3, latency:percentile(99) / 1e3))
  local errors = summary.errors
  local lost = errors.connect + errors.read + errors.write + errors.timeout
  if bad + lost > 0 then
    io.write(string.format("NOT A MEASUREMENT: %d answers were no success and %d requests lost; first: %s\n", bad, lost, first))
    os.exit(1)
  end
end
