/**
 * Where the editor comes in: puts the parts together, starts the server, and lets go of all.
 *
 * Owns no behaviour. No telemetry: nothing is sent anywhere but to the server.
 */

import { readdirSync } from "node:fs";
import * as vscode from "vscode";
import type { Context } from "./commands/context";
import { registerCommands } from "./commands/table";
import { RunStore } from "./runs/store";
import { Calls } from "./server/calls";
import { bundledIn, Lifecycle } from "./server/lifecycle";
import { type Machine, realMachine } from "./setup/machine";
import { findServer, type Wishes } from "./setup/server";
import { Marks } from "./views/marks";
import { StatusItem } from "./views/status";
import { RunsTree } from "./views/tree";

declare global {
  /** When the bundle began to be read, by the banner that the build puts before it. */
  var longshiftLoadedAt: number | undefined;
}

/** What the tests of the extension look at; no promise to other extensions. */
export interface Api extends Context {
  status: StatusItem;
  /** Reading the bundle, and then `activate`; the server starts behind it. */
  activationMs: number;
  findServer: typeof findServer;
  machine: Machine;
}

const loadingMs = performance.now() - (globalThis.longshiftLoadedAt ?? performance.now());
let lifecycle: Lifecycle | undefined;

export function activate(extension: vscode.ExtensionContext): Api {
  const begunAt = performance.now();
  const log = vscode.window.createOutputChannel("Longshift", { log: true });
  const machine = realMachine(extension.extensionPath);
  lifecycle = new Lifecycle(machine, () => wishes(extension), log);
  const calls = new Calls(lifecycle);
  const store = new RunStore(calls);
  const tree = new RunsTree(store, calls);
  const marks = new Marks(store, vscode.Uri.joinPath(extension.extensionUri, "media"));
  const status = new StatusItem(store);
  const context: Context = { calls, lifecycle, store, tree, marks, log };
  extension.subscriptions.push(
    log,
    lifecycle,
    store,
    tree,
    marks,
    status,
    registerCommands(context),
    lifecycle.onDidChange((state) => {
      status.become(state);
      void store.follow(state);
    }),
    ...restarts(lifecycle),
  );
  // Behind the editor's own start: the server is found and loaded while the person looks around.
  void lifecycle.start();
  const activationMs = loadingMs + performance.now() - begunAt;
  return { ...context, status, activationMs, findServer, machine };
}

export async function deactivate(): Promise<void> {
  await lifecycle?.stop();
}

/** What starts the server again: trust, other folders, another way to find it. */
function restarts(of: Lifecycle): vscode.Disposable[] {
  return [
    vscode.workspace.onDidGrantWorkspaceTrust(() => void of.start()),
    vscode.workspace.onDidChangeWorkspaceFolders(() => {
      if (of.state.kind !== "running") void of.start();
    }),
    vscode.workspace.onDidChangeConfiguration((event) => {
      const keys = ["longshift.server", "longshift.python"];
      if (keys.some((key) => event.affectsConfiguration(key))) void of.start();
    }),
  ];
}

function wishes(extension: vscode.ExtensionContext): Wishes {
  const config = vscode.workspace.getConfiguration("longshift");
  return {
    command: config.get<string[]>("server.command") ?? [],
    python: config.get<string>("python") ?? "",
    pythonExtension,
    bundled: bundledIn(extension, filesIn(vscode.Uri.joinPath(extension.extensionUri, "bundled"))),
    installing: (work) =>
      vscode.window.withProgress(
        {
          location: vscode.ProgressLocation.Notification,
          title: "Longshift: installing its server, once; this takes about a minute",
        },
        work,
      ),
    version: (extension.extension.packageJSON as { version: string }).version,
  };
}

function filesIn(folder: vscode.Uri): string[] {
  try {
    return readdirSync(folder.fsPath);
  } catch {
    return []; // a package without a server of its own
  }
}

/** The interpreter that the Python extension has chosen, where it is there. */
async function pythonExtension(): Promise<string | undefined> {
  const found = vscode.extensions.getExtension("ms-python.python");
  if (found === undefined) return undefined;
  try {
    const api = (await found.activate()) as {
      environments?: {
        getActiveEnvironmentPath(scope?: vscode.Uri): { path: string };
        resolveEnvironment(
          path: unknown,
        ): Promise<{ executable: { uri?: vscode.Uri } } | undefined>;
      };
    };
    const scope = vscode.workspace.workspaceFolders?.[0]?.uri;
    const chosen = api.environments?.getActiveEnvironmentPath(scope);
    const resolved = await api.environments?.resolveEnvironment(chosen);
    return resolved?.executable.uri?.fsPath;
  } catch {
    return undefined; // its trouble is not ours; the PATH is next
  }
}
