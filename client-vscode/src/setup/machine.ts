/**
 * The machine as the search for Python and server sees it.
 *
 * Owns starting short programs and looking along the PATH. Passed in, so that the search is tested
 * without any interpreter.
 */

import { execFile } from "node:child_process";
import { constants } from "node:fs";
import { access, stat } from "node:fs/promises";
import * as path from "node:path";

export interface Ran {
  /** null: it could not be started, or did not end in time. */
  status: number | null;
  stdout: string;
  stderr: string;
}
export interface Machine {
  /** The full path of a program, by its path or by its name along the PATH. */
  find(program: string): Promise<string | undefined>;
  /** Run a program to its end, in a folder that is no workspace. */
  run(command: readonly string[], timeoutMs?: number): Promise<Ran>;
}

const WITHIN_MS = 20_000;

/** The machine that the extension runs on; programs run in `folder`. */
export function realMachine(folder: string): Machine {
  return { find: (program) => find(program, process.env), run: (c, t) => run(c, folder, t) };
}

async function find(program: string, env: NodeJS.ProcessEnv): Promise<string | undefined> {
  if (path.isAbsolute(program)) return (await isProgram(program)) ? program : undefined;
  // A relative path would be looked up in the workspace, which a stranger may have written.
  if (program.includes("/") || program.includes("\\")) return undefined;
  const endings = process.platform === "win32" ? (env.PATHEXT ?? ".EXE;.CMD").split(";") : [""];
  for (const folder of (env.PATH ?? env.Path ?? "").split(path.delimiter)) {
    if (!path.isAbsolute(folder)) continue;
    for (const ending of endings) {
      const place = path.join(folder, program + ending);
      if (await isProgram(place)) return place;
    }
  }
  return undefined;
}

async function isProgram(place: string): Promise<boolean> {
  try {
    await access(place, constants.X_OK);
    return (await stat(place)).isFile();
  } catch {
    return false;
  }
}

function run(command: readonly string[], cwd: string, timeoutMs = WITHIN_MS): Promise<Ran> {
  const [program = "", ...rest] = command;
  return new Promise((resolve) => {
    execFile(program, rest, { cwd, timeout: timeoutMs }, (error, stdout, stderr) => {
      const code = error === null ? 0 : typeof error.code === "number" ? error.code : null;
      resolve({ status: code, stdout, stderr: stderr || (error?.message ?? "") });
    });
  });
}
