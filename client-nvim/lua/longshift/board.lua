--- The list of runs in a buffer of its own, each with its tasks, changes and findings.
---
--- Owns that buffer and its keys. Shows what the server says, and keeps nothing but what is unfolded.
local client_of = require("longshift.client")
local deciding = require("longshift.deciding")
local runs = require("longshift.runs")

local M = {}
local NAME = "longshift-runs"
local QUIET_MS = 200
local TASKS = { waiting = "·", running = "▶", landed = "✓", failed = "✗", dropped = "–" }
local HUNKS = { pending = "○", stale = "!", accepted = "✓", rejected = "✗", rework = "↻", superseded = "–" }
local HELP = "<CR> unfold, open   a accept  r reject  w rework  d review   s stop  p pause  c go on   q close"

---@class longshift.Row What a line of the list stands for.
---@field run longshift.Run
---@field change? string
---@field path? string
---@field hunk? table

---@type integer?
local bufnr
---@type integer? Whose runs are shown.
local shown_id
---@type table<string, true> Runs that are unfolded.
local open = {}
---@type longshift.Row[]
local rows = {}
---@type uv.uv_timer_t?
local timer

--- Shows the list.
---@param client vim.lsp.Client
function M.open(client)
  if not (bufnr and vim.api.nvim_buf_is_valid(bufnr)) then
    bufnr = vim.api.nvim_create_buf(false, true)
    vim.api.nvim_buf_set_name(bufnr, NAME)
    vim.bo[bufnr].filetype = "longshift-runs"
    M._map()
  end
  shown_id = client.id
  vim.b[bufnr].longshift_client = client.id
  local window = vim.fn.bufwinid(bufnr)
  if window == -1 then
    vim.cmd("botright 15split")
    vim.api.nvim_win_set_buf(0, bufnr)
    vim.wo[0][0].wrap, vim.wo[0][0].number, vim.wo[0][0].signcolumn = false, false, "no"
    vim.wo[0][0].winfixheight, vim.wo[0][0].cursorline = true, true
  else
    vim.api.nvim_set_current_win(window)
  end
  local newest = runs.of(client.id)[1]
  if newest and next(open) == nil then
    open[newest.runId] = true
  end
  M._ask(client)
end

--- Shows anew what has changed, where the list is before anyone's eyes.
---@param client vim.lsp.Client
function M.refresh(client)
  if not bufnr or vim.fn.bufwinid(bufnr) == -1 then
    return
  end
  shown_id = client.id
  timer = timer or assert(vim.uv.new_timer())
  timer:start(QUIET_MS, 0, vim.schedule_wrap(function()
    M._ask(client)
  end))
end

---@param client vim.lsp.Client
function M._ask(client)
  local all, described = runs.of(client.id), {}
  local waiting = 1
  local function answered()
    waiting = waiting - 1
    if waiting == 0 and bufnr and vim.api.nvim_buf_is_valid(bufnr) then
      M._draw(all, described)
    end
  end
  for _, run in ipairs(all) do
    if open[run.runId] then
      waiting = waiting + 1
      client_of.call(client, "describeRun", runs.named(run), function(whole)
        described[run] = whole
        answered()
      end, answered)
    end
  end
  answered()
end

---@param all longshift.Run[]
---@param described table<longshift.Run, table>
function M._draw(all, described)
  local lines = { HELP }
  rows = { {} }
  local function put(text, row)
    table.insert(lines, (text:gsub("%c+", " ")))
    table.insert(rows, row)
  end
  for _, run in ipairs(all) do
    put((described[run] and "▾ " or "▸ ") .. runs.line(run), { run = run })
    if described[run] then
      M._put_run(run, described[run], put)
    end
  end
  if #all == 0 then
    put("No run yet. :Longshift goal … starts one.", {})
  end
  vim.bo[bufnr].modifiable = true
  vim.api.nvim_buf_set_lines(bufnr, 0, -1, false, lines)
  vim.bo[bufnr].modifiable = false
  M._colour(lines)
end

