-- The same without the plugin: the client that Neovim has, standard code actions and commands.
local t = dofile(vim.env.SUPPORT .. "/support.lua")
vim.fn.inputlist = function()
  return 1
end
vim.cmd.edit("a.txt")
local client = t.attach(vim.json.decode(vim.env.SETTINGS))
local function command(name, argument)
  return t.command(client, name, argument)
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
t.accept(4)
t.wait("accepted", function()
  return t.line(4) == "THIRD 🎈" and t.line(5) == "and more"
end)
command("acceptChange", { runId = "R1", changeId = "C1", path = "a.txt", hunk = 1 })
assert(t.line(1) == "FIRST 🦀")
command("rejectChange", { runId = "R1", changeId = "C1", path = "a.txt", hunk = 3, reason = "Too loud." })
local states = t.states(client)
assert(states == "accepted accepted rejected", states)
t.leave(client)
