-- What the journeys share. Each waits for what it expects, and a failed one ends with status 1.
local M = { said = {} }

function M.ok(what)
  io.stdout:write("ok - " .. what .. "\n")
end

function M.wait(what, condition)
  if not vim.wait(15000, condition, 20) then
    error("timed out: " .. what .. "\n" .. vim.inspect(M.said), 0)
  end
  M.ok(what)
end

function M.line(number)
  return vim.api.nvim_buf_get_lines(0, number - 1, number, false)[1]
end

function M.has_said(pattern)
  return vim.iter(M.said):any(function(text)
    return text:find(pattern) ~= nil
  end)
end

vim.notify = function(text)
  table.insert(M.said, text)
end
-- The built-in client shows the server's messages so.
local echo = vim.api.nvim_echo
vim.api.nvim_echo = function(chunks, ...)
  table.insert(M.said, chunks[1][1])
  return echo(chunks, ...)
end

return M
