/**
 * From a goal to decided hunks, in order: each test goes on where the one before stopped. The
 * script of the model and the files are in tests/editors/conftest.py.
 */

import assert from "node:assert/strict";
import * as vscode from "vscode";
import { childrenOf, type Node } from "../src/views/nodes";
import {
  accept,
  actions,
  becomes,
  extension,
  FILE,
  fileOf,
  hunk,
  running,
  type Tests,
  until,
} from "./support";

const config = () => vscode.workspace.getConfiguration("longshift");
const Global = vscode.ConfigurationTarget.Global;

/** Press Enter in the input box that a command opens, until the command ends. */
async function enter(command: Thenable<unknown>): Promise<void> {
  let isDone = false;
  const ended = Promise.resolve(command).finally(() => {
    isDone = true;
  });
  while (!isDone) {
    await vscode.commands.executeCommand("workbench.action.acceptSelectedQuickOpenItem");
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  await ended;
}

async function setCommand(command: string[] | undefined): Promise<void> {
  await config().update("server.command", command, Global);
}

let given: string[] = [];

export const journey: Tests = {
  async "a goal becomes a run with tasks, changes and hunks in the tree"() {
    const api = await extension();
    console.log(`activation: ${api.activationMs.toFixed(0)} ms of its own`);
    given = config().get<string[]>("server.command") ?? [];
    await running(api);
    const words = new Set<string>();
    const following = api.store.onDidChange(() => words.add(api.status.text));
    await vscode.window.showTextDocument(fileOf(FILE));
    await vscode.commands.executeCommand("longshift.ui.startGoal", { goal: "Make it sturdy" });
    await until("the run has ended", () => api.store.all[0]?.state === "ended");
    following.dispose();
    assert.ok(
      [...words].some((text) => text.includes("sync~spin")),
      `the status bar told of the run: ${[...words]}`,
    );
    const shape = (node: Node): unknown => [node.kind, childrenOf(node).map(shape)];
    const [run] = api.tree.getChildren();
    assert.ok(run !== undefined);
    const hunks = [1, 2, 3].map(() => ["hunk", []]);
    assert.deepEqual(shape(run), ["run", [["task", [["change", hunks]]]]]);
    assert.equal(api.tree.view.badge?.value, 3);
  },
  async "a hunk is accepted by its code action"() {
    const api = await extension();
    await accept(api, 1);
    const document = await vscode.workspace.openTextDocument(fileOf(FILE));
    assert.match(document.getText(), /TIMEOUT_S = 10/);
    assert.ok(document.isDirty, "the person saves it, nobody else");
  },
  async "a hunk is rejected by its code action, which asks for words"() {
    const api = await extension();
    const line = hunk(api, 2)?.hunk.range.start.line ?? -1;
    const [reject] = await actions("quickfix.longshift.reject", line);
    assert.equal(reject?.command?.command, "longshift.ui.rejectHunk");
    await enter(
      vscode.commands.executeCommand(
        "longshift.ui.rejectHunk",
        ...(reject?.command?.arguments ?? []),
      ),
    );
    await becomes(api, 2, "rejected");
  },
  async "findings stand among the problems"() {
    const [problem] = await until("a problem of ours", () => {
      const found = vscode.languages
        .getDiagnostics(fileOf(FILE))
        .filter((one) => one.source === "longshift");
      return found.length > 0 ? found : undefined;
    });
    assert.match(problem?.message ?? "", /retries for ever/);
  },
  async "a server that is killed comes back, and nothing is lost"() {
    const api = await extension();
    const before = await running(api);
    process.kill(before, "SIGKILL");
    await until("it is gone", () => api.lifecycle.state.kind !== "running");
    const after = await running(api);
    assert.notEqual(after, before);
    await until("its runs are known", () => hunk(api, 3)?.hunk.state === "pending");
    await becomes(api, 1, "accepted");
    await becomes(api, 2, "rejected");
  },
  async "the keyboard goes to the next hunk and accepts it"() {
    const api = await extension();
    const editor = await vscode.window.showTextDocument(fileOf(FILE));
    editor.selection = new vscode.Selection(0, 0, 0, 0);
    await vscode.commands.executeCommand("longshift.ui.nextHunk");
    const place = hunk(api, 3)?.hunk.range.start.line;
    assert.equal(vscode.window.activeTextEditor?.selection.active.line, place);
    await vscode.commands.executeCommand("longshift.ui.acceptHunk");
    await becomes(api, 3, "accepted");
    assert.match(editor.document.getText(), /return body/);
  },
  async "a decision is taken back from the tree"() {
    const api = await extension();
    const found = hunk(api, 3);
    await vscode.commands.executeCommand("longshift.ui.undoDecision", { kind: "hunk", ...found });
    await becomes(api, 3, "pending");
  },
  async "base stands against proposed in the native diff, a run in the multi-file diff"() {
    const api = await extension();
    await vscode.commands.executeCommand("longshift.ui.diffHunk", {
      kind: "hunk",
      ...hunk(api, 3),
    });
    const input = await until("a diff", () => {
      const tab = vscode.window.tabGroups.activeTabGroup.activeTab;
      return tab?.input instanceof vscode.TabInputTextDiff ? tab.input : undefined;
    });
    const [before, after] = await Promise.all(
      [input.original, input.modified].map((uri) => vscode.workspace.openTextDocument(uri)),
    );
    assert.match(before?.getText() ?? "", /TIMEOUT_S = None/);
    assert.match(after?.getText() ?? "", /TIMEOUT_S = 10/);
    await vscode.commands.executeCommand("longshift.ui.diffRun");
    await until("a diff of the run", () =>
      vscode.window.tabGroups.activeTabGroup.activeTab?.label.startsWith("R1: Make it sturdy"),
    );
  },
  async "a command that is no program is named, and the way on works"() {
    const api = await extension();
    await running(api);
    await setCommand(["no-such-longshift", "serve"]);
    await until("it is told", () => api.lifecycle.state.kind === "stopped");
    assert.match(api.lifecycle.said.at(-1) ?? "", /"no-such-longshift", which is no program/);
    await setCommand(given);
    await running(api);
  },
  async "a server of another version is told of, and used"() {
    const api = await extension();
    const [program = ""] = given;
    const lie =
      "import sys, longshift; longshift.__version__ = '9.9.0'; sys.argv = ['longshift', 'serve'];" +
      "from longshift.cli.main import main; main()";
    await setCommand([program.replace(/longshift$/, "python"), "-c", lie]);
    await until("it is told", () => api.lifecycle.said.at(-1)?.includes("version 9.9.0"));
    await running(api);
  },
  async "a server that crashes again and again is given up, in words"() {
    const api = await extension();
    await setCommand(["false"]);
    await until("it is given up", () =>
      api.lifecycle.said.at(-1)?.includes("ended 6 times within 3 minutes"),
    );
    assert.equal(api.lifecycle.state.kind, "stopped");
    await setCommand(given);
    await running(api);
  },
};
