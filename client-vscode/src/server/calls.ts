/**
 * Commands of the server, sent by this extension.
 *
 * Owns what a person is told when there is no server or it refuses. The server's words are shown as
 * they are.
 */

import * as vscode from "vscode";
import type { CommandName } from "../protocol";
import type { Lifecycle } from "./lifecycle";

/** Refused, and the person has been told. */
export class Refused extends Error {}

export class Calls {
  constructor(private readonly lifecycle: Lifecycle) {}

  /** Refuse before a person types what could not be sent; a server that is starting will do. */
  require(): void {
    if (!["running", "starting", "waiting"].includes(this.lifecycle.state.kind))
      throw this.absent();
  }

  /** Send one command; raises `Refused`. */
  async send<Result = unknown>(name: CommandName, argument: object = {}): Promise<Result> {
    const { state } = this.lifecycle;
    if (state.kind !== "running") throw this.absent();
    try {
      return await state.client.sendRequest<Result>("workspace/executeCommand", {
        command: `longshift.${name}`,
        arguments: [argument],
      });
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      this.tell(message);
      throw new Refused(message);
    }
  }

  /** The same without a word where it fails: for views, which ask again. */
  async ask<Result>(name: CommandName, argument: object = {}): Promise<Result | undefined> {
    const { state } = this.lifecycle;
    if (state.kind !== "running") return undefined;
    try {
      return await state.client.sendRequest<Result>("workspace/executeCommand", {
        command: `longshift.${name}`,
        arguments: [argument],
      });
    } catch {
      return undefined;
    }
  }

  private tell(message: string): void {
    const buttons = message.includes("git init") ? ["Initialize Repository"] : [];
    this.lifecycle.said.push(message);
    void vscode.window.showErrorMessage(`Longshift: ${message}`, ...buttons).then((chosen) => {
      if (chosen !== undefined) void vscode.commands.executeCommand("git.init");
    });
  }

  private absent(): Refused {
    const { state } = this.lifecycle;
    const [message, button, command] =
      state.kind === "restricted"
        ? [state.message, "Manage Trust", "workbench.trust.manage"]
        : state.kind === "noFolder"
          ? [state.message, "Open Folder", "vscode.openFolder"]
          : state.kind === "stopped"
            ? [state.message, "Restart Server", "longshift.ui.restartServer"]
            : state.kind === "virtual"
              ? [state.message, "Show Log", "longshift.ui.showLog"]
              : [
                  "The server is starting; try again in a moment.",
                  "Show Log",
                  "longshift.ui.showLog",
                ];
    this.lifecycle.said.push(message);
    void vscode.window.showWarningMessage(`Longshift: ${message}`, button).then((chosen) => {
      if (chosen !== undefined) void vscode.commands.executeCommand(command);
    });
    return new Refused(message);
  }
}
