"""How equal agents share one list of tasks, and an integrator between workers and the head.

Built to be measured against planner, worker and judge: a task is done by the same worker, in the
same workspace, and lands the same way. Nothing here edits, merges or judges.
"""
