/**
 * The runs of this window's repositories, as the server last described them.
 *
 * Owns when they are asked for: all at once when a server starts, then each that changed, at most
 * once in `INTERVAL_MS`. Never changes one by itself.
 */

import * as vscode from "vscode";
import { RUN_DID_CHANGE, type Run, type RunUpdate } from "../protocol";
import type { Calls } from "../server/calls";
import type { ServerState } from "../server/state";

const INTERVAL_MS = 200;

export class RunStore implements vscode.Disposable {
  private readonly runs = new Map<string, Run>();
  private readonly waiting = new Map<string, RunUpdate>();
  private readonly changed = new vscode.EventEmitter<void>();
  readonly onDidChange = this.changed.event;
  private timer: NodeJS.Timeout | undefined;
  private subscription: vscode.Disposable | undefined;
  private generation = 0;

  constructor(private readonly calls: Calls) {}

  /** Newest first. */
  get all(): readonly Run[] {
    return [...this.runs.values()].sort((a, b) => number(b) - number(a));
  }

  get(repo: string, runId: string): Run | undefined {
    return this.runs.get(key({ repo, runId }));
  }

  /** Follow a server that has started, or forget what one said that is gone. */
  async follow(state: ServerState): Promise<void> {
    this.generation += 1;
    this.subscription?.dispose();
    this.subscription = undefined;
    if (state.kind !== "running") {
      this.waiting.clear();
      // While it starts again the last known runs stay: they are not gone.
      if (state.kind !== "waiting" && state.kind !== "starting") this.clear();
      return;
    }
    this.subscription = state.client.onNotification(RUN_DID_CHANGE, (update: RunUpdate) =>
      this.put(update),
    );
    await this.refresh();
  }

  /** Ask for all of them. */
  async refresh(): Promise<void> {
    const { generation } = this;
    const listed = await this.calls.ask<{ runs: Run[] }>("listRuns");
    if (listed === undefined || generation !== this.generation) return;
    this.runs.clear();
    for (const run of listed.runs) this.runs.set(key(run), run);
    this.changed.fire();
  }

  /** Ask again for runs with hunks that wait: the person has typed, and they may have moved. */
  moved(): void {
    for (const run of this.runs.values()) {
      if (run.changes.some((one) => one.state === "pending" || one.state === "stale"))
        this.put(run);
    }
  }

  /** Ask again for one. */
  put(update: RunUpdate): void {
    this.waiting.set(key(update), { repo: update.repo, runId: update.runId });
    this.timer ??= setTimeout(() => void this.describe(), INTERVAL_MS);
  }

  dispose(): void {
    clearTimeout(this.timer);
    this.subscription?.dispose();
    this.changed.dispose();
  }

  private async describe(): Promise<void> {
    const asked = [...this.waiting.values()];
    this.waiting.clear();
    const { generation } = this;
    for (const update of asked) {
      const run = await this.calls.ask<Run>("describeRun", update);
      if (generation !== this.generation) break;
      if (run === undefined) this.runs.delete(key(update));
      else this.runs.set(key(update), { ...run, repo: update.repo });
    }
    this.timer =
      this.waiting.size > 0 ? setTimeout(() => void this.describe(), INTERVAL_MS) : undefined;
    this.changed.fire();
  }

  private clear(): void {
    this.runs.clear();
    this.changed.fire();
  }
}

function key(run: RunUpdate): string {
  return `${run.repo} ${run.runId}`;
}

function number(run: Run): number {
  return Number(/\d+$/.exec(run.runId)?.[0] ?? 0);
}
