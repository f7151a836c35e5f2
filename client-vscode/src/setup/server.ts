/**
 * How the server is started here: the first way that works, or what is missing.
 *
 * Owns the order of the ways. What a person has set is taken or refused, never replaced by another;
 * a relative path never counts, for it would be looked up in the workspace.
 */

import type { Machine } from "./machine";
import { askPython, isNewEnough, OLDEST, type Python } from "./python";
import { isSameVersion } from "./version";

export interface Wishes {
  /** `longshift.server.command`; empty: not set. */
  command: readonly string[];
  /** `longshift.python`; empty: not set. */
  python: string;
  /** The interpreter that the Python extension has chosen. */
  pythonExtension: () => Promise<string | undefined>;
  /** The wheel inside of this extension, and where it is installed to; undefined: none. */
  bundled: { wheel: string; target: string } | undefined;
  /** Tells the person that the wheel is being installed, for as long as that takes. */
  installing: <T>(work: () => Promise<T>) => PromiseLike<T>;
  /** The extension's own version. */
  version: string;
}
export interface Found {
  kind: "found";
  command: string[];
  /** Added to the environment. */
  env: Record<string, string>;
  /** In a few words, for the log. */
  how: string;
}
export interface Missing {
  kind: "missing";
  what: "command" | "python-setting" | "python" | "old-python" | "server" | "bundled";
  message: string;
}

/** Search for the server. */
export async function findServer(machine: Machine, wishes: Wishes): Promise<Found | Missing> {
  if (wishes.command.length > 0) return named(machine, wishes.command);
  const pythons = await findPythons(machine, wishes);
  if (!Array.isArray(pythons)) return pythons;
  const good = pythons.filter(isNewEnough);
  const having = good.filter((one) => one.longshift !== null);
  const matching = having.find((one) => isSameVersion(one.longshift ?? "", wishes.version));
  if (matching !== undefined) return module(matching);
  // A person who set a Python wants that one; a program on the PATH may belong to any other.
  const installed = wishes.python === "" ? await onPath(machine) : undefined;
  if (installed !== undefined && isSameVersion(installed.version, wishes.version)) {
    return installed.found;
  }
  if (wishes.bundled !== undefined && good[0] !== undefined) {
    return install(machine, good[0], wishes.bundled, wishes.installing);
  }
  // Another version is better than none: once it runs, the person is told.
  if (having[0] !== undefined) return module(having[0]);
  if (installed !== undefined) return installed.found;
  return missing(pythons, good);
}

async function named(machine: Machine, command: readonly string[]): Promise<Found | Missing> {
  const [program = "", ...rest] = command;
  const place = await machine.find(program);
  if (place !== undefined) {
    return { kind: "found", command: [place, ...rest], env: {}, how: "longshift.server.command" };
  }
  return {
    kind: "missing",
    what: "command",
    message:
      `The setting longshift.server.command names "${program}", which is no program here. ` +
      "Name one that is on the PATH or its full path, or empty the setting.",
  };
}

async function findPythons(machine: Machine, wishes: Wishes): Promise<Python[] | Missing> {
  if (wishes.python !== "") {
    const place = await machine.find(wishes.python);
    const python = place && (await askPython(machine, place));
    if (python) return [python];
    return {
      kind: "missing",
      what: "python-setting",
      message:
        `The setting longshift.python names "${wishes.python}", which is no Python that runs ` +
        "here. Name the full path of one, or empty the setting.",
    };
  }
  const places = new Set<string>();
  for (const name of [await wishes.pythonExtension(), "python3", "python"]) {
    const place = name && (await machine.find(name));
    if (place) places.add(place);
  }
  const asked = await Promise.all([...places].map((place) => askPython(machine, place)));
  return asked.filter((one) => one !== undefined);
}

function module(python: Python): Found {
  // -P: a module of the workspace must not stand in for one of ours.
  const command = [python.path, "-P", "-m", "longshift", "serve"];
  return { kind: "found", command, env: {}, how: `longshift ${python.longshift}` };
}

async function onPath(machine: Machine): Promise<{ found: Found; version: string } | undefined> {
  const place = await machine.find("longshift");
  if (place === undefined) return undefined;
  const ran = await machine.run([place, "--version"]);
  const version = /\d+\.\d+\S*/.exec(ran.stdout)?.[0] ?? "";
  if (ran.status !== 0) return undefined;
  const found: Found = {
    kind: "found",
    command: [place, "serve"],
    env: {},
    how: `longshift ${version} on the PATH`,
  };
  return { found, version };
}

async function install(
  machine: Machine,
  python: Python,
  bundled: { wheel: string; target: string },
  installing: Wishes["installing"],
): Promise<Found | Missing> {
  const target = `${bundled.target}-py${python.version.join(".")}`;
  const env = { PYTHONPATH: target };
  const command = [python.path, "-P", "-m", "longshift", "serve"];
  const found: Found = { kind: "found", command, env, how: "the server of this extension" };
  const done = `import os, sys; sys.exit(not os.path.exists(os.path.join(sys.argv[1], ".ready")))`;
  if ((await machine.run([python.path, "-c", done, target])).status === 0) return found;
  const pip = [python.path, "-m", "pip", "install", "--disable-pip-version-check", "--quiet"];
  const installation = [...pip, "--upgrade", "--target", target, bundled.wheel];
  const ran = await installing(() => machine.run(installation, 600_000));
  if (ran.status === 0) {
    // Marked last: what was cut off is installed anew.
    const mark = `import os, sys; open(os.path.join(sys.argv[1], ".ready"), "w").close()`;
    await machine.run([python.path, "-c", mark, target]);
    return found;
  }
  return {
    kind: "missing",
    what: "bundled",
    message:
      `The server that comes with this extension could not be installed with ${python.path}: ` +
      `${lastLine(ran.stderr)} The log has the rest. Install it yourself: pip install longshift.`,
  };
}

function missing(pythons: readonly Python[], good: readonly Python[]): Missing {
  const needs = `Python ${OLDEST.join(".")} or newer`;
  if (good[0] !== undefined) {
    return {
      kind: "missing",
      what: "server",
      message:
        `The server is not installed: ${good[0].path} has no longshift, and none is on the ` +
        `PATH. Install it (pip install longshift), then restart the server.`,
    };
  }
  const [old] = pythons;
  if (old !== undefined) {
    return {
      kind: "missing",
      what: "old-python",
      message:
        `${old.path} is Python ${old.version.join(".")}; Longshift needs ${needs}. Install one ` +
        "and name it in the setting longshift.python.",
    };
  }
  return {
    kind: "missing",
    what: "python",
    message:
      `No Python was found on the PATH; Longshift needs ${needs}. Install one, or name it in ` +
      "the setting longshift.python.",
  };
}

function lastLine(text: string): string {
  return text.trim().split("\n").at(-1) ?? "";
}
