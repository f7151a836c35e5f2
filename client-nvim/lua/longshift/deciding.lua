--- Going from hunk to hunk, and deciding on them.
---
--- Owns which hunks a decision means. The server writes and records; nothing is edited here.
local ask = require("longshift.ask")
local client_of = require("longshift.client")
local hunks = require("longshift.hunks")

local M = {}

local SAID = { acceptChange = "accepted", rejectChange = "rejected", reworkChange = "to be reworked" }
local WHY = { rejectChange = "Why not? (may be empty): ", reworkChange = "What should be otherwise? (may be empty): " }
---@type {client: integer, target: table}[] What was decided in this session, the last one last.
local decided = {}

--- Goes to the next or previous pending hunk, on to other files, and around at the end.
---@param client vim.lsp.Client
---@param direction 1|-1
function M.step(client, direction)
  local bufnr = vim.api.nvim_get_current_buf()
  local here = hunks._path(client, bufnr) or ""
  local row = vim.api.nvim_win_get_cursor(0)[1] - 1
  hunks.everywhere(client, function(found)
    if #found == 0 then
      return client_of.tell("nothing is pending.")
    end
    if direction < 0 then
      found = vim.iter(found):rev():totable()
    end
    for _, hunk in ipairs(found) do
      local is_beyond = hunk.file == here and (hunk.line - row) * direction > 0
      local is_later = direction > 0 and hunk.file > here or direction < 0 and hunk.file < here
      if is_beyond or is_later then
        return M._go(client, hunk)
      end
    end
    M._go(client, found[1])
  end)
end

--- Shows a hunk where it stands.
---@param client vim.lsp.Client
---@param hunk longshift.Hunk
function M._go(client, hunk)
  local path = vim.fs.joinpath(client.root_dir, hunk.file)
  if hunk.kind ~= "edit" and not vim.uv.fs_stat(path) then
    return require("longshift.review").open_file(client, hunk)
  end
  if vim.uv.fs_realpath(path) ~= vim.uv.fs_realpath(vim.api.nvim_buf_get_name(0)) then
    vim.cmd.edit(vim.fn.fnameescape(path))
  end
  local line = math.min(hunk.line + 1, vim.api.nvim_buf_line_count(0))
  vim.api.nvim_win_set_cursor(0, { line, 0 })
end

--- Decides on the hunks that are meant: those of the range, the one at the cursor, or all of a file.
---@param given longshift.Given
---@param name "acceptChange"|"rejectChange"|"reworkChange"
function M.decide(given, name)
  local bufnr = vim.api.nvim_get_current_buf()
  local scope, rest = given.words:match("^(file)%s*(.*)$")
  if scope and name ~= "reworkChange" then
    return M._decide_file(given.client, bufnr, name)
  end
  if vim.b[bufnr].longshift_review then
    return require("longshift.review").decide(given.client, bufnr, name, given.words)
  end
  local row = vim.api.nvim_win_get_cursor(0)[1] - 1
  local range = given.range or { first = row, last = row }
  local meant = hunks.at(bufnr, range.first, range.last)
  if #meant == 0 then
    return client_of.tell(
      "no pending hunk stands here, so nothing was decided. `:Longshift next` goes to one.",
      vim.log.levels.WARN
    )
  end
  M._with_reason(name, scope and rest or given.words, function(reason)
    M.each(given.client, name, meant, reason)
  end)
end

---@param name string
---@param words string
---@param on_reason fun(reason?: string)
function M._with_reason(name, words, on_reason)
  if not WHY[name] then
    return on_reason(nil)
  end
  ask.words(words, WHY[name], function(reason)
    on_reason(reason ~= "" and reason or nil)
  end)
end

--- Decides on hunks one after the other: each may move the next.
---@param client vim.lsp.Client
---@param name string
---@param meant longshift.Hunk[]
---@param reason? string
function M.each(client, name, meant, reason)
  local function from(index)
    local hunk = meant[index]
    if not hunk then
      return M._after(client, ("%d hunk%s %s."):format(#meant, #meant == 1 and "" or "s", SAID[name]))
    end
    local target = hunks.target(hunk)
    -- The fingerprint: nothing is decided that the person has not seen.
    local argument = vim.tbl_extend("force", target, { reason = reason, shown = hunk.shown })
    client_of.call(client, name, argument, function(result)
      M.remember(client, target)
      if result.state == "pending" then
        client_of.tell("the decision waits for a buffer and goes on by itself.")
      end
      from(index + 1)
    end, function(message)
      client_of.tell(message, vim.log.levels.ERROR)
      M._after(client)
    end)
  end
  from(1)
end

---@param client vim.lsp.Client
---@param target table
function M.remember(client, target)
  table.insert(decided, { client = client.id, target = target })
end

---@param client vim.lsp.Client
---@param bufnr integer
---@param name string
function M._decide_file(client, bufnr, name)
  local all = name == "acceptChange" and "acceptAll" or "rejectAll"
  local seen = {}
  for _, hunk in ipairs(hunks.of(bufnr)) do
    if not seen[hunk.runId] then
      seen[hunk.runId] = true
      local argument = { runId = hunk.runId, repo = hunk.repo, uri = vim.uri_from_bufnr(bufnr) }
      client_of.call(client, all, argument, function(result)
        local count = type(result.hunks) == "number" and result.hunks or #(result.hunks or {})
        M._after(client, ("%d hunk%s of the file %s."):format(count, count == 1 and "" or "s", SAID[name]))
      end)
    end
  end
  if next(seen) == nil then
    client_of.tell("nothing is pending in this file, so nothing was decided.", vim.log.levels.WARN)
  end
end

--- Takes a decision back: one where the cursor is, else the last of this session.
---@param client vim.lsp.Client
function M.undo(client)
  local function last()
    for index = #decided, 1, -1 do
      if decided[index].client == client.id then
        local target = table.remove(decided, index).target
        return M._undo(client, target)
      end
    end
    client_of.tell("no decision stands here, and none was made in this session.", vim.log.levels.WARN)
  end
  local bufnr = vim.api.nvim_get_current_buf()
  if not client.attached_buffers[bufnr] then
    return last()
  end
  local params = vim.lsp.util.make_range_params(0, client.offset_encoding)
  params.context = { diagnostics = {}, only = { "quickfix.longshift.undo" } }
  client:request("textDocument/codeAction", params, function(err, actions)
    if err or #(actions or {}) == 0 then
      return last()
    end
    ask.one_of(actions, "Which decision?", function(action)
      return action.title
    end, function(action)
      M._undo(client, action.command.arguments[1])
    end)
  end, bufnr)
end

---@param client vim.lsp.Client
---@param target table
function M._undo(client, target)
  client_of.call(client, "undoDecision", target, function()
    M._after(client, ("the decision on %s is taken back."):format(target.changeId))
  end)
end

--- Tells why the hunk at the cursor was made.
---@param given longshift.Given
function M.why(given)
  local row = vim.api.nvim_win_get_cursor(0)[1] - 1
  local hunk = hunks.at(vim.api.nvim_get_current_buf(), row, row)[1]
  if not hunk then
    return client_of.tell("no pending hunk stands here. `:Longshift next` goes to one.", vim.log.levels.WARN)
  end
  -- The server shows it by itself, as a message.
  client_of.call(given.client, "explainChange", { runId = hunk.runId, repo = hunk.repo, changeId = hunk.changeId })
end

---@param client vim.lsp.Client
---@param said? string
function M._after(client, said)
  if said then
    client_of.tell(said)
  end
  vim.cmd.checktime() -- files that are in no buffer, or in one that was not attached
  hunks.refresh_all(client)
end

return M
