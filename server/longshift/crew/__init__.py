"""The crew: planner, worker and judge, each a small loop between a model and its tools.

Owns what the roles are told (from `prompts/`), which tools they have and how a conversation goes
on and ends. Must never know the journal, the scheduler, git or an endpoint: whatever a role does
to the world goes through the `desk` that the engine gives it.

Start with `planner.plan`, `worker.work` or `judge.judge`; `desk` and `briefs` are what they take.
"""