---@param run longshift.Run
---@param whole table
---@param put fun(text: string, row: longshift.Row)
function M._put_run(run, whole, put)
  local changes = {}
  for _, change in ipairs(whole.changes) do
    changes[change.id] = change
  end
  for _, task in ipairs(whole.tasks) do
    local reason = task.reason ~= "" and task.state ~= "landed" and ": " .. task.reason or ""
    put(("    %s %s  %s%s"):format(TASKS[task.state] or "?", task.id, task.title, reason), { run = run })
    for _, id in ipairs(task.changeIds) do
      M._put_change(run, changes[id], put)
    end
  end
  for _, finding in ipairs(whole.findings) do
    if finding.state == "open" then
      local place = ("%s:%d"):format(finding.path, finding.range.start.line + 1)
      put(("    ⚑ %s  %s  %s"):format(finding.id, place, finding.message), { run = run, path = finding.path, line = finding.range.start.line })
    end
  end
  for _, question in ipairs(whole.questions) do
    if question.answer == nil or question.answer == vim.NIL then
      put(("    ? %s  %s  (:Longshift answer %s)"):format(question.id, question.question, run.runId), { run = run })
    end
  end
end

---@param run longshift.Run
---@param change? table
---@param put fun(text: string, row: longshift.Row)
function M._put_change(run, change, put)
  for _, file in ipairs(change and change.files or {}) do
    for _, hunk in ipairs(file.hunks) do
      local row = { run = run, change = change.id, path = file.path, hunk = hunk, line = hunk.range.start.line }
      local where = ("%s:%d"):format(file.path, hunk.range.start.line + 1)
      local state = hunk.state == "pending" and "" or "  " .. hunk.state
      local reason = hunk.reason ~= "" and hunk.reason ~= vim.NIL and ": " .. hunk.reason or ""
      put(("        %s %s  %s  +%d −%d%s%s"):format(HUNKS[hunk.state] or "?", change.id, where, hunk.added, hunk.removed, state, reason), row)
    end
  end
end

---@param lines string[]
function M._colour(lines)
  local space = require("longshift.marks").NAMESPACE
  vim.api.nvim_buf_clear_namespace(bufnr, space, 0, -1)
  local groups = { ["✓"] = "DiagnosticOk", ["✗"] = "DiagnosticError", ["▶"] = "DiagnosticInfo", ["!"] = "DiagnosticWarn", ["⚑"] = "DiagnosticWarn", ["?"] = "DiagnosticWarn", ["○"] = "Special" }
  for row, line in ipairs(lines) do
    local indent, icon = line:match("^([%s▾▸]*)(%S+)")
    local group = row == 1 and "Comment" or groups[icon or ""]
    if row == 1 then
      vim.api.nvim_buf_set_extmark(bufnr, space, 0, 0, { end_col = #line, hl_group = group })
    elseif group then
      vim.api.nvim_buf_set_extmark(bufnr, space, row - 1, #indent, { end_col = #indent + #icon, hl_group = group })
    end
  end
end

---@return longshift.Row?, vim.lsp.Client?
local function here()
  local client = shown_id and vim.lsp.get_client_by_id(shown_id)
  local row = rows[vim.api.nvim_win_get_cursor(0)[1]]
  if client and row and row.run then
    return row, client
  end
end

---@param name string
local function decide(name)
  local row, client = here()
  if not (row and client and row.change) then
    return client_of.tell("put the cursor on a hunk. Nothing was decided.", vim.log.levels.WARN)
  end
  local target = vim.tbl_extend("force", runs.named(row.run), { changeId = row.change, path = row.path, hunk = row.hunk.hunk })
  deciding._with_reason(name, "", function(reason)
    client_of.call(client, name, vim.tbl_extend("force", target, { reason = reason }), function()
      deciding.remember(client, target)
      deciding._after(client)
      M.refresh(client)
    end)
  end)
end

---@param name string
local function control(name)
  local row, client = here()
  if row and client then
    client_of.call(client, name, runs.named(row.run), function()
      M.refresh(client)
    end)
  end
end

local function enter()
  local row, client = here()
  if not (row and client) then
    return
  end
  if row.path then
    vim.cmd.wincmd("p")
    return deciding._go(client, {
      runId = row.run.runId, repo = runs.named(row.run).repo, changeId = row.change,
      path = row.path, file = row.path, line = row.line, kind = row.hunk and "any" or "edit",
    })
  end
  open[row.run.runId] = not open[row.run.runId] or nil
  M._ask(client)
end

function M._map()
  for keys, action in pairs({
    ["<CR>"] = enter,
    a = function() decide("acceptChange") end,
    r = function() decide("rejectChange") end,
    w = function() decide("reworkChange") end,
    s = function() control("stopRun") end,
    p = function() control("pauseRun") end,
    c = function() control("resumeRun") end,
    q = function() vim.cmd.close() end,
    d = function()
      local row, client = here()
      if row and client then
        require("longshift.review").open(client, row.run)
      end
    end,
  }) do
    vim.keymap.set("n", keys, action, { buffer = bufnr, nowait = true })
  end
end

return M
