--- Pending hunks in the buffers where they stand.
---
--- Owns what is known of each buffer's hunks, and when it is asked for anew: after a run changed,
--- after the person paused, never with a key. `marks` draws them.
local client_of = require("longshift.client")
local marks = require("longshift.marks")
local runs = require("longshift.runs")

---@class longshift.Hunk A row of `longshift.listHunks`; with `parts` once its lines are known.
---@field runId string
---@field changeId string
---@field path string
---@field file string
---@field hunk integer
---@field of integer
---@field state string
---@field line integer From zero.
---@field shown string Its fingerprint.
---@field title? string
---@field parts? longshift.Part[]

local M = {}

local QUIET_MS = 150
---@type table<integer, uv.uv_timer_t>
local timers = {}
---@type table<integer, integer> How often a buffer was asked for: only the last answer counts.
local turns = {}
---@type table<integer, longshift.Hunk[]> By buffer, in order of place.
local known = {}
---@type table<string, {title: string, parts: longshift.Part[]}> By fingerprint and line.
local shown = {}

--- Follows a buffer.
---@param client vim.lsp.Client
---@param bufnr integer
function M.attach(client, bufnr)
  local group = vim.api.nvim_create_augroup("longshift_hunks_" .. bufnr, {})
  vim.api.nvim_create_autocmd({ "TextChanged", "InsertLeave", "BufReadPost" }, {
    group = group,
    buffer = bufnr,
    callback = function()
      M.refresh(bufnr)
    end,
  })
  vim.api.nvim_create_autocmd({ "LspDetach", "BufWipeout" }, {
    group = group,
    buffer = bufnr,
    callback = function(event)
      if event.event == "BufWipeout" or event.data.client_id == client.id then
        pcall(vim.api.nvim_del_augroup_by_id, group)
        M._forget(bufnr)
      end
    end,
  })
  M.refresh(bufnr)
end

--- Asks anew, once nothing has happened for a moment.
---@param bufnr integer
function M.refresh(bufnr)
  local timer = timers[bufnr] or assert(vim.uv.new_timer())
  timers[bufnr] = timer
  timer:start(QUIET_MS, 0, vim.schedule_wrap(function()
    if vim.api.nvim_buf_is_loaded(bufnr) then
      M._ask(bufnr)
    end
  end))
end

--- Asks anew for every buffer that a client serves.
---@param client vim.lsp.Client
function M.refresh_all(client)
  for bufnr in pairs(client.attached_buffers) do
    M.refresh(bufnr)
  end
end

--- The hunks of a buffer, as they were last heard of.
---@param bufnr integer
---@return longshift.Hunk[]
function M.of(bufnr)
  return known[bufnr] or {}
end

--- The hunks that meet some lines; where they have moved since, where they are now.
---@param bufnr integer
---@param first integer From zero.
---@param last integer From zero, included.
---@return longshift.Hunk[]
function M.at(bufnr, first, last)
  return vim.tbl_filter(function(hunk)
    local from, to = marks.place(bufnr, hunk)
    return from <= last and first <= math.max(from, to - 1)
  end, M.of(bufnr))
end

--- All pending hunks of all runs of a client, file by file in order of place.
---@param client vim.lsp.Client
---@param on_hunks fun(hunks: longshift.Hunk[])
function M.everywhere(client, on_hunks)
  local asked = runs.with_changes(client.id)
  local waiting, found = #asked, {}
  local function done()
    table.sort(found, function(one, other)
      if one.file ~= other.file then
        return one.file < other.file
      end
      return one.line < other.line
    end)
    on_hunks(found)
  end
  local function answered()
    waiting = waiting - 1
    if waiting == 0 then
      done()
    end
  end
  for _, run in ipairs(asked) do
    client_of.call(client, "listHunks", runs.named(run), function(result)
      for _, hunk in ipairs(result.hunks) do
        if hunk.state == "pending" or hunk.state == "stale" then
          hunk.runId, hunk.repo = run.runId, runs.named(run).repo
          table.insert(found, hunk)
        end
      end
      answered()
    end, answered) -- a run that was forgotten in between has none
  end
  if waiting == 0 then
    done()
  end
end

---@param bufnr integer
function M._ask(bufnr)
  local client = vim.lsp.get_clients({ name = "longshift", bufnr = bufnr })[1]
  if not client then
    return M._forget(bufnr)
  end
  local turn = (turns[bufnr] or 0) + 1
  turns[bufnr] = turn
  local tick = vim.api.nvim_buf_get_changedtick(bufnr)
  local function holds()
    return turns[bufnr] == turn
      and vim.api.nvim_buf_is_loaded(bufnr)
      and vim.api.nvim_buf_get_changedtick(bufnr) == tick
  end
  local name = M._path(client, bufnr)
  M.everywhere(client, function(hunks)
    if not holds() then
      return
    end
    local mine = vim.tbl_filter(function(hunk)
      return hunk.file == name or hunk.path == name
    end, hunks)
    M._look(client, mine, function()
      if holds() then
        known[bufnr] = mine
        marks.draw(bufnr, mine)
        vim.api.nvim_exec_autocmds("User", { pattern = "LongshiftHunks", modeline = false, data = { buf = bufnr } })
      end
    end)
  end)
end

--- Gets the lines of those hunks that were not seen yet.
---@param client vim.lsp.Client
---@param hunks longshift.Hunk[]
---@param on_all fun()
function M._look(client, hunks, on_all)
  local waiting = 1
  local function answered()
    waiting = waiting - 1
    if waiting == 0 then
      on_all()
    end
  end
  for _, hunk in ipairs(hunks) do
    local key = ("%s:%s:%d"):format(hunk.runId, hunk.shown, hunk.line)
    local function fill()
      hunk.title, hunk.parts = shown[key].title, shown[key].parts
    end
    if shown[key] then
      fill()
    else
      waiting = waiting + 1
      client_of.call(client, "showHunk", M.target(hunk), function(whole)
        shown[key] = { title = whole.title, parts = marks.parse(whole) }
        fill()
        answered()
      end, answered) -- a hunk that went in between is not drawn
    end
  end
  answered()
end

--- The argument of a command on one hunk.
---@param hunk longshift.Hunk
---@return table
function M.target(hunk)
  return { runId = hunk.runId, repo = hunk.repo, changeId = hunk.changeId, path = hunk.path, hunk = hunk.hunk }
end

---@param client vim.lsp.Client
---@param bufnr integer
---@return string? # The buffer's path in the repository.
function M._path(client, bufnr)
  local root = client.root_dir
  local name = vim.uv.fs_realpath(vim.api.nvim_buf_get_name(bufnr)) or vim.api.nvim_buf_get_name(bufnr)
  return root and vim.fs.relpath(vim.uv.fs_realpath(root) or root, name) or nil
end

---@param bufnr integer
function M._forget(bufnr)
  if timers[bufnr] then
    timers[bufnr]:stop()
    timers[bufnr]:close()
    timers[bufnr] = nil
  end
  known[bufnr], turns[bufnr] = nil, nil
  if vim.api.nvim_buf_is_loaded(bufnr) then
    marks.clear(bufnr)
  end
end

return M
