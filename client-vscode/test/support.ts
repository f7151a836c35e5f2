/** What the tests share: waiting for what happens, and the extension's own parts. */

import * as vscode from "vscode";
import type { Api } from "../src/extension";

export type Tests = Readonly<Record<string, () => void | Promise<void>>>;

const WITHIN_MS = 25_000;

/** Wait until something is so; returns what it gave. */
export async function until<T>(
  what: string,
  look: () => T | Promise<T>,
): Promise<Exclude<T, undefined | false | null | 0 | "">> {
  for (const end = Date.now() + WITHIN_MS; Date.now() < end; ) {
    const seen = await look();
    if (seen) return seen as Exclude<T, undefined | false | null | 0 | "">;
    await new Promise((resolve) => setTimeout(resolve, 40));
  }
  throw new Error(`it never came: ${what}`);
}

/** The extension, activated. */
export async function extension(): Promise<Api> {
  const found = vscode.extensions.getExtension<Api>("longshift.longshift");
  if (found === undefined) throw new Error("the extension is not there");
  return found.activate();
}

/** A file of the folder that is open. */
export function fileOf(name: string): vscode.Uri {
  const [folder] = vscode.workspace.workspaceFolders ?? [];
  if (folder === undefined) throw new Error("no folder is open");
  return vscode.Uri.joinPath(folder.uri, name);
}

/** What the extension knows and has said, for whoever reads why a test failed. */
export async function standing(): Promise<string> {
  const api = await extension();
  const { state, said } = api.lifecycle;
  return JSON.stringify({ server: state.kind, said, status: api.status.text, runs: api.store.all });
}
