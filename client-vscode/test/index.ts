/**
 * The tests that run inside of the extension host of a real VS Code: `vscode` is the real thing, the
 * server too, and only the model follows a script (tests/editors/test_vscode.py).
 */

import { finding } from "./finding";
import { journey } from "./journey";
import { pure } from "./pure";
import { runTests } from "./support";

/** What VS Code calls. */
export async function run(): Promise<void> {
  await runTests({ ...pure, ...finding }, journey);
}
