/**
 * Which Pythons there are, and what each has.
 *
 * Owns what a Python is asked. Starts nothing but that question, outside of the workspace.
 */

import type { Machine } from "./machine";

export interface Python {
  path: string;
  version: readonly [number, number];
  /** The version of `longshift` that it can import; null: none. */
  longshift: string | null;
}
export const OLDEST = [3, 11] as const;

const QUESTION = `
import json, sys
try:
    from importlib.metadata import version
    found = version("longshift")
except Exception:
    found = None
print(json.dumps({"version": list(sys.version_info[:2]), "longshift": found}))
`;

/** Ask a Python; undefined: it is none, or does not run. */
export async function askPython(machine: Machine, path: string): Promise<Python | undefined> {
  const ran = await machine.run([path, "-c", QUESTION]);
  if (ran.status !== 0) return undefined;
  try {
    const said = JSON.parse(ran.stdout) as { version: [number, number]; longshift: string | null };
    return { path, version: said.version, longshift: said.longshift };
  } catch {
    return undefined; // a program of that name which is no Python
  }
}

/** Whether Longshift runs on it. */
export function isNewEnough(python: Python): boolean {
  const [major, minor] = python.version;
  return major > OLDEST[0] || (major === OLDEST[0] && minor >= OLDEST[1]);
}
