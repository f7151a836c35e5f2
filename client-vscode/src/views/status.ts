/** The entry in the status bar: what the server does, or what the newest live run does. */

import * as vscode from "vscode";
import { counts } from "../runs/hunks";
import type { RunStore } from "../runs/store";
import { many, summary } from "../runs/words";
import type { ServerState } from "../server/state";

const WORDS: Readonly<Record<Exclude<ServerState["kind"], "running">, string>> = {
  restricted: "$(shield) Longshift: restricted",
  noFolder: "$(rocket) Longshift: no folder",
  virtual: "$(warning) Longshift: no disk",
  stopped: "$(error) Longshift: stopped",
  starting: "$(loading~spin) Longshift",
  waiting: "$(loading~spin) Longshift: starting again",
};

export class StatusItem implements vscode.Disposable {
  private readonly item = vscode.window.createStatusBarItem(
    "longshift.status",
    vscode.StatusBarAlignment.Left,
    10,
  );
  private readonly subscription: vscode.Disposable;
  private state: ServerState = { kind: "starting" };

  constructor(private readonly store: RunStore) {
    this.item.name = "Longshift";
    this.subscription = store.onDidChange(() => this.draw());
    this.draw();
    this.item.show();
  }

  get text(): string {
    return this.item.text;
  }

  become(state: ServerState): void {
    this.state = state;
    this.draw();
  }

  dispose(): void {
    this.subscription.dispose();
    this.item.dispose();
  }

  private draw(): void {
    const { item, state } = this;
    item.backgroundColor =
      state.kind === "stopped" ? new vscode.ThemeColor("statusBarItem.errorBackground") : undefined;
    item.command = state.kind === "stopped" ? "longshift.ui.showLog" : "longshift.ui.showRuns";
    if (state.kind !== "running") {
      item.text = WORDS[state.kind];
      item.tooltip = "message" in state ? state.message : "The server is starting.";
      return;
    }
    const runs = this.store.all;
    const live = runs.find((run) => run.state !== "ended");
    const open = runs.reduce((sum, run) => sum + counts(run).open, 0);
    if (live !== undefined) {
      const icon = live.state === "paused" ? "$(debug-pause)" : "$(sync~spin)";
      item.text = `${icon} ${live.runId} ${summary(live)}`;
      item.tooltip = live.goal;
    } else {
      item.text = `$(rocket) Longshift${open > 0 ? `: ${open} to review` : ""}`;
      item.tooltip = open > 0 ? `${many(open, "hunk")} to review` : `Server ${state.version}`;
    }
  }
}
