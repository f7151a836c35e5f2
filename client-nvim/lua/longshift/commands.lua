--- `:Longshift …`: the table of its words, what each does, and their completion.
---
--- Owns the command line alone; deciding is in `deciding`, looking in `board` and `review`.
local ask = require("longshift.ask")
local board = require("longshift.board")
local client_of = require("longshift.client")
local deciding = require("longshift.deciding")
local review = require("longshift.review")
local runs = require("longshift.runs")

---@class longshift.Given What a person wrote after the word.
---@field client vim.lsp.Client
---@field words string
---@field range? {first: integer, last: integer} Lines from zero, the last included.

local M = {}

--- The run that is named first, the one of its kind, or the one that the person chooses.
---@param given longshift.Given
---@param states string[] In which a run may be that is not named.
---@param on_run fun(run: longshift.Run, rest: string)
local function with_run(given, states, on_run)
  local id, rest = given.words:match("^(R%d+)%s*(.*)$")
  local all = runs.of(given.client.id)
  local meant = vim.tbl_filter(function(run)
    if id then
      return run.runId == id
    end
    return vim.tbl_contains(states, run.state)
  end, all)
  if id and #meant == 0 then
    meant = { { runId = id } } -- one that has just started is told of soon; the server knows it
  end
  if #meant == 0 then
    local which = ("no run is %s"):format(table.concat(states, " or "))
    return client_of.tell(which .. ". `:Longshift runs` shows what there is.", vim.log.levels.WARN)
  end
  ask.one_of(meant, "Which run?", runs.line, function(run)
    on_run(run, id and rest or given.words)
  end)
end

---@param name string The server's command.
---@param states string[]
local function control(name, states)
  return function(given)
    with_run(given, states, function(run)
      client_of.call(given.client, name, runs.named(run), function(result)
        client_of.tell(("%s is %s."):format(run.runId, result.state))
      end)
    end)
  end
end

---@param given longshift.Given
local function goal(given)
  local argument = { uri = nil }
  if given.range then
    argument.uri = vim.uri_from_bufnr(0)
    argument.range = {
      start = { line = given.range.first, character = 0 },
      ["end"] = { line = given.range.last + 1, character = 0 },
    }
  end
  ask.words(given.words, "Goal: ", function(words)
    if words == "" then
      return client_of.tell("a goal needs words. Nothing was started.", vim.log.levels.WARN)
    end
    argument.goal = words
    client_of.call(given.client, "startGoal", argument, function(result)
      client_of.tell(("%s has started. Hunks show as they land; `:Longshift runs` shows all."):format(result.runId))
    end)
  end)
end

---@param given longshift.Given
local function steer(given)
  with_run(given, { "running", "paused" }, function(run, rest)
    ask.words(rest, ("Tell %s: "):format(run.runId), function(words)
      if words ~= "" then
        local argument = vim.tbl_extend("force", runs.named(run), { message = words })
        client_of.call(given.client, "steerRun", argument, function()
          client_of.tell(("%s will be told at its planner's next step."):format(run.runId))
        end)
      end
    end)
  end)
end

---@param given longshift.Given
---@param run longshift.Run
---@param question table
---@param words string
local function answer_question(given, run, question, words)
  local function send(answer)
    if answer == "" then
      return
    end
    local argument = vim.tbl_extend("force", runs.named(run), { questionId = question.id, answer = answer })
    client_of.call(given.client, "answerQuestion", argument, function()
      client_of.tell(("%s of %s is answered."):format(question.id, run.runId))
    end)
  end
  if words == "" and #question.options > 0 then
    vim.ui.select(question.options, { prompt = ask.line(question.question) }, function(option)
      send(option or "")
    end)
  else
    ask.words(words, ask.line(question.question) .. " ", send)
  end
end

---@param given longshift.Given
local function answer(given)
  with_run(given, { "running", "paused" }, function(run, rest)
    client_of.call(given.client, "describeRun", runs.named(run), function(whole)
      local open = vim.tbl_filter(function(question)
        return question.answer == nil or question.answer == vim.NIL
      end, whole.questions)
      if #open == 0 then
        return client_of.tell(run.runId .. " asks nothing.")
      end
      ask.one_of(open, "Which question?", function(question)
        return ask.line(question.question, 100)
      end, function(question)
        answer_question(given, run, question, rest)
      end)
    end)
  end)
end

--- Every word, with what it does; `bare` ones need no server.
---@type table<string, {run: fun(given: longshift.Given), bare?: boolean, completes?: string}>
M.WORDS = {
  goal = { run = goal },
  runs = { run = function(given)
    board.open(given.client)
  end },
  review = { run = function(given)
    with_run(given, { "running", "paused", "ended" }, function(run)
      review.open(given.client, run)
    end)
  end, completes = "runs" },
  next = { run = function(given)
    deciding.step(given.client, 1)
  end },
  prev = { run = function(given)
    deciding.step(given.client, -1)
  end },
  accept = { run = function(given)
    deciding.decide(given, "acceptChange")
  end, completes = "scope" },
  reject = { run = function(given)
    deciding.decide(given, "rejectChange")
  end, completes = "scope" },
  rework = { run = function(given)
    deciding.decide(given, "reworkChange")
  end },
  undo = { run = function(given)
    deciding.undo(given.client)
  end },
  why = { run = function(given)
    deciding.why(given)
  end },
  stop = { run = control("stopRun", { "running", "paused" }), completes = "runs" },
  pause = { run = control("pauseRun", { "running" }), completes = "runs" },
  resume = { run = control("resumeRun", { "paused" }), completes = "runs" },
  steer = { run = steer, completes = "runs" },
  answer = { run = answer, completes = "runs" },
  log = { bare = true, run = function()
    vim.cmd.tabedit(vim.fn.fnameescape(vim.lsp.log.get_filename()))
    vim.cmd("normal! G")
  end },
  restart = { bare = true, run = function()
    client_of.restart()
  end },
}

--- Carries out `:Longshift WORD …`.
---@param opts vim.api.keyset.create_user_command.command_args
function M.run(opts)
  local word, rest = vim.trim(opts.args):match("^(%S*)%s*(.*)$")
  local entry = M.WORDS[word == "" and "runs" or word]
  if not entry then
    local known = vim.tbl_keys(M.WORDS)
    table.sort(known)
    local what = ("there is no `%s`; there are: %s. See :h longshift."):format(word, table.concat(known, ", "))
    return client_of.tell(what, vim.log.levels.ERROR)
  end
  if entry.bare then
    return entry.run()
  end
  local client = client_of.ensure()
  if client then
    local range = opts.range > 0 and { first = opts.line1 - 1, last = opts.line2 - 1 } or nil
    entry.run({ client = client, words = rest, range = range })
  end
end

--- What may come next, for `command-completion-custom`.
---@param lead string
---@param line string
---@return string[]
function M.complete(lead, line)
  local word = line:match("Longshift%s+(%S+)%s")
  local offered = {}
  if not word then
    offered = vim.tbl_keys(M.WORDS)
  elseif M.WORDS[word] and M.WORDS[word].completes == "scope" then
    offered = { "file" }
  elseif M.WORDS[word] and M.WORDS[word].completes == "runs" then
    local client = client_of.of()
    offered = client and vim.tbl_map(function(run)
      return run.runId
    end, runs.of(client.id)) or {}
  end
  table.sort(offered)
  return vim.tbl_filter(function(one)
    return vim.startswith(one, lead)
  end, offered)
end

return M
