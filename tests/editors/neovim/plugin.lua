-- The journey through the plugin.
vim.opt.runtimepath:prepend(vim.env.PLUGIN)
local t = dofile(vim.env.SUPPORT .. "/support.lua")
vim.cmd("filetype on")
vim.cmd.runtime("plugin/longshift.lua")
vim.fn.inputlist = function()
  return 1
end
require("longshift").setup({
  cmd = { vim.env.SERVER, "serve" },
  settings = vim.json.decode(vim.env.SETTINGS),
  first_wait_ms = 50,
})
local progress = {}
vim.api.nvim_create_autocmd("LspProgress", {
  callback = function(event)
    table.insert(progress, event.data.params.value.kind)
  end,
})
vim.cmd.edit("a.txt")
t.wait("attached", function()
  return #vim.lsp.get_clients({ name = "longshift", bufnr = 0 }) == 1
end)

local hunks = require("longshift.hunks")
local function pending()
  return #hunks.of(vim.api.nvim_get_current_buf())
end

vim.cmd("Longshift goal Shout it")
t.wait("ended", function()
  return t.has_said("R1 has ended")
end)
t.wait("progress", function()
  return progress[1] == "begin" and progress[#progress] == "end"
end)
t.wait("three hunks are shown", function()
  return pending() == 3
end)

local space = vim.api.nvim_create_namespace("longshift")
local function virtual()
  local lines = {}
  for _, mark in ipairs(vim.api.nvim_buf_get_extmarks(0, space, 0, -1, { details = true })) do
    for _, line in ipairs(mark[4].virt_lines or {}) do
      table.insert(lines, mark[2] + 1 .. ":" .. vim.trim(line[1][1]))
    end
  end
  return table.concat(lines, "|")
end
assert(virtual() == "1:FIRST 🦀|4:THIRD 🎈|4:and more|6:LAST", virtual())
t.ok("new text stands beneath the old")

t.wait("the finding is a diagnostic", function()
  local found = vim.diagnostic.get(0)[1]
  return found and found.source == "longshift" and found.code == "thin"
end)

-- Typing above a hunk moves it.
vim.api.nvim_win_set_cursor(0, { 1, 0 })
vim.cmd("Longshift next")
t.wait("next goes to the second hunk", function()
  return vim.api.nvim_win_get_cursor(0)[1] == 4
end)
vim.cmd("Longshift prev")
t.wait("prev goes back", function()
  return vim.api.nvim_win_get_cursor(0)[1] == 1
end)

vim.lsp.buf.code_action({
  apply = true,
  filter = function(action)
    return action.kind == "quickfix.longshift.accept"
  end,
})
t.wait("accepted by its code action", function()
  return t.line(1) == "FIRST 🦀" and pending() == 2
end)
vim.api.nvim_win_set_cursor(0, { 4, 0 })
vim.cmd("Longshift accept")
t.wait("accepted by its word", function()
  return t.line(4) == "THIRD 🎈" and t.line(5) == "and more" and pending() == 1
end)
vim.cmd("Longshift undo")
t.wait("taken back", function()
  return t.line(4) == "third 🎈" and pending() == 2
end)
vim.cmd("Longshift reject Too loud.")
t.wait("rejected", function()
  return pending() == 1
end)

-- The server is killed amid the review, and comes back by itself.
local client = vim.lsp.get_clients({ name = "longshift", bufnr = 0 })[1]
local pid

for _, child in ipairs(vim.api.nvim_get_proc_children(vim.fn.getpid())) do
  local command = table.concat(vim.fn.readfile(("/proc/%d/cmdline"):format(child), "b"), " ")
  if command:find("serve", 1, true) then
    pid = child
  end
end
assert(pid, "the server is a child of this process")
vim.uv.kill(pid, "sigkill")
t.wait("it says so", function()
  return t.has_said("the server ended by signal 9. It starts again")
end)
t.wait("another one serves", function()
  local other = vim.lsp.get_clients({ name = "longshift", bufnr = 0 })[1]
  return other and other.id ~= client.id and pending() == 1
end)
assert(t.line(1) == "FIRST 🦀" and hunks.of(vim.api.nvim_get_current_buf())[1].hunk == 3)

vim.api.nvim_win_set_cursor(0, { 6, 0 })
vim.cmd("Longshift rework Softer, please.")
t.wait("the rework is proposed", function()
  return virtual():find("Last, softly", 1, true) ~= nil
end)

-- The change side by side, and the list.
vim.cmd("Longshift review R1")
t.wait("side by side", function()
  return #vim.api.nvim_tabpage_list_wins(0) == 2 and vim.wo.diff and vim.api.nvim_buf_line_count(0) > 5
end)
local windows = vim.api.nvim_tabpage_list_wins(0)
local function text(window)
  return table.concat(vim.api.nvim_buf_get_lines(vim.api.nvim_win_get_buf(window), 0, -1, false), "\n")
end
assert(text(windows[1]) ~= text(windows[2]))
vim.cmd.tabclose()
vim.cmd("Longshift runs")
t.wait("the list shows it", function()
  return table.concat(vim.api.nvim_buf_get_lines(0, 0, -1, false), "\n"):find("a.txt:1  +1 −1  accepted", 1, true)
end)
vim.cmd.close()

-- A goal on lines, with a word to its planner and an answer in words.
vim.cmd("2,3Longshift goal Say it in other words")
t.wait("it asks", function()
  return t.has_said("Which words%?")
end)
vim.cmd("Longshift answer R2 Softer ones")
t.wait("it is answered", function()
  return t.has_said("of R2 is answered")
end)
vim.cmd("Longshift steer R2 Be brief")
t.wait("and steered", function()
  return t.has_said("R2 will be told")
end)
vim.cmd("Longshift steer R9 Anything")
t.wait("of one that is not there the server says so", function()
  return t.has_said("R9")
end)
local answered
client = vim.lsp.get_clients({ name = "longshift", bufnr = 0 })[1]
client:exec_cmd({ title = "", command = "longshift.describeRun", arguments = { { runId = "R2" } } }, {}, function(_, run)
  answered = run.questions[1].answer
end)
t.wait("the answer is known", function()
  return answered == "Softer ones"
end)

vim.cmd("silent write")
assert(vim.fn.readfile("a.txt")[1] == "FIRST 🦀")
vim.cmd("checkhealth longshift")
local health = table.concat(vim.api.nvim_buf_get_lines(0, 0, -1, false), "\n")
assert(health:find("1 run known", 1, true) and not health:find("ERROR", 1, true), health)
t.ok("health")
t.ok("all")
vim.cmd("qall!")
