-- What the journeys share. Each waits for what it expects, and a failed one ends with status 1.
local M = { said = {} }

function M.ok(what)
  io.stdout:write("ok - " .. what .. "\n")
end

local function await(what, condition)
  if not vim.wait(15000, condition, 20) then
    error("timed out: " .. what .. "\n" .. vim.inspect(M.said), 0)
  end
end

function M.wait(what, condition)
  await(what, condition)
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

-- The built-in client, attached to the file that is open; gives the client.
function M.attach(settings)
  vim.cmd("filetype on")
  vim.lsp.config("longshift", {
    cmd = { vim.env.SERVER, "serve" },
    root_markers = { ".git" },
    init_options = { settings = settings },
  })
  vim.lsp.enable("longshift")
  local client
  M.wait("attached", function()
    client = vim.lsp.get_clients({ name = "longshift", bufnr = 0 })[1]
    return client ~= nil and client.initialized
  end)
  return client
end

-- Have the server run a command, and give its answer.
function M.command(client, name, argument)
  local answer
  local params = { title = name, command = "longshift." .. name, arguments = { argument } }
  client:exec_cmd(params, { bufnr = 0 }, function(err, result)
    answer = err or result
  end)
  await(name, function()
    return answer ~= nil
  end)
  return answer
end

-- The states of a run's hunks, in their order.
function M.states(client)
  local states = {}
  for _, hunk in ipairs(M.command(client, "listHunks", { runId = "R1" }).hunks) do
    table.insert(states, hunk.state)
  end
  return table.concat(states, " ")
end

-- Accept the hunk on a line as a person does, from the menu.
function M.accept(line)
  vim.api.nvim_win_set_cursor(0, { line, 0 })
  vim.lsp.buf.code_action({
    apply = true,
    filter = function(action)
      return action.kind == "quickfix.longshift.accept"
    end,
  })
end

function M.leave(client)
  client:stop()
  M.wait("stopped", function()
    return client:is_stopped()
  end)
  M.ok("all")
  vim.cmd("qall!")
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
