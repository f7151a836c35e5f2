--- The language client: which one is meant, how it is asked, and what happens when it ends.
---
--- Owns starting anew with back-off. Knows nothing of hunks or views.
local config = require("longshift.config")

local M = {}

---@type table<integer, true> Clients that a person has ended.
local stopping = {}
---@type integer? The client that was used last, for buffers of no project.
local last_id
---@type table<integer, integer[]> Buffers that a client serves, so that the next one serves them too.
local served = {}
local restarts = 0
---@type table<integer, integer> When each client began to serve, in ms.
local greeted = {}
local STEADY_MS = 180000

---@param level integer
---@param text string
function M.tell(text, level)
  vim.notify("Longshift: " .. text, level or vim.log.levels.INFO, { title = "Longshift" })
end

--- The client that serves a buffer, or the one that was used last.
---@param bufnr? integer
---@return vim.lsp.Client?
function M.of(bufnr)
  bufnr = (bufnr == nil or bufnr == 0) and vim.api.nvim_get_current_buf() or bufnr
  local named = vim.b[bufnr].longshift_client or nil
  local client = vim.lsp.get_clients({ name = "longshift", bufnr = bufnr })[1]
    or (named and vim.lsp.get_client_by_id(named))
    or (vim.bo[bufnr].buftype ~= "" and last_id and vim.lsp.get_client_by_id(last_id))
  if client and not client:is_stopped() then
    last_id = client.id
    return client
  end
end

--- Why the server can't be started, in words for a person; nil: it can.
---@return string?
function M.missing()
  local cmd = config.get().cmd[1]
  if vim.fn.executable(cmd) == 0 then
    return ("there is no program `%s`, so no server was started. Install it (`pip install longshift`), or name it: "):format(cmd)
      .. '`require("longshift").setup({ cmd = { "/path/to/longshift", "serve" } })`. :checkhealth longshift says more.'
  end
end

--- Starts the server for a buffer that has none.
---@param bufnr? integer
---@return vim.lsp.Client?
function M.ensure(bufnr)
  bufnr = (bufnr == nil or bufnr == 0) and vim.api.nvim_get_current_buf() or bufnr
  local client = M.of(bufnr)
  if client then
    return client
  end
  local why = M.missing()
  if why then
    return M.tell(why, vim.log.levels.ERROR)
  end
  local found = vim.fs.root(bufnr, { ".git", "longshift.toml" })
  local wanted = vim.tbl_extend("force", config.server(), {
    name = "longshift",
    root_dir = found or vim.fn.getcwd(),
  })
  local id = vim.lsp.start(wanted, { bufnr = bufnr, attach = vim.bo[bufnr].buftype == "" })
  last_id = id or last_id
  if id then
    served[id] = served[id] or {}
    table.insert(served[id], bufnr)
  end
  return id and vim.lsp.get_client_by_id(id)
end

--- Asks the server to carry out a command.
---@param client vim.lsp.Client
---@param name string Without its prefix, as `acceptChange`.
---@param argument table Its one argument.
---@param on_result? fun(result: table)
---@param on_error? fun(message: string) Where left out, the error is shown.
function M.call(client, name, argument, on_result, on_error)
  if vim.tbl_isempty(argument) then
    argument = vim.empty_dict()
  end
  local params = { command = "longshift." .. name, arguments = { argument } }
  local sent = client:request("workspace/executeCommand", params, function(err, result)
    if err then
      (on_error or function(message)
        M.tell(message, vim.log.levels.ERROR)
      end)(err.message)
    elseif on_result then
      on_result(result or {})
    end
  end)
  if not sent then
    M.tell("the server is not there any more. `:Longshift restart` starts it.", vim.log.levels.ERROR)
  end
end

---@param client vim.lsp.Client
---@param bufnr integer
function M.on_attach(client, bufnr)
  last_id = client.id
  served[client.id] = served[client.id] or {}
  if not greeted[client.id] then
    greeted[client.id] = vim.uv.now()
    M._check_version(client)
  end
  if not vim.list_contains(served[client.id], bufnr) then
    table.insert(served[client.id], bufnr)
  end
  require("longshift.hunks").attach(client, bufnr)
end

---@param client vim.lsp.Client
function M._check_version(client)
  local theirs = (client.server_info or {}).version or "unknown"
  if theirs:match("^%d+%.%d+") ~= config.VERSION:match("^%d+%.%d+") then
    M.tell(
      ("the server is of version %s and this plugin of %s. Everything that both know works; bring the older one up to date."):format(
        theirs,
        config.VERSION
      ),
      vim.log.levels.WARN
    )
  end
end

---@param code integer
---@param signal integer
---@param client_id integer
function M.on_exit(code, signal, client_id)
  local buffers = served[client_id] or {}
  served[client_id] = nil
  require("longshift.runs").forget(client_id)
  if vim.v.exiting ~= vim.NIL or stopping[client_id] or (code == 0 and signal == 0) then
    stopping[client_id] = nil
    return
  end
  local began = greeted[client_id]
  greeted[client_id] = nil
  if began and vim.uv.now() - began > STEADY_MS then
    restarts = 0
  end
  local how = signal ~= 0 and ("by signal %d"):format(signal) or ("with exit status %d"):format(code)
  if restarts >= config.get().restarts then
    M.tell(
      ("the server ended %s, again. It is left so. `:Longshift log` shows what it said, `:Longshift restart` starts it. Nothing that landed is lost."):format(how),
      vim.log.levels.ERROR
    )
    return
  end
  local wait_ms = config.get().first_wait_ms * 2 ^ restarts
  restarts = restarts + 1
  M.tell(
    ("the server ended %s. It starts again in %g s; `:Longshift log` shows what it said."):format(how, wait_ms / 1000),
    vim.log.levels.WARN
  )
  vim.defer_fn(function()
    M._serve(buffers)
  end, wait_ms)
end

---@param buffers integer[]
function M._serve(buffers)
  for _, bufnr in ipairs(buffers) do
    if vim.api.nvim_buf_is_loaded(bufnr) then
      M.ensure(bufnr)
    end
  end
end

--- Ends every server and starts it for the buffers that it served.
function M.restart()
  restarts = 0
  local buffers = {}
  for _, client in ipairs(vim.lsp.get_clients({ name = "longshift" })) do
    stopping[client.id] = true
    vim.list_extend(buffers, vim.tbl_keys(client.attached_buffers))
    client:stop()
  end
  if #buffers == 0 then
    buffers = { vim.api.nvim_get_current_buf() }
  end
  local function again()
    if #vim.lsp.get_clients({ name = "longshift" }) == 0 then
      M._serve(buffers)
    else
      vim.defer_fn(again, 50)
    end
  end
  again()
end

return M
