/** Whether this window has anything that Longshift can work on; says what is in the way. */

import type * as vscode from "vscode";

export type Obstacle = { kind: "restricted" | "noFolder" | "virtual"; message: string };

/** What is in the way of starting; undefined: nothing. */
export function obstacle(
  folders: readonly { uri: vscode.Uri }[] | undefined,
  isTrusted: boolean,
): Obstacle | undefined {
  if (!isTrusted) {
    return {
      kind: "restricted",
      message: "This folder is in Restricted Mode, so Longshift starts nothing in it.",
    };
  }
  if (folders === undefined || folders.length === 0) {
    return { kind: "noFolder", message: "Longshift works on a git repository. Open a folder." };
  }
  if (folders.every((folder) => folder.uri.scheme !== "file")) {
    return {
      kind: "virtual",
      message:
        `This folder (${folders[0]?.uri.scheme}:) is on no disk of this machine, and Longshift ` +
        "needs a git repository on a disk. Clone it, or open it on the machine where it lies.",
    };
  }
  return undefined;
}
