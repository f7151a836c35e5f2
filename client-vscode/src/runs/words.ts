/** What a person reads of runs, tasks and hunks. Pure. */

import type { Hunk, Run, Usage } from "../protocol";
import { counts } from "./hunks";

const MINUS = "\u2212";

/** `1 hunk`, `2 hunks`. */
export function many(n: number, noun: string): string {
  return `${n} ${noun}${n === 1 ? "" : "s"}`;
}

/** What a run cost; tokens where its price is unknown. */
export function cost(usage: Usage): string {
  const tokens = usage.input_tokens + usage.output_tokens;
  if (usage.cost_usd === null) return tokens > 0 ? `${short(tokens)} tokens` : "";
  const usd = Number(usage.cost_usd);
  return usd === 0 ? "" : `$${usd.toFixed(2)}`;
}

/** Lines that come and go. */
export function lines(hunk: Pick<Hunk, "added" | "removed">): string {
  return `+${hunk.added} ${MINUS}${hunk.removed}`;
}

/** A run in a few words: tasks, what waits, cost. */
export function summary(run: Run): string {
  const landed = run.tasks.filter((task) => task.state === "landed").length;
  const { open } = counts(run);
  const asked = run.questions.filter((one) => one.answer === null).length;
  const parts = [
    stateOf(run),
    run.tasks.length > 0 ? `${landed} of ${many(run.tasks.length, "task")}` : "",
    open > 0 ? `${open} to review` : "",
    asked > 0 ? many(asked, "question") : "",
    cost(run.usage),
  ];
  return parts.filter((part) => part !== "").join(" · ");
}

/** `planning`, `paused`, `done`, …. */
export function stateOf(run: Run): string {
  if (run.state === "running") return run.phase;
  return run.state === "paused" ? "paused" : (run.outcome ?? "ended").replaceAll("_", " ");
}

/** A goal on one line. */
export function oneLine(text: string, longest = 80): string {
  const line = text.replace(/\s+/g, " ").trim();
  return line.length <= longest ? line : `${line.slice(0, longest - 1)}…`;
}

function short(n: number): string {
  return n < 1000 ? String(n) : n < 1e6 ? `${(n / 1000).toFixed(1)}k` : `${(n / 1e6).toFixed(1)}M`;
}
