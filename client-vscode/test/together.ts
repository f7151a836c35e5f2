/**
 * One engine, two editors: what Neovim decides leaves the list here, and the other way round. What
 * Neovim does meanwhile is in tests/editors/neovim/together.lua.
 */

import assert from "node:assert/strict";
import * as vscode from "vscode";
import {
  accept,
  actions,
  becomes,
  extension,
  FILE,
  fileOf,
  hunk,
  running,
  runTests,
  type Tests,
  until,
} from "./support";

const together: Tests = {
  async "a goal becomes three hunks to be decided"() {
    const api = await extension();
    await running(api);
    await vscode.window.showTextDocument(fileOf(FILE));
    await vscode.commands.executeCommand("longshift.ui.startGoal", { goal: "Make it sturdy" });
    await until("all are in the list", () => api.tree.view.badge?.value === 3);
  },
  async "what Neovim accepts leaves the list here"() {
    const api = await extension();
    await becomes(api, 1, "accepted");
    await until("it has left the list", () => api.tree.view.badge?.value === 2);
    const document = await vscode.workspace.openTextDocument(fileOf(FILE));
    await until("what Neovim saved is read", () => /TIMEOUT_S = 10/.test(document.getText()));
    const line = hunk(api, 1)?.hunk.range.start.line ?? -1;
    assert.deepEqual(await actions("quickfix.longshift.accept", line), []);
  },
  async "what is accepted here is decided for Neovim"() {
    const api = await extension();
    await accept(api, 3);
    const document = await vscode.workspace.openTextDocument(fileOf(FILE));
    assert.ok(await document.save());
  },
  async "once Neovim has rejected the last one nothing is left to decide"() {
    const api = await extension();
    await becomes(api, 2, "rejected");
    await until("the list is empty", () => api.tree.view.badge === undefined);
  },
};

/** What VS Code calls. */
export async function run(): Promise<void> {
  await runTests({}, together);
}
