--- A change before and after, side by side, in a tab of its own.
---
--- Owns the tab, its keys, and which change file each of its windows shows.
local ask = require("longshift.ask")
local client_of = require("longshift.client")
local deciding = require("longshift.deciding")
local documents = require("longshift.documents")
local runs = require("longshift.runs")

---@class longshift.ChangeFile One file of a change.
---@field runId string
---@field repo? string
---@field changeId string
---@field path string
---@field oldPath? string
---@field title string
---@field state string
---@field pending integer How many of its hunks are pending.

local M = {}
local KEYS = "  a accept  r reject  w rework  ]f [f next, previous file  ]c [c hunk  <CR> open  q close"

--- Every file of every change of a run that has a hunk to decide on; all files where none has.
---@param named table
---@param whole table `longshift.describeRun`.
---@return longshift.ChangeFile[]
function M.files(named, whole)
  local all = {}
  for _, change in ipairs(whole.changes) do
    for _, file in ipairs(change.files) do
      local pending = #vim.tbl_filter(function(hunk)
        return hunk.state == "pending" or hunk.state == "stale"
      end, file.hunks)
      table.insert(all, {
        runId = named.runId,
        repo = named.repo,
        changeId = change.id,
        path = file.path,
        oldPath = type(file.oldPath) == "string" and file.oldPath or nil,
        title = change.title,
        state = change.state,
        pending = pending,
      })
    end
  end
  local open = vim.tbl_filter(function(file)
    return file.pending > 0
  end, all)
  return #open > 0 and open or all
end

--- Opens the first file of a run that is to be decided on.
---@param client vim.lsp.Client
---@param run longshift.Run
function M.open(client, run)
  local named = runs.named(run)
  client_of.call(client, "describeRun", named, function(whole)
    local files = M.files(named, whole)
    if #files == 0 then
      return client_of.tell(run.runId .. " has changed nothing yet.")
    end
    M._show(client, files, 1)
  end)
end

--- Opens the file of one hunk.
---@param client vim.lsp.Client
---@param hunk longshift.Hunk
function M.open_file(client, hunk)
  local named = { runId = hunk.runId, repo = hunk.repo }
  client_of.call(client, "describeRun", named, function(whole)
    local files = M.files(named, whole)
    for index, file in ipairs(files) do
      if file.changeId == hunk.changeId and file.path == hunk.path then
        return M._show(client, files, index)
      end
    end
  end)
end

---@param client vim.lsp.Client
---@param files longshift.ChangeFile[]
---@param index integer
function M._show(client, files, index)
  local file = files[index]
  if not vim.t.longshift_review then
    vim.cmd.tabnew()
    vim.t.longshift_review = true
    vim.bo.bufhidden = "wipe"
    vim.cmd("rightbelow vsplit")
  end
  local windows = vim.api.nvim_tabpage_list_wins(0)
  vim.cmd("diffoff!")
  for place, side in ipairs({ "before", "after" }) do
    local path = side == "before" and file.oldPath or file.path
    vim.api.nvim_set_current_win(windows[place])
    documents.open(client, documents.uri(file.repo, file.runId, file.changeId, side, path))
    vim.b.longshift_review = { files = files, index = index }
    local where = ("%s of %s, file %d of %d"):format(file.changeId, file.runId, index, #files)
    local name = side == "before" and "before " .. where or ("proposed: " .. ask.line(file.title, 60))
    vim.wo[windows[place]][0].winbar = (" %s  %s"):format(path, name):gsub("%%", "%%%%")
    vim.cmd.diffthis()
    M._map(client, vim.api.nvim_get_current_buf())
  end
  vim.cmd("normal! gg")
  pcall(vim.cmd, "silent! normal! ]c")
  vim.api.nvim_echo({ { KEYS, "LongshiftNote" } }, false, {})
end

---@param client vim.lsp.Client
---@param bufnr integer
function M._map(client, bufnr)
  local function map(keys, what, action)
    vim.keymap.set("n", keys, action, { buffer = bufnr, nowait = true, desc = "Longshift: " .. what })
  end
  map("a", "accept this file's change", function()
    M.decide(client, bufnr, "acceptChange", "")
  end)
  map("r", "reject it, with a reason", function()
    M.decide(client, bufnr, "rejectChange", "")
  end)
  map("w", "ask for its rework", function()
    M.decide(client, bufnr, "reworkChange", "")
  end)
  map("]f", "next file", function()
    M._turn(client, bufnr, 1)
  end)
  map("[f", "previous file", function()
    M._turn(client, bufnr, -1)
  end)
  map("<CR>", "open your file", function()
    local shown = vim.b[bufnr].longshift_review
    local row = vim.api.nvim_win_get_cursor(0)[1]
    vim.cmd.tabclose()
    vim.cmd.edit(vim.fn.fnameescape(vim.fs.joinpath(client.root_dir, shown.files[shown.index].path)))
    pcall(vim.api.nvim_win_set_cursor, 0, { math.min(row, vim.api.nvim_buf_line_count(0)), 0 })
  end)
  map("q", "close", function()
    vim.cmd.tabclose()
  end)
end

---@param client vim.lsp.Client
---@param bufnr integer
---@param direction 1|-1
function M._turn(client, bufnr, direction)
  local shown = vim.b[bufnr].longshift_review
  M._show(client, shown.files, (shown.index - 1 + direction) % #shown.files + 1)
end

--- Decides on the file that a window of the tab shows, and goes on to the next.
---@param client vim.lsp.Client
---@param bufnr integer
---@param name string
---@param words string
function M.decide(client, bufnr, name, words)
  local shown = vim.b[bufnr].longshift_review
  local file = shown.files[shown.index]
  local target = { runId = file.runId, repo = file.repo, changeId = file.changeId, path = file.path }
  deciding._with_reason(name, words, function(reason)
    client_of.call(client, name, vim.tbl_extend("force", target, { reason = reason }), function()
      deciding.remember(client, target)
      deciding._after(client, ("%s of %s is decided on."):format(file.path, file.changeId))
      if shown.index < #shown.files then
        M._turn(client, bufnr, 1)
      end
    end)
  end)
end

return M
