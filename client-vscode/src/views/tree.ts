/**
 * The view of runs, tasks, changes and hunks.
 *
 * Owns the view; what stands in it is the store's, and what a tick does is the server's to decide.
 */

import * as vscode from "vscode";
import { counts, targetOf } from "../runs/hunks";
import type { RunStore } from "../runs/store";
import type { Calls } from "../server/calls";
import { childrenOf, type Node, parentOf } from "./nodes";
import { row } from "./rows";

export const VIEW = "longshift.runs";

export class RunsTree implements vscode.TreeDataProvider<Node>, vscode.Disposable {
  private readonly changed = new vscode.EventEmitter<undefined>();
  readonly onDidChangeTreeData = this.changed.event;
  readonly view: vscode.TreeView<Node>;
  private readonly subscriptions: vscode.Disposable[];

  constructor(
    private readonly store: RunStore,
    private readonly calls: Calls,
  ) {
    this.view = vscode.window.createTreeView(VIEW, {
      treeDataProvider: this,
      showCollapseAll: true,
      // Whether a box is ticked is what the server says after it was, and nothing before.
      manageCheckboxStateManually: true,
    });
    this.subscriptions = [
      this.view,
      this.changed,
      store.onDidChange(() => this.show()),
      this.view.onDidChangeCheckboxState((event) => void this.tick(event.items)),
    ];
  }

  getTreeItem(node: Node): vscode.TreeItem {
    return row(node);
  }

  getChildren(node?: Node): Node[] {
    if (node !== undefined) return childrenOf(node);
    return this.store.all.map((run) => ({ kind: "run", run }));
  }

  getParent(node: Node): Node | undefined {
    return parentOf(node);
  }

  dispose(): void {
    for (const one of this.subscriptions) one.dispose();
  }

  private show(): void {
    this.changed.fire(undefined);
    const open = this.store.all.reduce((sum, run) => sum + counts(run).open, 0);
    this.view.badge = open > 0 ? { value: open, tooltip: `${open} to review` } : undefined;
  }

  private async tick(items: readonly [Node, vscode.TreeItemCheckboxState][]): Promise<void> {
    for (const [node, state] of items) {
      const target = targetOfNode(node);
      if (target === undefined) continue;
      const isTicked = state === vscode.TreeItemCheckboxState.Checked;
      try {
        await this.calls.send(isTicked ? "acceptChange" : "undoDecision", target);
      } catch {
        // The person was told; the box goes back to what holds.
      }
      this.store.put({ repo: node.run.repo, runId: node.run.runId });
    }
  }
}

/** The argument of a decision on a row. */
export function targetOfNode(node: Node): object | undefined {
  if (node.kind === "hunk") return targetOf(node);
  if (node.kind !== "change") return undefined;
  return { repo: node.run.repo, runId: node.run.runId, changeId: node.change.id };
}
