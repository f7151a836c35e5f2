--- `:checkhealth longshift`: what is there, what is missing, and the way on.
local config = require("longshift.config")

local M = {}

local function check_server()
  local cmd = config.get().cmd
  local path = vim.fn.exepath(cmd[1])
  if path == "" then
    vim.health.error(("There is no program `%s`."):format(cmd[1]), {
      "Install it: `pip install longshift` (Python 3.11 or newer).",
      'Or name it: `require("longshift").setup({ cmd = { "/path/to/longshift", "serve" } })`.',
    })
    return
  end
  vim.health.ok(("The server is %s."):format(path))
  local ran, done = pcall(function()
    return vim.system({ path, "--version" }, { text = true }):wait(10000)
  end)
  local version = ran and done.code == 0 and (done.stdout or ""):match("(%d+%.%d+%S*)")
  if not version then
    local said = ran and vim.trim(done.stderr or "") or tostring(done)
    vim.health.error("It does not say its version: " .. said, { ("Run `%s doctor` in a terminal."):format(cmd[1]) })
  elseif version:match("^%d+%.%d+") ~= config.VERSION:match("^%d+%.%d+") then
    vim.health.warn(("It is of version %s, this plugin of %s."):format(version, config.VERSION), { "Bring the older one up to date." })
  else
    vim.health.ok(("It is of version %s, as this plugin is."):format(version))
  end
end

local function check_clients()
  local clients = vim.lsp.get_clients({ name = "longshift" })
  if #clients == 0 then
    vim.health.info("No server runs. `:Longshift goal` in a file starts one, `setup()` for every file.")
  end
  for _, client in ipairs(clients) do
    local runs = require("longshift.runs").of(client.id)
    local where = client.root_dir or "no folder"
    vim.health.ok(("A server runs in %s: %d run%s known."):format(where, #runs, #runs == 1 and "" or "s"))
    if client.root_dir and not vim.fs.root(client.root_dir, ".git") then
      vim.health.warn("That folder is in no git repository, so no goal can start.", { "Run `git init` there." })
    end
  end
end

function M.check()
  vim.health.start("Longshift")
  if vim.fn.has("nvim-0.11") == 1 then
    vim.health.ok(("Neovim is %s."):format(tostring(vim.version())))
  else
    vim.health.error("Neovim 0.11 or newer is needed.", { "Bring Neovim up to date." })
  end
  if vim.fn.executable("git") == 1 then
    vim.health.ok("git is there.")
  else
    vim.health.error("There is no git, and no goal can start.", { "Install git." })
  end
  check_server()
  check_clients()
  vim.health.info("`longshift doctor` in a terminal checks models, sandbox and state.")
end

return M
