/** What needs no editor: versions, back-off, obstacles, the order of hunks. */

import assert from "node:assert/strict";
import * as vscode from "vscode";
import { Backoff, FIRST_MS, MOST, WINDOW_MS } from "../src/server/backoff";
import { isSameVersion } from "../src/setup/version";
import { obstacle } from "../src/setup/workspace";
import type { Tests } from "./support";

export const pure: Tests = {
  "versions go together by major and minor"() {
    for (const [one, other, expected] of [
      ["0.1.0", "0.1.7", true],
      ["0.1", "0.1.0", true],
      ["0.10.0", "0.1.0", false],
      ["1.1.0", "0.1.0", false],
      ["", "0.1.0", false],
      ["", "", false],
    ] as const) {
      assert.equal(isSameVersion(one, other), expected, `${one} and ${other}`);
    }
  },
  "a server that crashes is started more slowly each time, and at last not at all"() {
    let now = 0;
    const backoff = new Backoff(() => now);
    const waits = Array.from({ length: MOST }, () => backoff.crashed());
    assert.deepEqual(
      waits,
      [1, 2, 4, 8, 16].map((n) => n * FIRST_MS),
    );
    assert.equal(backoff.crashed(), undefined);
    now = WINDOW_MS + 1;
    assert.equal(backoff.crashed(), FIRST_MS, "one that held out is forgiven");
  },
  "what is in the way is named"() {
    const file = [{ uri: vscode.Uri.file("/somewhere") }];
    const remote = [{ uri: vscode.Uri.parse("vscode-vfs://github/a/b") }];
    assert.equal(obstacle(file, true), undefined);
    assert.equal(obstacle([...remote, ...file], true), undefined);
    assert.equal(obstacle(file, false)?.kind, "restricted");
    assert.equal(obstacle(undefined, true)?.kind, "noFolder");
    const virtual = obstacle(remote, true);
    assert.equal(virtual?.kind, "virtual");
    assert.match(virtual?.message ?? "", /vscode-vfs.*Clone it/);
  },
};
