"""Pending hunks against the person's live text, and what deciding on them means.

Owns the answer to "what is proposed here, and does it still fit?". Never writes a file or a buffer,
never records a decision, and knows neither clocks, editors nor models.

`proposals.Proposals` is the way in; `decisions` turns a person's word into hunks; `unified` shows
them in a terminal. Inside: `lineage` follows a file through the run's steps, `weave` keeps every
line with who wrote and who removed it, `taking` has it stand on a newly taken text, `reading` cuts
it by the person's decisions, `anchor` places what is left in the present text, and `assess` says
how each hunk stands; `settled` does so for hunks of earlier cycles.
"""
