/**
 * Hunks out of runs: those of a file in order of place, the one at a line, the next one. Pure.
 */

import type { Change, FileChange, Hunk, Run, Target } from "../protocol";

/** A hunk with all that it belongs to. */
export interface Located {
  run: Run;
  change: Change;
  file: FileChange;
  hunk: Hunk;
}

/** Every hunk of some runs. */
export function* hunksOf(runs: readonly Run[]): Generator<Located> {
  for (const run of runs) {
    for (const change of run.changes) {
      for (const file of change.files) {
        for (const hunk of file.hunks) yield { run, change, file, hunk };
      }
    }
  }
}

/** Whether it waits for a decision. */
export function isOpen(located: Located): boolean {
  return located.hunk.state === "pending" || located.hunk.state === "stale";
}

/** In order of repository, path and place. */
export function inOrder(located: Iterable<Located>): Located[] {
  return [...located].sort(
    (a, b) =>
      compare(a.run.repo, b.run.repo) ||
      compare(pathNow(a), pathNow(b)) ||
      a.hunk.range.start.line - b.hunk.range.start.line ||
      a.hunk.hunk - b.hunk.hunk,
  );
}

/** Where its file is now: a rename that waits has moved nothing yet. */
export function pathNow(located: Located): string {
  const { file, hunk } = located;
  return file.oldPath !== null && hunk.state !== "accepted" ? file.oldPath : file.path;
}

/** The URI of its file. */
export function uriOf(located: Located): string {
  return join(located.run.repo, pathNow(located));
}

/** A path of a repository as a URI, spelt as the server's own. */
export function join(repo: string, path: string): string {
  return `${repo.replace(/\/$/, "")}/${path.split("/").map(encodeURIComponent).join("/")}`;
}

/** The hunk at a line of a file, or the nearest above it on that line's end. */
export function at(located: readonly Located[], line: number): Located | undefined {
  return located.find(({ hunk: { range } }) => {
    const last = Math.max(range.end.line - 1, range.start.line);
    return range.start.line <= line && line <= last;
  });
}

/** The hunk after (or before) a place; beyond the last comes the first again. */
export function step(
  ordered: readonly Located[],
  here: { uri: string; line: number } | undefined,
  direction: 1 | -1,
): Located | undefined {
  if (ordered.length === 0) return undefined;
  if (here === undefined) return direction === 1 ? ordered[0] : ordered.at(-1);
  const position = (one: Located) =>
    compare(uriOf(one), here.uri) || one.hunk.range.start.line - here.line;
  if (direction === 1) return ordered.find((one) => position(one) > 0) ?? ordered[0];
  return ordered.findLast((one) => position(one) < 0) ?? ordered.at(-1);
}

/** The argument of a decision on it. */
export function targetOf({ run, change, file, hunk }: Located): Required<Target> {
  return {
    repo: run.repo,
    runId: run.runId,
    changeId: change.id,
    path: file.path,
    hunk: hunk.hunk,
  };
}

/** How many wait, and how many are decided on. */
export function counts(run: Run): { open: number; decided: number } {
  let open = 0;
  let decided = 0;
  for (const one of hunksOf([run])) {
    if (isOpen(one)) open += 1;
    else if (one.hunk.state !== "superseded") decided += 1;
  }
  return { open, decided };
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
