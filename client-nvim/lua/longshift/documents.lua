--- The server's own documents: a file before and after a change.
---
--- Owns buffers named `longshift:///RUN/CHANGE/before/PATH` and `…/after/PATH`; nobody writes them.
local client_of = require("longshift.client")

local M = {}
local WAIT_MS = 5000
---@type vim.lsp.Client? Who answers for the document that is being opened.
local reader

local function quoted(text)
  return (text:gsub("[^%w%-%._~/]", function(char)
    return ("%%%02X"):format(char:byte())
  end))
end

--- A document's name.
---@param repo? string The repository's root URI, where there are several.
---@param run_id string
---@param change_id string
---@param side "before"|"after"
---@param path string
---@return string
function M.uri(repo, run_id, change_id, side, path)
  local query = repo and "?" .. quoted(repo):gsub("/", "%%2F") or ""
  return ("longshift:///%s/%s/%s/%s%s"):format(run_id, change_id, side, quoted(path), query)
end

--- Shows a document in the current window.
---@param client vim.lsp.Client
---@param uri string
function M.open(client, uri)
  reader = client
  vim.cmd.edit(vim.fn.fnameescape(uri))
  reader = nil
end

--- Fills a buffer with the document that its name says.
---@param bufnr integer
---@param uri string
function M.read(bufnr, uri)
  vim.bo[bufnr].buftype = "nofile" -- first of all: no server is to be started for it
  local client = reader or client_of.ensure(bufnr)
  if not client then
    return
  end
  local answer, why = client:request_sync("longshift/textDocumentContent", { uri = uri }, WAIT_MS)
  local text = answer and answer.result and answer.result.text
  if not text then
    why = (answer and answer.err and answer.err.message) or why or "no answer"
    return client_of.tell(("%s can't be shown: %s"):format(uri, why), vim.log.levels.ERROR)
  end
  local lines = vim.split(text:gsub("\r\n", "\n"), "\n", { plain = true })
  if lines[#lines] == "" then
    table.remove(lines)
  end
  vim.bo[bufnr].modifiable = true
  vim.api.nvim_buf_set_lines(bufnr, 0, -1, false, lines)
  vim.bo[bufnr].modifiable = false
  vim.bo[bufnr].modified = false
  vim.bo[bufnr].bufhidden = "wipe"
  vim.bo[bufnr].swapfile = false
  vim.b[bufnr].longshift_client = client.id
  local filetype = vim.filetype.match({ filename = vim.fs.basename((uri:gsub("%?.*", ""))), contents = lines })
  -- Syntax alone: a file type would start other language servers on a text that is nobody's file.
  vim.bo[bufnr].syntax = filetype or ""
end

return M
