/**
 * The tests that run inside of the extension host of a real VS Code: `vscode` is the real thing, the
 * server too, and only the model follows a script (tests/editors/test_vscode.py).
 */

import { finding } from "./finding";
import { journey } from "./journey";
import { pure } from "./pure";
import { standing } from "./support";

/** What VS Code calls. */
export async function run(): Promise<void> {
  let failed = 0;
  for (const [name, test] of Object.entries({ ...pure, ...finding, ...journey })) {
    try {
      await test();
      console.log(`ok - ${name}`);
    } catch (error) {
      failed += 1;
      console.error(`not ok - ${name}\n${error instanceof Error ? error.stack : error}`);
      console.error(await standing());
      if (name in journey) break; // the next ones go on where this one stopped
    }
  }
  if (failed > 0) throw new Error(`${failed} failed`);
}
