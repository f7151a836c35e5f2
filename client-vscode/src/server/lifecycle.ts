/**
 * The server's life in this window: found, started, watched, started again, stopped.
 *
 * Owns the one client. Invariants: nothing starts while the workspace is restricted; there is never
 * more than one start under way, and the last wish wins.
 */

import * as path from "node:path";
import * as vscode from "vscode";
import type { LanguageClient, LanguageClientOptions } from "vscode-languageclient/node";
import { SCHEME } from "../protocol";
import type { Machine } from "../setup/machine";
import { findServer, type Wishes } from "../setup/server";
import { isSameVersion } from "../setup/version";
import { obstacle } from "../setup/workspace";
import { Backoff, MOST, WINDOW_MS } from "./backoff";
import { middleware } from "./middleware";
import type { ServerState } from "./state";

const RESTART = "Restart Server";
const LOG = "Show Log";
const SETTINGS = "Open Settings";
const STOP_WITHIN_MS = 5_000;

export class Lifecycle implements vscode.Disposable {
  private readonly changed = new vscode.EventEmitter<ServerState>();
  readonly onDidChange = this.changed.event;
  private current: ServerState = { kind: "starting" };
  private readonly backoff = new Backoff();
  private timer: NodeJS.Timeout | undefined;
  private queue: Promise<void> = Promise.resolve();
  private wish = 0;
  /** The last messages that this side has shown itself, newest last; for the tests. */
  readonly said: string[] = [];

  constructor(
    private readonly machine: Machine,
    private readonly wishes: () => Wishes,
    private readonly log: vscode.LogOutputChannel,
  ) {}

  get state(): ServerState {
    return this.current;
  }

  /** Start or restart; returns once it runs or can't. */
  start(): Promise<void> {
    this.backoff.forget();
    return this.enqueue();
  }

  /** Stop for good. */
  async stop(): Promise<void> {
    this.wish += 1;
    clearTimeout(this.timer);
    await this.queue;
    await this.end();
  }

  dispose(): void {
    clearTimeout(this.timer);
    this.changed.dispose();
  }

  private enqueue(): Promise<void> {
    clearTimeout(this.timer);
    this.wish += 1;
    const mine = this.wish;
    this.queue = this.queue.then(async () => {
      if (mine !== this.wish) return; // another wish came meanwhile, and is served next
      try {
        await this.begin();
      } catch (error) {
        this.log.error(String(error));
        this.fail(`The server did not start: ${short(error)}`);
      }
    });
    return this.queue;
  }

  private async begin(): Promise<void> {
    await this.end();
    const block = obstacle(vscode.workspace.workspaceFolders, vscode.workspace.isTrusted);
    if (block !== undefined) {
      this.become(block);
      return;
    }
    this.become({ kind: "starting" });
    const found = await findServer(this.machine, this.wishes());
    if (found.kind === "missing") {
      this.fail(found.message, SETTINGS);
      return;
    }
    this.log.info(`Starting ${found.command.join(" ")} (${found.how})`);
    const [program = "", ...args] = found.command;
    // Loaded here, so that the editor's own start does not wait for it.
    const library = await import("vscode-languageclient/node");
    const client = new library.LanguageClient(
      "longshift",
      "Longshift",
      { command: program, args, options: { env: { ...process.env, ...found.env } } },
      this.options(library),
    );
    try {
      await client.start();
    } catch (error) {
      if (!client.isRunning()) await this.onClosed(client);
      else throw error;
      return;
    }
    const version = client.initializeResult?.serverInfo?.version ?? "";
    this.become({ kind: "running", client, version });
    this.compare(version);
  }

  private options(library: typeof import("vscode-languageclient/node")): LanguageClientOptions {
    return {
      documentSelector: [{ scheme: "file" }, { scheme: SCHEME }],
      outputChannel: this.log,
      revealOutputChannelOn: library.RevealOutputChannelOn.Never,
      initializationOptions: {
        runUpdates: true,
        workspaceTrusted: vscode.workspace.isTrusted,
        background:
          vscode.workspace.getConfiguration("longshift").get("server.background") === true,
      },
      initializationFailedHandler: () => false,
      middleware: middleware(),
      errorHandler: {
        error: () => ({ action: library.ErrorAction.Continue, handled: true }),
        closed: () => {
          const state = this.current;
          if (state.kind === "running") queueMicrotask(() => void this.onClosed(state.client));
          return { action: library.CloseAction.DoNotRestart, handled: true };
        },
      },
    };
  }

  /** The server went away by itself: try again, more slowly each time, and not for ever. */
  private async onClosed(client: LanguageClient): Promise<void> {
    if (this.current.kind === "running" && this.current.client !== client) return;
    const ms = this.backoff.crashed();
    if (ms === undefined) {
      const minutes = WINDOW_MS / 60_000;
      this.fail(
        `The server ended ${MOST + 1} times within ${minutes} minutes and is not started again. ` +
          "Nothing that landed is lost; runs are paused. The log has its last words.",
        LOG,
      );
      return;
    }
    this.log.warn(`The server ended by itself; starting it again in ${ms} ms`);
    this.become({ kind: "waiting", ms });
    clearTimeout(this.timer);
    this.timer = setTimeout(() => void this.enqueue(), ms);
  }

  private async end(): Promise<void> {
    if (this.current.kind !== "running") return;
    const { client } = this.current;
    this.become({ kind: "starting" });
    try {
      await client.dispose(STOP_WITHIN_MS);
    } catch (error) {
      this.log.warn(`Stopping the server: ${short(error)}`);
    }
  }

  private compare(version: string): void {
    const mine = this.wishes().version;
    if (isSameVersion(version, mine)) return;
    this.tell(
      `The server is version ${version || "unknown"} and this extension ${mine}: something may ` +
        "be missing or differ. Bring both to the same version.",
      "warn",
      SETTINGS,
      LOG,
    );
  }

  private fail(message: string, first: string = LOG): void {
    this.become({ kind: "stopped", message });
    this.tell(message, "error", ...new Set([first, RESTART, LOG]));
  }

  private tell(message: string, level: "warn" | "error", ...buttons: string[]): void {
    this.log[level](message);
    this.said.push(message);
    const show =
      level === "warn" ? vscode.window.showWarningMessage : vscode.window.showErrorMessage;
    void show(`Longshift: ${message}`, ...buttons).then((chosen) => {
      if (chosen === RESTART) void this.start();
      if (chosen === LOG) this.log.show(true);
      if (chosen === SETTINGS) {
        void vscode.commands.executeCommand(
          "workbench.action.openSettings",
          "@ext:longshift.longshift",
        );
      }
    });
  }

  private become(state: ServerState): void {
    this.current = state;
    void vscode.commands.executeCommand("setContext", "longshift.server", state.kind);
    this.changed.fire(state);
  }
}

/** Where the bundled server lies, and where it is installed to. */
export function bundledIn(
  context: vscode.ExtensionContext,
  files: readonly string[],
): Wishes["bundled"] {
  const wheel = files.find((name) => name.endsWith(".whl"));
  if (wheel === undefined) return undefined;
  return {
    wheel: path.join(context.extensionPath, "bundled", wheel),
    target: path.join(context.globalStorageUri.fsPath, wheel.replace(/\.whl$/, "")),
  };
}

function short(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
