--- Questions to the person, all through `vim.ui`. Owns no wording of its own.
local M = {}

--- Calls back with words that were given with the command, or with those that the person types.
---@param given string
---@param prompt string
---@param on_words fun(words: string) Not called where the person cancels.
function M.words(given, prompt, on_words)
  if given ~= "" then
    return on_words(given)
  end
  vim.ui.input({ prompt = prompt }, function(words)
    if words ~= nil then
      on_words(vim.trim(words))
    end
  end)
end

--- Calls back with the one item, or with that of several which the person chooses.
---@generic T
---@param items T[]
---@param prompt string
---@param format fun(item: T): string
---@param on_choice fun(item: T) Not called where the person cancels.
function M.one_of(items, prompt, format, on_choice)
  if #items == 1 then
    return on_choice(items[1])
  end
  vim.ui.select(items, { prompt = prompt, format_item = format }, function(item)
    if item ~= nil then
      on_choice(item)
    end
  end)
end

--- A text in one line, without anything that would break it.
---@param text string
---@param longest? integer In characters.
---@return string
function M.line(text, longest)
  local line = vim.trim((text:gsub("[%c%s]+", " ")))
  if longest and vim.fn.strchars(line) > longest then
    line = vim.fn.strcharpart(line, 0, longest - 1) .. "…"
  end
  return line
end

return M
