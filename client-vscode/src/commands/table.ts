/**
 * Every command of the extension, under its id without `longshift.ui.`.
 *
 * Owns that a command never ends in an error nobody sees, and that an escaped question is none.
 */

import * as vscode from "vscode";
import { Refused } from "../server/calls";
import { Cancelled } from "./asking";
import { addConstraint, listConstraints } from "./constraints";
import type { Command, Context } from "./context";
import * as control from "./control";
import * as deciding from "./deciding";
import * as diffing from "./diffing";
import { startGoal, startGoalHere } from "./goal";
import * as moving from "./moving";

export const COMMANDS: Readonly<Record<string, Command>> = {
  startGoal,
  startGoalHere,
  showRuns: control.showRuns,
  showRun: control.showRun,
  pauseRun: control.pauseRun,
  resumeRun: control.resumeRun,
  stopRun: control.stopRun,
  steerRun: control.steerRun,
  answerQuestion: control.answerQuestion,
  exportRun: control.exportRun,
  forgetRun: control.forgetRun,
  addConstraint,
  listConstraints,
  nextHunk: moving.nextHunk,
  previousHunk: moving.previousHunk,
  openHunk: moving.openHunk,
  acceptHunk: deciding.acceptHunk,
  rejectHunk: deciding.rejectHunk,
  reworkHunk: deciding.reworkHunk,
  undoDecision: deciding.undoDecision,
  acceptChange: deciding.acceptChange,
  rejectChange: deciding.rejectChange,
  acceptFile: deciding.acceptFile,
  rejectFile: deciding.rejectFile,
  acceptAll: deciding.acceptAll,
  rejectAll: deciding.rejectAll,
  explainChange: deciding.explainChange,
  diffHunk: diffing.diffHunk,
  diffChange: diffing.diffChange,
  diffRun: diffing.diffRun,
  refreshRuns: ({ store }) => store.refresh(),
  showLog: async ({ log }) => log.show(),
  restartServer: ({ lifecycle }) => lifecycle.start(),
};

/** Register all of them. */
export function registerCommands(context: Context): vscode.Disposable {
  return vscode.Disposable.from(
    ...Object.entries(COMMANDS).map(([name, command]) =>
      vscode.commands.registerCommand(`longshift.ui.${name}`, (given: unknown) =>
        guarded(context, name, command, given),
      ),
    ),
  );
}

async function guarded(
  context: Context,
  name: string,
  command: Command,
  given: unknown,
): Promise<unknown> {
  try {
    return await command(context, given);
  } catch (error) {
    if (error instanceof Cancelled || error instanceof Refused) return undefined;
    const message = error instanceof Error ? error.message : String(error);
    context.log.error(`${name}: ${error instanceof Error ? (error.stack ?? message) : message}`);
    void vscode.window.showErrorMessage(`Longshift: ${message}`);
    return undefined;
  }
}
