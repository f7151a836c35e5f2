/**
 * Questions to the person: words, a choice, a run.
 *
 * Owns `Cancelled`: a question that is escaped from ends its command, and nothing was done.
 */

import * as vscode from "vscode";
import type { Run } from "../protocol";
import type { RunStore } from "../runs/store";
import { oneLine, summary } from "../runs/words";
import type { Node } from "../views/nodes";

/** The person changed their mind. */
export class Cancelled extends Error {}

/** Ask for words; `optional`: none will do. */
export async function words(
  title: string,
  prompt: string,
  placeHolder: string,
  options: { optional?: boolean; value?: string } = {},
): Promise<string> {
  const said = await vscode.window.showInputBox({
    title,
    prompt,
    placeHolder,
    ignoreFocusOut: true,
    value: options.value ?? "",
    ...(options.optional
      ? {}
      : { validateInput: (text: string) => (text.trim() === "" ? "Say something." : null) }),
  });
  if (said === undefined) throw new Cancelled();
  return said.trim();
}

/** Ask for one of several. */
export async function choice<Item extends vscode.QuickPickItem>(
  title: string,
  items: readonly Item[],
): Promise<Item> {
  const chosen = await vscode.window.showQuickPick([...items], {
    title,
    ignoreFocusOut: true,
    matchOnDescription: true,
    matchOnDetail: true,
  });
  if (chosen === undefined) throw new Cancelled();
  return chosen;
}

/** Ask before something that can't be taken back. */
export async function confirm(question: string, detail: string, yes: string): Promise<void> {
  const said = await vscode.window.showWarningMessage(question, { modal: true, detail }, yes);
  if (said !== yes) throw new Cancelled();
}

/** The run that is meant: of the row, else the only one that fits, else by asking. */
export async function run(
  store: RunStore,
  given: unknown,
  title: string,
  fits: (run: Run) => boolean = () => true,
): Promise<Run> {
  if (isNode(given)) return store.get(given.run.repo, given.run.runId) ?? given.run;
  const fitting = store.all.filter(fits);
  const [only] = fitting;
  if (only === undefined) {
    void vscode.window.showInformationMessage(`Longshift: there is no run to do this with.`);
    throw new Cancelled();
  }
  if (fitting.length === 1) return only;
  const items = fitting.map((one) => ({
    label: `${one.runId}: ${oneLine(one.goal)}`,
    description: summary(one),
    detail: oneLine(decodeURIComponent(one.repo)),
    run: one,
  }));
  return (await choice(title, items)).run;
}

/** Whether an argument is a row of the tree. */
export function isNode(given: unknown): given is Node {
  return typeof given === "object" && given !== null && "kind" in given && "run" in given;
}
