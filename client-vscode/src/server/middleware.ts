/**
 * The server's lenses and actions, with the editor's own means where those say more: its native
 * diff in place of a text, and an input box for the words of a rejection or a rework.
 *
 * Owns nothing else of them: the server decides what is offered, and where. And findings of a
 * proposed text, which a diff shows, are shown no longer than it is: a list of problems would have
 * each twice.
 */

import * as vscode from "vscode";
import type { Middleware, vsdiag } from "vscode-languageclient/node";
import { type CommandName, SCHEME } from "../protocol";
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

const NOTHING = {
  kind: "full" as vsdiag.DocumentDiagnosticReportKind.full,
  items: [],
  version: null,
};

/** What stands between server and editor. */
export function middleware(): Middleware {
  const proposed = new Map<string, vscode.Uri>();
  return {
    provideDiagnostics(document, previousResultId, token, next) {
      const uri = document instanceof vscode.Uri ? document : document.uri;
      if (uri.scheme === SCHEME) proposed.set(uri.toString(), uri);
      return next(document, previousResultId, token);
    },
    provideWorkspaceDiagnostics(resultIds, token, report, next) {
      return next(resultIds, token, (chunk) => {
        if (chunk === null) return report(chunk);
        const items = chunk.items.filter((one) => one.uri.scheme !== SCHEME);
        // What is looked at is pulled for itself, and this does not count for it.
        const gone = [...proposed.values()].map((uri) => ({ ...NOTHING, uri }));
        return report({ items: [...items, ...gone] });
      });
    },
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
