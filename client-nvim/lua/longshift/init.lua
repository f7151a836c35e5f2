--- What a person calls: `require("longshift").setup()`.
---
--- Owns nothing else. Must stay light: it may be required while Neovim starts.
local M = {}

--- Starts the server for every file of a project, and takes a person's options.
---@param opts? longshift.Opts
function M.setup(opts)
  require("longshift.config").set(opts)
  vim.lsp.config("longshift", require("longshift.config").server())
  vim.lsp.enable("longshift")
end

return M
