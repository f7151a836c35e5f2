--- Hunks as signs and virtual lines: the old text as it stands, the new text beneath it.
---
--- Owns the extended marks and their highlight groups. Asks nobody; what it draws moves with the
--- text by itself.
local ask = require("longshift.ask")
local config = require("longshift.config")

---@class longshift.Part One edit of a hunk.
---@field line integer Where it begins in the person's text, from zero.
---@field removed integer How many lines of theirs go.
---@field added string[] The lines that come in their place.

local M = {}

M.NAMESPACE = vim.api.nvim_create_namespace("longshift")
local NAMESPACE = M.NAMESPACE
---@type table<integer, table<string, integer>> By buffer and hunk: the mark at the hunk's place.
local places = {}

local function define_highlights()
  for name, link in pairs({
    LongshiftOld = "DiffDelete",
    LongshiftNew = "DiffAdd",
    LongshiftNote = "Comment",
    LongshiftSign = "DiagnosticSignInfo",
    LongshiftStale = "DiagnosticSignWarn",
  }) do
    vim.api.nvim_set_hl(0, name, { link = link, default = true })
  end
end

--- The edits of a hunk, from its difference amid the person's text.
---@param whole {diff: string, line: integer, state: string}
---@return longshift.Part[]
function M.parse(whole)
  local parts, line, part = {}, nil, nil
  for text in vim.gsplit(whole.diff, "\n", { plain = true }) do
    local sign = text:sub(1, 1)
    local first, count = text:match("^@@ %-(%d+),?(%d*)")
    if first then
      -- Of no lines, the number is that of the line before.
      line, part = tonumber(first) - (count == "0" and 0 or 1), nil
    elseif line and sign == "-" then
      if not part or #part.added > 0 then
        part = { line = line, removed = 0, added = {} }
        table.insert(parts, part)
      end
      part.removed, line = part.removed + 1, line + 1
    elseif line and sign == "+" then
      if not part then
        part = { line = line, removed = 0, added = {} }
        table.insert(parts, part)
      end
      table.insert(part.added, (text:sub(2):gsub("\r$", "")))
    elseif line and sign == " " then
      line, part = line + 1, nil
    end
  end
  return parts
end

--- Draws the hunks of a buffer in place of those that were drawn.
---@param bufnr integer
---@param hunks longshift.Hunk[]
function M.draw(bufnr, hunks)
  M.clear(bufnr)
  define_highlights()
  places[bufnr] = {}
  for _, hunk in ipairs(hunks) do
    M._draw_hunk(bufnr, hunk)
  end
end

---@param bufnr integer
function M.clear(bufnr)
  places[bufnr] = nil
  vim.api.nvim_buf_clear_namespace(bufnr, NAMESPACE, 0, -1)
end

local function key(hunk)
  return ("%s/%s/%s/%d"):format(hunk.runId, hunk.changeId, hunk.path, hunk.hunk)
end

--- Where a hunk is now: its mark has moved with the text.
---@param bufnr integer
---@param hunk longshift.Hunk
---@return integer first From zero.
---@return integer last From zero, not included.
function M.place(bufnr, hunk)
  local id = (places[bufnr] or {})[key(hunk)]
  local mark = id and vim.api.nvim_buf_get_extmark_by_id(bufnr, NAMESPACE, id, { details = true })
  if mark and mark[1] then
    return mark[1], mark[3].end_row or mark[1]
  end
  return hunk.line, hunk.line
end

