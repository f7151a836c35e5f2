-- One engine, two editors: the other is a VS Code, which started the goal and goes on deciding
-- (client-vscode/test/together.ts).
local t = dofile(vim.env.SUPPORT .. "/support.lua")
vim.o.autoread = true
vim.cmd.edit("app/client.py")
local client = t.attach({})
local function become(states)
  t.wait(states, function()
    return t.states(client) == states
  end)
end

become("pending pending pending")
t.accept(6)
t.wait("accepted", function()
  return t.line(6) == "TIMEOUT_S = 10"
end)
vim.cmd.write()
become("accepted pending accepted") -- the third one in VS Code
t.wait("what VS Code saved", function()
  vim.cmd.checktime()
  return t.line(22) == "    return body"
end)
vim.api.nvim_win_set_cursor(0, { 21, 0 })
local params = vim.lsp.util.make_range_params(0, client.offset_encoding)
params.context = { diagnostics = {}, only = { "quickfix.longshift.accept" } }
local offered = client:request_sync("textDocument/codeAction", params, 5000, 0)
assert(#offered.result == 0, "what was decided in VS Code is offered here no more")
t.command(client, "rejectChange", { runId = "R1", changeId = "C1", path = "app/client.py", hunk = 2, reason = "No." })
assert(t.states(client) == "accepted rejected accepted")
t.leave(client)
