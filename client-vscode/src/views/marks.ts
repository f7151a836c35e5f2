/**
 * Pending hunks in the text: a bar in the margin, a tint, a mark in the overview ruler, and the
 * context keys that keys and menus go by.
 *
 * Owns nothing that stays: all of it is drawn anew from the store.
 */

import * as vscode from "vscode";
import { at, hunksOf, inOrder, isOpen, type Located, uriOf } from "../runs/hunks";
import type { RunStore } from "../runs/store";
import { lines, oneLine } from "../runs/words";

const SETTLED_MS = 300;

export class Marks implements vscode.Disposable {
  private readonly pending: vscode.TextEditorDecorationType;
  private readonly stale: vscode.TextEditorDecorationType;
  private readonly subscriptions: vscode.Disposable[];
  private timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly store: RunStore,
    media: vscode.Uri,
  ) {
    this.pending = decoration("longshift.pendingHunk", vscode.Uri.joinPath(media, "pending.svg"));
    this.stale = decoration("longshift.staleHunk", vscode.Uri.joinPath(media, "stale.svg"));
    this.subscriptions = [
      this.pending,
      this.stale,
      store.onDidChange(() => this.draw()),
      vscode.window.onDidChangeVisibleTextEditors(() => this.draw()),
      vscode.window.onDidChangeActiveTextEditor(() => this.context()),
      vscode.window.onDidChangeTextEditorSelection(() => this.context()),
      vscode.workspace.onDidChangeTextDocument((event) => this.typed(event.document)),
    ];
  }

  /** The hunks of a document that wait, in order of place. */
  of(document: vscode.TextDocument): Located[] {
    const uri = document.uri.toString();
    return inOrder(
      [...hunksOf(this.store.all)].filter(
        (one) => isOpen(one) && vscode.Uri.parse(uriOf(one)).toString() === uri,
      ),
    );
  }

  dispose(): void {
    clearTimeout(this.timer);
    for (const one of this.subscriptions) one.dispose();
  }

  private draw(): void {
    for (const editor of vscode.window.visibleTextEditors) {
      const found = this.of(editor.document);
      for (const [type, state] of [
        [this.pending, "pending"],
        [this.stale, "stale"],
      ] as const) {
        editor.setDecorations(
          type,
          found.filter((one) => one.hunk.state === state).map((one) => mark(one, editor.document)),
        );
      }
    }
    this.context();
  }

  private context(): void {
    const editor = vscode.window.activeTextEditor;
    const found = editor === undefined ? [] : this.of(editor.document);
    const here = editor && at(found, editor.selection.active.line);
    set("longshift.atPendingHunk", here !== undefined);
    set("longshift.fileHasPending", found.length > 0);
    set("longshift.hasPending", [...hunksOf(this.store.all)].some(isOpen));
  }

  private typed(document: vscode.TextDocument): void {
    if (document.uri.scheme !== "file") return;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.store.moved(), SETTLED_MS);
  }
}

function decoration(color: string, gutter: vscode.Uri): vscode.TextEditorDecorationType {
  return vscode.window.createTextEditorDecorationType({
    isWholeLine: true,
    gutterIconPath: gutter,
    gutterIconSize: "contain",
    backgroundColor: new vscode.ThemeColor("longshift.pendingHunkBackground"),
    overviewRulerColor: new vscode.ThemeColor(color),
    overviewRulerLane: vscode.OverviewRulerLane.Left,
    rangeBehavior: vscode.DecorationRangeBehavior.ClosedClosed,
  });
}

function mark(one: Located, document: vscode.TextDocument): vscode.DecorationOptions {
  const { range } = one.hunk;
  const first = Math.min(range.start.line, document.lineCount - 1);
  const last = Math.min(Math.max(range.end.line - 1, first), document.lineCount - 1);
  const hover = new vscode.MarkdownString("", true);
  hover.appendText(
    `${one.run.runId} ${one.change.id}: ${oneLine(one.change.title)} (${lines(one.hunk)})`,
  );
  if (one.hunk.reason !== "") hover.appendText(`\n${one.hunk.reason}`);
  return { range: new vscode.Range(first, 0, last, 0), hoverMessage: hover };
}

const known = new Map<string, boolean>();

function set(name: string, value: boolean): void {
  if (known.get(name) === value) return;
  known.set(name, value);
  void vscode.commands.executeCommand("setContext", name, value);
}
