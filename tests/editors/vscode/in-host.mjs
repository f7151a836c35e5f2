// Runs tests inside of the extension host: node in-host.mjs WORKSPACE SETTINGS [TESTS]; by default
// those of client-vscode/dist-test.
import { readFileSync } from "node:fs";
import path from "node:path";
import { boot } from "./boot.mjs";

const client = path.resolve(import.meta.dirname, "../../../client-vscode");
const [workspace, settings, tests = `${client}/dist-test/index.js`] = process.argv.slice(2);
const window = await boot({
  workspace,
  settings: JSON.parse(readFileSync(settings, "utf8")),
  payload: (address) => [
    ["extensionDevelopmentPath", `vscode-remote://${address}${client}`],
    ["extensionTestsPath", `vscode-remote://${address}${tests}`],
  ],
});
const WITHIN_MS = 150_000;
try {
  let done;
  const ended = new Promise((resolve) => {
    done = resolve;
  });
  await window.page.exposeFunction("codeAutomationLog", (_, args) => console.log(String(args[0])));
  await window.page.exposeFunction("codeAutomationExit", (code) => done(code));
  await window.page.goto(window.url);
  const late = new Promise((_, reject) => {
    setTimeout(() => reject(new Error("the tests did not end")), WITHIN_MS).unref();
  });
  process.exitCode = await Promise.race([ended, late]);
} catch (error) {
  if (process.env.PICTURES) {
    await window.page.screenshot({ path: `${process.env.PICTURES}/failed-in-host.png` });
  }
  console.error(error, window.log().slice(-3000));
  process.exitCode = 1;
} finally {
  await window.stop();
}
