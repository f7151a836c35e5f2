/** How a row of the tree looks: words, icon, check box, and what its menu is chosen by. */

import * as vscode from "vscode";
import type { HunkState, Run, Task } from "../protocol";
import { counts, pathNow } from "../runs/hunks";
import { cost, lines, many, oneLine, stateOf, summary } from "../runs/words";
import { childrenOf, idOf, type Node } from "./nodes";

const BLUE = "charts.blue";
const GREEN = "charts.green";
const RED = "charts.red";
const YELLOW = "charts.yellow";
const HUNKS: Readonly<Record<HunkState, [icon: string, color: string | undefined]>> = {
  pending: ["circle-outline", BLUE],
  accepted: ["pass-filled", GREEN],
  rejected: ["circle-slash", RED],
  rework: ["edit", YELLOW],
  stale: ["warning", YELLOW],
  superseded: ["circle-outline", undefined],
};
const TASKS: Readonly<Record<Task["state"], [icon: string, color: string | undefined]>> = {
  waiting: ["watch", undefined],
  running: ["loading~spin", BLUE],
  landed: ["pass", GREEN],
  failed: ["error", RED],
  dropped: ["circle-slash", undefined],
};

/** The row of a node. */
export function row(node: Node): vscode.TreeItem {
  const hasChildren = childrenOf(node).length > 0;
  const item = new vscode.TreeItem("", folded(node, hasChildren));
  // A row that gets its first children is another one: the editor keeps what it knew of the old.
  item.id = hasChildren ? idOf(node) : `${idOf(node)} alone`;
  fill(item, node);
  return item;
}

function folded(node: Node, hasChildren: boolean): vscode.TreeItemCollapsibleState {
  if (!hasChildren) return vscode.TreeItemCollapsibleState.None;
  const isShut = node.kind === "run" && node.run.state === "ended" && counts(node.run).open === 0;
  return isShut
    ? vscode.TreeItemCollapsibleState.Collapsed
    : vscode.TreeItemCollapsibleState.Expanded;
}

function fill(item: vscode.TreeItem, node: Node): void {
  switch (node.kind) {
    case "run":
      fillRun(item, node.run);
      return;
    case "question":
      item.label = oneLine(node.question.question);
      item.iconPath = icon("question", YELLOW);
      item.contextValue = "question";
      item.command = command("answerQuestion", "Answer", node);
      return;
    case "task":
      fillTask(item, node.task);
      return;
    case "change":
      item.label = oneLine(node.change.title);
      item.description = `${node.change.id} · ${many(childrenOf(node).length, "hunk")}`;
      item.iconPath = icon("git-commit", HUNKS[node.change.state][1]);
      item.contextValue = `change:${node.change.state}`;
      check(item, node.change.state);
      return;
    case "hunk":
      fillHunk(item, node);
      return;
  }
}

/** Where there are several, the run's repository: each has an R1. */
function repository(run: Run): string[] {
  const several = (vscode.workspace.workspaceFolders ?? []).length > 1;
  const name = decodeURIComponent(run.repo.replace(/\/$/, "").split("/").at(-1) ?? "");
  return several ? [oneLine(name, 30)] : [];
}

function fillRun(item: vscode.TreeItem, run: Run): void {
  item.label = oneLine(run.goal);
  item.description = [...repository(run), run.runId, summary(run)].join(" · ");
  item.iconPath = runIcon(run);
  const { open } = counts(run);
  item.contextValue = `run:${run.state}${open > 0 ? ":pending" : ""}`;
  const findings = run.findings.filter((one) => one.state === "open").length;
  const told = [
    run.goal,
    `${run.runId}: ${stateOf(run)}, cycle ${run.cycle}${run.reason ? `. ${run.reason}` : ""}`,
    `${many(open, "hunk")} to review, ${many(findings, "finding")}`,
    cost(run.usage),
  ];
  item.tooltip = told.filter((line) => line !== "").join("\n");
}

function runIcon(run: Run): vscode.ThemeIcon {
  if (run.state === "running") return icon("loading~spin", BLUE);
  if (run.state === "paused") return icon("debug-pause", YELLOW);
  return run.outcome === "done" ? icon("pass-filled", GREEN) : icon("error", RED);
}

function fillTask(item: vscode.TreeItem, task: Task): void {
  item.label = oneLine(task.title);
  const again = task.attempts > 1 ? ` · attempt ${task.attempts}` : "";
  item.description = `${task.id} · ${task.state}${again}`;
  item.iconPath = icon(...TASKS[task.state]);
  item.contextValue = `task:${task.state}`;
  item.tooltip = [task.title, task.paths.join(", "), task.reason].filter(Boolean).join("\n");
}

function fillHunk(item: vscode.TreeItem, node: Node & { kind: "hunk" }): void {
  const { file, hunk } = node;
  const path = pathNow(node);
  item.label =
    file.kind === "edit" ? `${path}:${hunk.range.start.line + 1}` : `${file.kind} ${file.path}`;
  item.description = `${lines(hunk)}${hunk.state === "pending" ? "" : ` · ${hunk.state}`}`;
  item.iconPath = icon(...HUNKS[hunk.state]);
  item.contextValue = `hunk:${hunk.state}`;
  check(item, hunk.state);
  item.command = command("openHunk", "Open", node);
  const flag = file.flag === null ? "" : `Protected: ${file.flag}`;
  item.tooltip = [`${path}, hunk ${hunk.hunk}: ${hunk.state}`, hunk.reason, flag]
    .filter(Boolean)
    .join("\n");
}

/** A box where ticking it would do something: to accept, or to take that back. */
function check(item: vscode.TreeItem, state: HunkState): void {
  if (state === "accepted") item.checkboxState = vscode.TreeItemCheckboxState.Checked;
  if (state === "pending") item.checkboxState = vscode.TreeItemCheckboxState.Unchecked;
}

function icon(name: string, color?: string): vscode.ThemeIcon {
  return new vscode.ThemeIcon(name, color === undefined ? undefined : new vscode.ThemeColor(color));
}

function command(name: string, title: string, node: Node): vscode.Command {
  return { command: `longshift.ui.${name}`, title, arguments: [node] };
}
