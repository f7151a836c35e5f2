--- The runs that the server has told of.
---
--- Owns their last short state. `board` shows them.
local M = {}

---@class longshift.Run `longshift/runDidChange`.
---@field runId string
---@field repo string
---@field goal? string
---@field state "running"|"paused"|"ended"
---@field outcome? string
---@field cycle? integer
---@field tasks? table<string, integer>
---@field changes? integer
---@field findings? integer
---@field questions? integer
---@field usage? table

---@type table<integer, table<string, longshift.Run>> By client and run.
local by_client = {}

local function number(run)
  return tonumber(run.runId:match("%d+")) or 0
end

---@param client_id integer
---@param run longshift.Run
function M.on_update(client_id, run)
  by_client[client_id] = by_client[client_id] or {}
  local key = run.repo .. " " .. run.runId
  by_client[client_id][key] = run.goal and run or nil -- without a goal it was forgotten
  local client = vim.lsp.get_client_by_id(client_id)
  if client then
    require("longshift.hunks").refresh_all(client)
    require("longshift.board").refresh(client)
    vim.api.nvim_exec_autocmds("User", { pattern = "LongshiftRuns", modeline = false, data = run })
  end
end

---@param client_id integer
function M.forget(client_id)
  by_client[client_id] = nil
end

--- All runs of a client, the newest first.
---@param client_id integer
---@return longshift.Run[]
function M.of(client_id)
  local found = vim.tbl_values(by_client[client_id] or {})
  table.sort(found, function(one, other)
    return number(one) > number(other)
  end)
  return found
end

---@param client_id integer
---@return longshift.Run[]
function M.with_changes(client_id)
  return vim.tbl_filter(function(run)
    return (run.changes or 0) > 0
  end, M.of(client_id))
end

--- The argument that names a run; it names the repository only where there are several.
---@param run longshift.Run
---@return table
function M.named(run)
  for _, runs in pairs(by_client) do
    for _, other in pairs(runs) do
      if other.repo ~= run.repo then
        return { runId = run.runId, repo = run.repo }
      end
    end
  end
  return { runId = run.runId }
end

--- A run in one line.
---@param run longshift.Run
---@return string
function M.line(run)
  local icons = { running = "▶", paused = "‖", ended = run.outcome == "done" and "✓" or "■" }
  local tasks = run.tasks or {}
  local all = 0
  for _, count in pairs(tasks) do
    all = all + count
  end
  local state = run.state == "ended" and (run.outcome or "ended"):gsub("_", " ") or run.state
  local parts = { state }
  if run.state ~= "ended" then
    table.insert(parts, ("cycle %d"):format(run.cycle or 0))
  end
  table.insert(parts, ("%d of %d tasks"):format(tasks.landed or 0, all))
  for _, name in ipairs({ "change", "finding", "question" }) do
    local count = run[name .. "s"] or 0
    if count > 0 then
      table.insert(parts, ("%d %s%s"):format(count, name, count == 1 and "" or "s"))
    end
  end
  local cost = run.usage and tonumber(run.usage.cost_usd)
  if cost and cost > 0 then
    table.insert(parts, ("$%.2f"):format(cost))
  end
  local goal = require("longshift.ask").line(run.goal or "", 60)
  return ("%s %s  %s  (%s)"):format(icons[run.state] or "?", run.runId, goal, table.concat(parts, ", "))
end

return M
