/**
 * The server's lenses and actions, with the editor's own means where those say more: its native
 * diff in place of a text, and an input box for the words of a rejection or a rework.
 *
 * Owns nothing else of them: the server decides what is offered, and where.
 */

import * as vscode from "vscode";
import type { Middleware } from "vscode-languageclient/node";
import { serverSettings } from "../setup/settings";

/** A server's command, and ours that does the same with the editor's own means. */
const OWN: Readonly<Record<string, string>> = {
  "longshift.showChange": "longshift.ui.diffChange",
  "longshift.rejectChange": "longshift.ui.rejectHunk",
  "longshift.reworkChange": "longshift.ui.reworkHunk",
  "longshift.explainChange": "longshift.ui.explainChange",
};
const ICONS: Readonly<Record<string, string>> = {
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
  const icon = withIcon ? ICONS[command.command] : undefined;
  const title = icon === undefined ? command.title : `${icon}\u00a0${command.title}`;
  return { ...command, title, command: OWN[command.command] ?? command.command };
}
