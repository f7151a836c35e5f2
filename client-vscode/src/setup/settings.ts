/**
 * What the person has set, in the shape that the server takes.
 *
 * Owns which of the extension's settings are the server's. What nobody has set is left out: a
 * default sent from here would be stronger than the project's and the person's own files.
 */

import * as vscode from "vscode";

const OURS = new Set(["server", "python", "trace"]);

/** The section `longshift` for one folder, as docs/configuration.md has its tables. */
export function serverSettings(scope?: vscode.Uri): Record<string, unknown> {
  const config = vscode.workspace.getConfiguration("longshift", scope);
  const found: Record<string, unknown> = {};
  for (const key of settingKeys()) {
    const seen = config.inspect(key);
    const value = seen?.workspaceFolderValue ?? seen?.workspaceValue ?? seen?.globalValue;
    if (value !== undefined && value !== null) put(found, key.split("."), value);
  }
  return found;
}

/** Every key that is the server's, without the section's name. */
function settingKeys(): string[] {
  const manifest = vscode.extensions.getExtension("longshift.longshift")?.packageJSON as {
    contributes: { configuration: { properties: Record<string, unknown> } };
  };
  return Object.keys(manifest.contributes.configuration.properties)
    .map((key) => key.slice("longshift.".length))
    .filter((key) => !OURS.has(key.split(".")[0] ?? ""));
}

function put(table: Record<string, unknown>, steps: string[], value: unknown): void {
  const [first = "", ...rest] = steps;
  if (rest.length === 0) {
    table[first] = value;
    return;
  }
  const inner = (table[first] ?? {}) as Record<string, unknown>;
  table[first] = inner;
  put(inner, rest, value);
}
