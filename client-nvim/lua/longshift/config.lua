--- Options: what a person may write, and what holds.
---
--- Owns their defaults and the configuration of the language client. Starts nothing.
local M = {}

--- The version of the server that this plugin was written with.
M.VERSION = "0.1.0"

---@class longshift.Opts What a person may write; all optional.
---@field cmd? string[] Command that starts the server.
---@field settings? table Longshift's settings, as in `longshift.toml`.
---@field signs? longshift.Signs Texts of at most two cells.
---@field marks? boolean Whether pending hunks are shown in buffers.
---@field restarts? integer How often a server that ended by itself is started again; 0: never.
---@field first_wait_ms? integer Milliseconds before the first new start; each later one waits twice as long.

---@class longshift.Signs
---@field change? string
---@field add? string
---@field remove? string
---@field stale? string

---@class longshift.Config: longshift.Opts What holds.
local defaults = {
  cmd = { "longshift", "serve" },
  settings = {},
  signs = { change = "▌~", add = "▌+", remove = "▌-", stale = "▌!" },
  marks = true,
  restarts = 5,
  first_wait_ms = 1000,
}

---@type longshift.Config
local current = vim.deepcopy(defaults)

---@param opts? longshift.Opts
function M.set(opts)
  opts = opts or {}
  for name in pairs(opts) do
    if defaults[name] == nil then
      local known = vim.tbl_keys(defaults)
      table.sort(known)
      error(("longshift.setup: there is no option `%s`; there are: %s."):format(name, table.concat(known, ", ")), 0)
    end
    vim.validate("longshift.setup: " .. name, opts[name], type(defaults[name]))
  end
  current = vim.tbl_deep_extend("force", vim.deepcopy(defaults), opts)
end

---@return longshift.Config
function M.get()
  return current
end

--- The language client's configuration.
---@return vim.lsp.Config
function M.server()
  return {
    cmd = current.cmd,
    root_markers = { ".git", "longshift.toml" },
    settings = { longshift = current.settings },
    init_options = { settings = current.settings, runUpdates = true },
    handlers = {
      ["longshift/runDidChange"] = function(_, params, ctx)
        require("longshift.runs").on_update(ctx.client_id, params)
      end,
    },
    on_attach = function(client, bufnr)
      require("longshift.client").on_attach(client, bufnr)
    end,
    on_exit = function(code, signal, client_id)
      vim.schedule(function()
        require("longshift.client").on_exit(code, signal, client_id)
      end)
    end,
  }
end

return M
