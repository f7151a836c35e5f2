/** From hunk to hunk, over all files and runs. */

import * as vscode from "vscode";
import { hunksOf, inOrder, isOpen, type Located, step, uriOf } from "../runs/hunks";
import { isNode } from "./asking";
import type { Command, Context } from "./context";

export const nextHunk: Command = (context) => move(context, 1);
export const previousHunk: Command = (context) => move(context, -1);

/** Show the hunk of a row where it stands in the person's text. */
export const openHunk: Command = async (_, given) => {
  if (isNode(given) && given.kind === "hunk") await show(given);
};

async function move({ store }: Context, direction: 1 | -1): Promise<void> {
  const ordered = inOrder([...hunksOf(store.all)].filter(isOpen));
  const editor = vscode.window.activeTextEditor;
  const here = editor && {
    uri: editor.document.uri.toString(),
    line: editor.selection.active.line,
  };
  const next = step(ordered, here, direction);
  if (next !== undefined) await show(next);
  else void vscode.window.setStatusBarMessage("Longshift: nothing is left to review", 4000);
}

async function show(located: Located): Promise<void> {
  const uri = vscode.Uri.parse(uriOf(located));
  if (located.file.kind === "create" && located.hunk.state !== "accepted") {
    await vscode.commands.executeCommand("longshift.ui.diffHunk", { kind: "hunk", ...located });
    return;
  }
  const line = located.hunk.range.start.line;
  const editor = await vscode.window.showTextDocument(uri, {
    selection: new vscode.Range(line, 0, line, 0),
  });
  editor.revealRange(
    new vscode.Range(line, 0, located.hunk.range.end.line, 0),
    vscode.TextEditorRevealType.InCenterIfOutsideViewport,
  );
}
