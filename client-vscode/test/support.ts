/** What the tests share: waiting for what happens, and the extension's own parts. */

import * as vscode from "vscode";
import type { Api } from "../src/extension";
import type { Located } from "../src/runs/hunks";
import { hunksOf } from "../src/runs/hunks";

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

/** A server that runs; its process. */
export async function running(api: Api): Promise<number> {
  return until("a server that runs", () => {
    const { state } = api.lifecycle;
    return state.kind === "running" ? state.client.serverProcess?.pid : undefined;
  });
}

/** The file that the script of tests/editors/conftest.py changes, in three hunks. */
export const FILE = "app/client.py";

/** One of its hunks. */
export function hunk(api: Api, number: number): Located | undefined {
  return [...hunksOf(api.store.all)].find(
    (one) => one.change.id === "C1" && one.file.path === FILE && one.hunk.hunk === number,
  );
}

/** Wait until one of its hunks is in a state. */
export async function becomes(api: Api, number: number, state: string): Promise<void> {
  await until(`hunk ${number} is ${state}`, () => hunk(api, number)?.hunk.state === state);
}

/** The code actions of a kind on a line of it, from 0. */
export async function actions(kind: string, line: number): Promise<vscode.CodeAction[]> {
  return vscode.commands.executeCommand<vscode.CodeAction[]>(
    "vscode.executeCodeActionProvider",
    fileOf(FILE),
    new vscode.Range(line, 0, line, 0),
    kind,
    10,
  );
}

/** Accept one of its hunks as a person does: by the code action at its place. */
export async function accept(api: Api, number: number): Promise<void> {
  const line = hunk(api, number)?.hunk.range.start.line ?? -1;
  const [action] = await actions("quickfix.longshift.accept", line);
  if (action?.edit === undefined || action.command === undefined) {
    throw new Error(`nothing to accept on line ${line}: ${action?.title}`);
  }
  await vscode.workspace.applyEdit(action.edit);
  await vscode.commands.executeCommand(action.command.command, ...(action.command.arguments ?? []));
  await becomes(api, number, "accepted");
}

/**
 * Run tests one after the other; throws where one fails.
 *
 * @param tests - each by itself
 * @param journey - the next ones go on where one stopped, and so end with it
 */
export async function runTests(tests: Tests, journey: Tests): Promise<void> {
  let failed = 0;
  for (const [name, test] of Object.entries({ ...tests, ...journey })) {
    try {
      await test();
      console.log(`ok - ${name}`);
    } catch (error) {
      failed += 1;
      console.error(`not ok - ${name}\n${error instanceof Error ? error.stack : error}`);
      console.error(await standing());
      if (name in journey) break;
    }
  }
  if (failed > 0) throw new Error(`${failed} failed`);
}

/** What the extension knows and has said, for whoever reads why a test failed. */
async function standing(): Promise<string> {
  const api = await extension();
  const { state, said } = api.lifecycle;
  return JSON.stringify({ server: state.kind, said, status: api.status.text, runs: api.store.all });
}
