-- The one command. Loads nothing else before it is used.
if vim.g.loaded_longshift then
  return
end
vim.g.loaded_longshift = true

vim.api.nvim_create_user_command("Longshift", function(opts)
  require("longshift.commands").run(opts)
end, {
  nargs = "*",
  range = true,
  bar = false,
  desc = "Goals, runs and hunks of Longshift",
  complete = function(...)
    return require("longshift.commands").complete(...)
  end,
})

vim.api.nvim_create_autocmd("BufReadCmd", {
  pattern = "longshift:///*",
  group = vim.api.nvim_create_augroup("longshift_documents", {}),
  callback = function(event)
    require("longshift.documents").read(event.buf, event.match)
  end,
})
