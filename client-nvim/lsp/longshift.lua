-- The server's configuration under Neovim's own name for it: `vim.lsp.config.longshift`.
return require("longshift.config").server()