---@param bufnr integer
---@param hunk longshift.Hunk
function M._draw_hunk(bufnr, hunk)
  local count = vim.api.nvim_buf_line_count(bufnr)
  local stale = hunk.state == "stale"
  local parts = not stale and hunk.parts or {}
  local first = math.min(parts[1] and parts[1].line or hunk.line, count - 1)
  local last = #parts > 0 and parts[#parts].line + parts[#parts].removed or first
  if parts[1] and parts[1].removed == 0 and first > 0 then
    -- Lines that come between two others belong to both of them.
    first, last = first - 1, math.max(last, first + 1)
  end
  local id = vim.api.nvim_buf_set_extmark(bufnr, NAMESPACE, first, 0, {
    end_row = math.min(last, count),
    strict = false,
    virt_text = config.get().marks and { { "  " .. M.note(hunk), "LongshiftNote" } } or nil,
    virt_text_pos = "eol",
    hl_mode = "combine",
  })
  places[bufnr][key(hunk)] = id
  if not config.get().marks then
    return
  end
  local signs = config.get().signs
  if #parts == 0 then
    vim.api.nvim_buf_set_extmark(bufnr, NAMESPACE, first, 0, {
      sign_text = stale and signs.stale or signs.change,
      sign_hl_group = stale and "LongshiftStale" or "LongshiftSign",
    })
  end
  for _, part in ipairs(parts) do
    M._draw_part(bufnr, part, count)
  end
end

--- What is said beside a hunk.
---@param hunk longshift.Hunk
---@return string
function M.note(hunk)
  local name = ("%s %s · "):format(hunk.runId, hunk.changeId)
  local title = ask.line(hunk.title or "", 50)
  local counts = (" (+%d −%d, hunk %d of %d)"):format(hunk.added, hunk.removed, hunk.hunk, hunk.of)
  local flag = type(hunk.flag) == "string" and "; protected: " .. ask.line(hunk.flag, 40) or ""
  if hunk.state == "stale" then
    return name .. "no longer fits: " .. ask.line(hunk.reason ~= "" and hunk.reason or "ask for rework", 80)
  end
  if hunk.kind ~= "edit" then
    title = hunk.kind .. ": " .. title
  end
  return name .. title .. counts .. flag
end

---@param bufnr integer
---@param part longshift.Part
---@param count integer Lines of the buffer.
function M._draw_part(bufnr, part, count)
  local signs = config.get().signs
  local sign = part.removed == 0 and signs.add or (#part.added == 0 and signs.remove or signs.change)
  for row = part.line, math.min(part.line + part.removed, count) - 1 do
    vim.api.nvim_buf_set_extmark(bufnr, NAMESPACE, row, 0, {
      sign_text = sign,
      sign_hl_group = "LongshiftSign",
      line_hl_group = "LongshiftOld",
    })
  end
  if #part.added == 0 then
    return
  end
  local above = part.removed == 0 and part.line == 0
  local row = math.max(0, math.min(part.line + part.removed, count) - 1)
  vim.api.nvim_buf_set_extmark(bufnr, NAMESPACE, row, 0, {
    virt_lines = M._virtual(bufnr, part.added),
    virt_lines_above = above,
    sign_text = part.removed == 0 and sign or nil,
    sign_hl_group = "LongshiftSign",
  })
  if above then
    M._show_above(bufnr, #part.added)
  end
end

--- The new lines as virtual ones, coloured to the end of the window.
---@param bufnr integer
---@param lines string[]
function M._virtual(bufnr, lines)
  local width = vim.bo[bufnr].tabstop
  return vim.tbl_map(function(line)
    local text = ""
    for piece, tab in line:gmatch("([^\t]*)(\t?)") do
      text = text .. piece
      if tab ~= "" then
        text = text .. (" "):rep(width - vim.fn.strdisplaywidth(text) % width)
      end
    end
    local rest = math.max(0, vim.o.columns - vim.fn.strdisplaywidth(text))
    return { { text .. (" "):rep(rest), "LongshiftNew" } }
  end, lines)
end

--- Lines above the first one are seen only where the window is told to show them.
---@param bufnr integer
---@param count integer
function M._show_above(bufnr, count)
  for _, window in ipairs(vim.fn.win_findbuf(bufnr)) do
    vim.api.nvim_win_call(window, function()
      if vim.fn.winsaveview().topline == 1 then
        vim.fn.winrestview({ topline = 1, topfill = math.min(count, vim.api.nvim_win_get_height(window) - 2) })
      end
    end)
  end
end

return M
