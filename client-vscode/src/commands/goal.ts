/** `startGoal`: a goal in words, and how far it reaches. */

import * as vscode from "vscode";
import { choice, words } from "./asking";
import type { Command, Context } from "./context";

interface Scope extends vscode.QuickPickItem {
  argument: object;
}

/** Ask for a goal and its scope, and start it. Given `{goal, …}` by a program, it asks nothing. */
export const startGoal: Command = async (context, given) => {
  if (isGoal(given)) return start(context, given);
  context.calls.require();
  const goal = await askGoal();
  const scopes = [...folders(), ...ofFile()];
  const only = scopes.length === 1 ? scopes[0] : undefined;
  const { argument } = only ?? (await choice("How far may it reach?", scopes));
  return start(context, { goal, ...argument });
};

/** The same for the selection, without the question how far it reaches. */
export const startGoalHere: Command = async (context) => {
  context.calls.require();
  const goal = await askGoal();
  const editor = vscode.window.activeTextEditor;
  const argument = editor?.document.uri.scheme === "file" ? selection(editor) : {};
  return start(context, { goal, ...argument });
};

function askGoal(): Promise<string> {
  return words(
    "Start a Goal",
    "What should be true once the crew is done? Your files stay as they are until you accept.",
    "Add retries with back-off to every HTTP call, with tests",
  );
}

async function start(context: Context, argument: object): Promise<{ runId: string; repo: string }> {
  const started = await context.calls.send<{ runId: string; repo: string }>("startGoal", argument);
  context.store.put(started);
  await vscode.commands.executeCommand("longshift.runs.focus");
  return started;
}

function folders(): Scope[] {
  const all = (vscode.workspace.workspaceFolders ?? []).filter((one) => one.uri.scheme === "file");
  const several = all.length > 1;
  return all.map((folder) => ({
    label: `$(repo) ${several ? folder.name : "The whole repository"}`,
    description: several ? "the whole repository" : folder.name,
    argument: several ? { repo: folder.uri.toString() } : {},
  }));
}

function ofFile(): Scope[] {
  const editor = vscode.window.activeTextEditor;
  if (editor === undefined || editor.document.uri.scheme !== "file") return [];
  const name = vscode.workspace.asRelativePath(editor.document.uri);
  const found: Scope[] = [
    {
      label: "$(file) This file alone",
      description: name,
      argument: { uri: editor.document.uri.toString() },
    },
  ];
  if (!editor.selection.isEmpty) {
    const { start: from, end } = editor.selection;
    found.push({
      label: "$(selection) The selection",
      description: `${name}:${from.line + 1}–${end.line + 1}`,
      argument: selection(editor),
    });
  }
  return found;
}

function selection(editor: vscode.TextEditor): object {
  const { start: from, end } = editor.selection;
  return {
    uri: editor.document.uri.toString(),
    range: {
      start: { line: from.line, character: from.character },
      end: { line: end.line, character: end.character },
    },
  };
}

function isGoal(given: unknown): given is { goal: string } {
  return typeof given === "object" && given !== null && "goal" in given;
}
