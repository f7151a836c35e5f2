/** The search for Python and server, on machines that are made up: no interpreter is started. */

import assert from "node:assert/strict";
import type { Machine } from "../src/setup/machine";
import { findServer, type Wishes } from "../src/setup/server";
import type { Tests } from "./support";

/** What a program of the machine says when it is run, by its path; null: it fails. */
type Programs = Readonly<Record<string, string | null>>;

const python = (version: [number, number], longshift: string | null = null) =>
  JSON.stringify({ version, longshift });

function machine(programs: Programs, ran: string[][] = []): Machine {
  return {
    find: async (name) => [name, `/bin/${name}`].find((place) => place in programs),
    async run(command) {
      ran.push([...command]);
      const said = programs[command[0] ?? ""];
      const isMarked = command.some((part) => part.includes("sys.exit(not"));
      if (said === undefined || said === null || isMarked) return failed;
      return {
        status: command.includes("pip") && said.includes("no pip") ? 1 : 0,
        stdout: said,
        stderr: "",
      };
    },
  };
}

const failed = { status: 1, stdout: "", stderr: "no" };
const wishes = (some: Partial<Wishes> = {}): Wishes => ({
  command: [],
  python: "",
  pythonExtension: async () => undefined,
  bundled: undefined,
  installing: (work) => work(),
  version: "0.1.0",
  ...some,
});
const bundled = { wheel: "/x/longshift-0.1.0.whl", target: "/store/longshift-0.1.0" };

const MISSING: [
  name: string,
  programs: Programs,
  some: Partial<Wishes>,
  what: string,
  says: RegExp,
][] = [
  ["no Python", {}, {}, "python", /No Python was found.*longshift\.python/],
  [
    "too old a Python",
    { "/bin/python3": python([3, 9]) },
    {},
    "old-python",
    /is Python 3\.9; Longshift needs Python 3\.11/,
  ],
  [
    "no server",
    { "/bin/python3": python([3, 12]) },
    {},
    "server",
    /has no longshift.*pip install longshift/,
  ],
  ["a Python that is none", { "/bin/python3": "hello" }, {}, "python", /No Python/],
  [
    "a set Python that is not there",
    {},
    { python: "/opt/py" },
    "python-setting",
    /"\/opt\/py", which is no Python/,
  ],
  [
    "a set command that is not there",
    {},
    { command: ["nothing", "serve"] },
    "command",
    /"nothing", which is no program/,
  ],
  [
    "a bundled server that can't be installed",
    { "/bin/python3": python([3, 12]).replace("}", ',"no pip":1}') },
    { bundled },
    "bundled",
    /could not be installed/,
  ],
];

const FOUND: [name: string, programs: Programs, some: Partial<Wishes>, command: string[]][] = [
  [
    "the command that is set",
    { "/bin/mine": "" },
    { command: ["mine", "serve"] },
    ["/bin/mine", "serve"],
  ],
  [
    "the Python extension's first",
    { "/venv/python": python([3, 12], "0.1.0"), "/bin/python3": python([3, 11], "0.1.0") },
    { pythonExtension: async () => "/venv/python" },
    ["/venv/python", "-P", "-m", "longshift", "serve"],
  ],
  [
    "the next where the first has none",
    { "/bin/python3": python([3, 12]), "/bin/python": python([3, 12], "0.1.4") },
    {},
    ["/bin/python", "-P", "-m", "longshift", "serve"],
  ],
  [
    "a program on the PATH",
    { "/bin/python3": python([3, 12]), "/bin/longshift": "longshift, version 0.1.0" },
    {},
    ["/bin/longshift", "serve"],
  ],
  [
    "the bundled one before another version",
    { "/bin/python3": python([3, 12], "0.4.0") },
    { bundled },
    ["/bin/python3", "-P", "-m", "longshift", "serve"],
  ],
  [
    "another version before none",
    { "/bin/python3": python([3, 12], "0.4.0") },
    {},
    ["/bin/python3", "-P", "-m", "longshift", "serve"],
  ],
];

export const finding: Tests = {
  ...Object.fromEntries(
    MISSING.map(([name, programs, some, what, says]) => [
      `missing: ${name}`,
      async () => {
        const found = await findServer(machine(programs), wishes(some));
        assert.ok(found.kind === "missing", JSON.stringify(found));
        assert.equal(found.what, what);
        assert.match(found.message, says);
      },
    ]),
  ),
  ...Object.fromEntries(
    FOUND.map(([name, programs, some, command]) => [
      `found: ${name}`,
      async () => {
        const found = await findServer(machine(programs), wishes(some));
        assert.ok(found.kind === "found", JSON.stringify(found));
        assert.deepEqual(found.command, command);
      },
    ]),
  ),
  async "the bundled server is installed with the Python that runs it"() {
    const ran: string[][] = [];
    await findServer(machine({ "/bin/python3": python([3, 12]) }, ran), wishes({ bundled }));
    const pip = ran.find((command) => command.includes("pip"));
    assert.deepEqual(pip?.slice(-3), ["--target", "/store/longshift-0.1.0-py3.12", bundled.wheel]);
  },
};
