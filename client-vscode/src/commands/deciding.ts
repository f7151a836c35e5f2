/**
 * Decisions: on the hunk at the cursor, of a lens, an action or a row; on a file; on a run.
 *
 * Owns which hunk is meant and the words that go with it. The server writes and records.
 */

import * as vscode from "vscode";
import type { CommandName, Target } from "../protocol";
import { at, targetOf } from "../runs/hunks";
import { many } from "../runs/words";
import { targetOfNode } from "../views/tree";
import { Cancelled, choice, confirm, isNode, run, words } from "./asking";
import type { Command, Context } from "./context";
import { idOf } from "./control";
import { nextHunk } from "./moving";

export const acceptHunk: Command = async (context, given) => {
  await decide(context, "acceptChange", target(context, given));
  if (given === undefined) await nextHunk(context);
};

export const rejectHunk: Command = async (context, given) => {
  const meant = target(context, given);
  const reason = await words(
    "Reject",
    "Why? Later work is held to it. Enter alone gives no reason.",
    "We keep the old signature",
    { optional: true },
  );
  await decide(context, "rejectChange", { ...meant, ...(reason === "" ? {} : { reason }) });
  if (given === undefined) await nextHunk(context);
};

export const reworkHunk: Command = async (context, given) => {
  const meant = target(context, given);
  const reason = await words(
    "Ask for Rework",
    "What should be different? A worker does it anew.",
    "Keep the old name as an alias",
    { optional: true },
  );
  await decide(context, "reworkChange", { ...meant, ...(reason === "" ? {} : { reason }) });
};

export const undoDecision: Command = async (context, given) => {
  if (given !== undefined) return decide(context, "undoDecision", target(context, given));
  return decide(context, "undoDecision", await chooseDecided(context));
};

export const acceptChange: Command = (context, given) =>
  decide(context, "acceptChange", target(context, given));
export const rejectChange: Command = rejectHunk;

export const acceptFile: Command = (context) => decideFile(context, "acceptAll");
export const rejectFile: Command = (context) => decideFile(context, "rejectAll");

export const acceptAll: Command = async (context, given) => {
  const one = await run(context.store, given, "Accept everything of which run?", hasPending);
  await decide(context, "acceptAll", idOf(one));
};

export const rejectAll: Command = async (context, given) => {
  const one = await run(context.store, given, "Reject everything of which run?", hasPending);
  await confirm(
    `Reject everything of ${one.runId} that is pending?`,
    "Each hunk can be taken back with Undo Decision.",
    "Reject",
  );
  await decide(context, "rejectAll", idOf(one));
};

/** Why a change was made. */
export const explainChange: Command = async (context, given) => {
  const { repo, runId, changeId } = target(context, given);
  await context.calls.send("explainChange", { ...(repo ? { repo } : {}), runId, changeId });
};

/** What a command was given, as the argument of a decision; raises `Cancelled` where nothing is. */
export function target(context: Context, given: unknown): Target {
  if (isNode(given)) {
    const found = targetOfNode(given);
    if (found !== undefined) return found as Target;
  } else if (isTarget(given)) {
    return given;
  }
  const editor = vscode.window.activeTextEditor;
  const here = editor && at(context.marks.of(editor.document), editor.selection.active.line);
  if (here !== undefined) return targetOf(here);
  void vscode.window.showInformationMessage(
    "Longshift: no pending hunk stands at the cursor. Alt+] goes to the next.",
  );
  throw new Cancelled();
}

async function decide(
  { calls, store }: Context,
  command: CommandName,
  argument: object,
): Promise<void> {
  const answer = await calls.send<{ runId: string }>(command, argument);
  const runId = (argument as Partial<Target>).runId ?? answer.runId;
  const found = store.all.filter((one) => one.runId === runId);
  for (const one of found) store.put(one);
}

async function decideFile(context: Context, command: "acceptAll" | "rejectAll"): Promise<void> {
  const editor = vscode.window.activeTextEditor;
  const found = editor === undefined ? [] : context.marks.of(editor.document);
  const runs = [...new Set(found.map((one) => one.run))];
  if (editor === undefined || runs.length === 0) {
    void vscode.window.showInformationMessage("Longshift: nothing is pending in this file.");
    throw new Cancelled();
  }
  if (command === "rejectAll") {
    await confirm(
      `Reject ${many(found.length, "hunk")} of this file?`,
      "Each can be taken back with Undo Decision.",
      "Reject",
    );
  }
  for (const one of runs) {
    await decide(context, command, { ...idOf(one), uri: editor.document.uri.toString() });
  }
}

async function chooseDecided({ store }: Context): Promise<Target> {
  const items = store.all.flatMap((one) =>
    one.changes.flatMap((change) =>
      change.files.flatMap((file) =>
        file.hunks
          .filter((hunk) => ["accepted", "rejected", "rework"].includes(hunk.state))
          .map((hunk) => ({
            label: `${file.path}:${hunk.range.start.line + 1}`,
            description: `${hunk.state} · ${one.runId} ${change.id}`,
            detail: change.title,
            target: targetOf({ run: one, change, file, hunk }),
          })),
      ),
    ),
  );
  return (await choice("Undo which decision?", items)).target;
}

function hasPending(one: { changes: { state: string }[] }): boolean {
  return one.changes.some((change) => change.state === "pending");
}

function isTarget(given: unknown): given is Target {
  return typeof given === "object" && given !== null && "runId" in given && "changeId" in given;
}
