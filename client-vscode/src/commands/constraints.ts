/** The repository's constraints: add one, look at all, lift one. */

import * as vscode from "vscode";
import type { Constraint } from "../protocol";
import { choice, confirm, words } from "./asking";
import type { Command } from "./context";

/** Add a sentence that every later plan, task and verdict must obey. */
export const addConstraint: Command = async ({ calls }) => {
  const text = await words(
    "Add a Constraint",
    "Every later plan, task and verdict must obey it, until you lift it.",
    "Public functions keep their signatures",
  );
  await calls.send("addConstraint", { text, ...(await whichRepository()) });
};

/** Show all constraints; choosing one offers to lift it. */
export const listConstraints: Command = async ({ calls }) => {
  const { constraints } = await calls.send<{ constraints: Constraint[] }>("listConstraints");
  if (constraints.length === 0) {
    void vscode.window.showInformationMessage("Longshift: there are no constraints.");
    return;
  }
  const items = constraints.map((constraint) => ({
    label: constraint.text,
    description: constraint.constraintId,
    detail: constraint.source === "person" ? "said by you" : `from ${constraint.source}`,
    constraint,
  }));
  const { constraint } = await choice("Constraints: choose one to lift it", items);
  await confirm(
    `Lift ${constraint.constraintId}?`,
    `"${constraint.text}" will hold no longer.`,
    "Lift",
  );
  await calls.send("liftConstraint", {
    constraintId: constraint.constraintId,
    repo: constraint.repo,
  });
};

async function whichRepository(): Promise<object> {
  const folders = (vscode.workspace.workspaceFolders ?? []).filter(
    (folder) => folder.uri.scheme === "file",
  );
  if (folders.length < 2) return {};
  const items = folders.map((folder) => ({ label: folder.name, folder }));
  const { folder } = await choice("In which repository?", items);
  return { repo: folder.uri.toString() };
}
