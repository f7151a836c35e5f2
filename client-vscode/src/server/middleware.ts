/**
 * The server's lenses and actions, with the editor's own means where those say more: its native
 * diff in place of a text, and an input box for the words of a rejection or a rework.
 *
 * Owns nothing else of them: the server decides what is offered, and where.
 */

import * as vscode from "vscode";
import type { Middleware } from "vscode-languageclient/node";
import type { CommandName } from "../protocol";
import { serverSettings } from "../setup/settings";

/** By what the server calls it; a command that it does not have is none here. */
type ByCommand = Readonly<Partial<Record<`longshift.${CommandName}`, string>>>;

/** A server's command, and ours that does the same with the editor's own means. */
const OWN: ByCommand = {
  "longshift.showChange": "longshift.ui.diffChange",
  "longshift.rejectChange": "longshift.ui.rejectHunk",
  "longshift.reworkChange": "longshift.ui.reworkHunk",
  "longshift.explainChange": "longshift.ui.explainChange",
};
const ICONS: ByCommand = {
  "longshift.acceptChange": "$(check)",
  "longshift.rejectChange": "$(close)",
  "longshift.reworkChange": "$(edit)",
  "longshift.showChange": "$(diff)",
  "longshift.explainChange": "$(question)",
  "longshift.explainFinding": "$(warning)",
};

/** What stands between server and editor. */
export function middleware(): Middleware {
  return {
    async provideCodeLenses(document, token, next) {
      const lenses = await next(document, token);
      for (const lens of lenses ?? []) {
        if (lens.command !== undefined) lens.command = adapted(lens.command, true);
      }
      return lenses;
    },
    async provideCodeActions(document, range, context, token, next) {
      const actions = await next(document, range, context, token);
      for (const action of actions ?? []) {
        if (action instanceof vscode.CodeAction && action.command !== undefined) {
          action.command = adapted(action.command, false);
        }
      }
      return actions;
    },
    workspace: {
      configuration: (params) =>
        params.items.map((item) =>
          item.section === "longshift"
            ? serverSettings(item.scopeUri ? vscode.Uri.parse(item.scopeUri) : undefined)
            : null,
        ),
    },
  };
}

function adapted(command: vscode.Command, withIcon: boolean): vscode.Command {
  const name = command.command as keyof ByCommand; // any other is found in neither
  const icon = withIcon ? ICONS[name] : undefined;
  const title = icon === undefined ? command.title : `${icon}\u00a0${command.title}`;
  return { ...command, title, command: OWN[name] ?? command.command };
}
