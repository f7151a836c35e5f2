/** What commands have at hand. */

import type * as vscode from "vscode";
import type { RunStore } from "../runs/store";
import type { Calls } from "../server/calls";
import type { Lifecycle } from "../server/lifecycle";
import type { Marks } from "../views/marks";
import type { RunsTree } from "../views/tree";

export interface Context {
  calls: Calls;
  lifecycle: Lifecycle;
  store: RunStore;
  tree: RunsTree;
  marks: Marks;
  log: vscode.LogOutputChannel;
}

/** `given`: the row, or the argument of a lens or an action; undefined from the palette. */
export type Command = (context: Context, given?: unknown) => Promise<unknown>;
