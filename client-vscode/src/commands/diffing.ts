/** Base against proposed, in the editor's own diff; several files in its multi-file diff. */

import * as vscode from "vscode";
import { type Change, type FileChange, type Run, SCHEME, type Target } from "../protocol";
import { join } from "../runs/hunks";
import { oneLine } from "../runs/words";
import { run } from "./asking";
import type { Command, Context } from "./context";
import { target } from "./deciding";

/** The file of a hunk, base against proposed, at that hunk. */
export const diffHunk: Command = async (context, given) => {
  const meant = target(context, given);
  const { one, change } = locate(context, meant);
  const file = change.files.find((each) => each.path === meant.path) ?? change.files[0];
  if (file !== undefined) await diffFile(one, change, file, meant.hunk);
};

/** A change: its one file, or all of them. */
export const diffChange: Command = async (context, given) => {
  const meant = target(context, given);
  const { one, change } = locate(context, meant);
  const file = change.files.find((each) => each.path === meant.path);
  const [only] = change.files;
  if (file !== undefined) return diffFile(one, change, file);
  if (change.files.length === 1 && only !== undefined) return diffFile(one, change, only);
  return vscode.commands.executeCommand(
    "vscode.changes",
    `${one.runId} ${change.id}: ${oneLine(change.title)}`,
    change.files.map((each) => pair(one, each, change, change)),
  );
};

/** Everything that a run made: each file before its first change, and after its last. */
export const diffRun: Command = async ({ store }, given) => {
  const one = await run(store, given, "Compare which run?", (each) => each.changes.length > 0);
  const byPath = new Map<string, { file: FileChange; first: Change; last: Change }>();
  for (const change of one.changes) {
    for (const file of change.files) {
      const first = byPath.get(file.path)?.first ?? change;
      byPath.set(file.path, { file, first, last: change });
    }
  }
  return vscode.commands.executeCommand(
    "vscode.changes",
    `${one.runId}: ${oneLine(one.goal)}`,
    [...byPath.values()].map(({ file, first, last }) => pair(one, file, first, last)),
  );
};

async function diffFile(
  one: Run,
  change: Change,
  file: FileChange,
  number?: number,
): Promise<unknown> {
  const [, before, after] = pair(one, file, change, change);
  const title = `${file.path} (${one.runId} ${change.id}: base ↔ proposed)`;
  const options: vscode.TextDocumentShowOptions = { preview: false };
  const hunk = file.hunks.find((each) => each.hunk === number);
  if (hunk !== undefined) {
    // Ranges are of the person's text; hunks above, not accepted yet, have lengthened the other.
    const above = file.hunks
      .filter((each) => each.state !== "accepted" && each.range.start.line < hunk.range.start.line)
      .reduce((sum, each) => sum + each.added - each.removed, 0);
    const line = Math.max(0, hunk.range.start.line + above);
    options.selection = new vscode.Range(line, 0, line, 0);
  }
  return vscode.commands.executeCommand("vscode.diff", before, after, title, options);
}

function pair(
  one: Run,
  file: FileChange,
  first: Change,
  last: Change,
): [label: vscode.Uri, before: vscode.Uri, after: vscode.Uri] {
  return [
    vscode.Uri.parse(join(one.repo, file.path)),
    document(one, first, "before", file.oldPath ?? file.path),
    document(one, last, "after", file.path),
  ];
}

/** A document that the server answers for. */
function document(one: Run, change: Change, side: "before" | "after", path: string): vscode.Uri {
  return vscode.Uri.from({
    scheme: SCHEME,
    path: `/${one.runId}/${change.id}/${side}/${path}`,
    query: one.repo,
  });
}

function locate({ store }: Context, meant: Target): { one: Run; change: Change } {
  for (const one of store.all) {
    if (one.runId !== meant.runId || (meant.repo !== undefined && one.repo !== meant.repo))
      continue;
    const change = one.changes.find((each) => each.id === meant.changeId);
    if (change !== undefined) return { one, change };
  }
  throw new Error(`There is no change ${meant.changeId} in ${meant.runId} any more.`);
}
