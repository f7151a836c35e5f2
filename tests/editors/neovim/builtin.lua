-- The same without the plugin: the client that Neovim has, standard code actions and commands.
local t = dofile(vim.env.SUPPORT .. "/support.lua")
vim.cmd("filetype on")
vim.fn.inputlist = function()
  return 1
end
vim.lsp.config("longshift", {
  cmd = { vim.env.SERVER, "serve" },
  root_markers = { ".git" },
  init_options = { settings = vim.json.decode(vim.env.SETTINGS) },
})
vim.lsp.enable("longshift")
vim.cmd.edit("a.txt")
local client
t.wait("attached", function()
  client = vim.lsp.get_clients({ name = "longshift", bufnr = 0 })[1]
  return client ~= nil and client.initialized
end)
local function command(name, argument)
  local answer
  client:exec_cmd({ title = name, command = "longshift." .. name, arguments = { argument } }, { bufnr = 0 }, function(err, result)
    answer = err or result
  end)
  t.wait(name, function()
    return answer ~= nil
  end)
  return answer
end

assert(command("startGoal", { goal = "Shout it" }).runId == "R1")
t.wait("ended", function()
  return t.has_said("R1 has ended")
end)
t.wait("a diagnostic", function()
  return #vim.diagnostic.get(0) == 1
end)
assert(vim.iter(command("describeRun", { runId = "R1" }).questions):any(function(question)
  return question.answer == "Loud"
end), "the question was put, and the chosen option is the answer")
vim.api.nvim_win_set_cursor(0, { 4, 0 })
vim.lsp.buf.code_action({
  apply = true,
  filter = function(action)
    return action.kind == "quickfix.longshift.accept"
  end,
})
t.wait("accepted", function()
  return t.line(4) == "THIRD 🎈" and t.line(5) == "and more"
end)
command("acceptChange", { runId = "R1", changeId = "C1", path = "a.txt", hunk = 1 })
assert(t.line(1) == "FIRST 🦀")
command("rejectChange", { runId = "R1", changeId = "C1", path = "a.txt", hunk = 3, reason = "Too loud." })
local states = {}
for _, hunk in ipairs(command("listHunks", { runId = "R1" }).hunks) do
  table.insert(states, hunk.state)
end
assert(table.concat(states, " ") == "accepted accepted rejected", table.concat(states, " "))
client:stop()
t.wait("stopped", function()
  return client:is_stopped()
end)
t.ok("all")
vim.cmd("qall!")
