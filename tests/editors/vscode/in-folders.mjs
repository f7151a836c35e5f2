// Several folders, and a package with the server in it: nothing is set, so that it is installed.
// node in-folders.mjs WORKSPACE SETTINGS VSIX; the folders are `weather`, `tides` and `plain`.
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { boot } from "./boot.mjs";

const [workspace, settings, vsix] = process.argv.slice(2);
const window = await boot({ workspace, vsix, settings: JSON.parse(readFileSync(settings, "utf8")) });
const { page, palette } = window;
const INSTALLED_WITHIN_MS = 180_000;

const rows = (text) => page.locator(".pane-body .monaco-list-row", { hasText: text });
const choices = page.locator(".quick-input-list .monaco-list-row");
const input = page.locator(".quick-input-widget input.input");
const toast = (text) => page.locator(".notification-toast", { hasText: text });

async function goal(words, folder) {
  await palette("Longshift: Start a Goal…");
  await page.locator(".quick-input-widget", { hasText: "What should be true" }).waitFor();
  await input.fill(words);
  await page.keyboard.press("Enter");
  await choices.filter({ hasText: "the whole repository" }).nth(2).waitFor();
  assert.equal(await choices.count(), 3, "it asks which folder is meant");
  await choices.filter({ hasText: folder }).click();
}

try {
  await page.goto(window.url);
  await page.locator(".monaco-workbench").waitFor({ timeout: 60_000 });
  await toast("installing its server").waitFor({ timeout: 30_000 });
  await page.locator(".statusbar-item .codicon-rocket").waitFor({ timeout: INSTALLED_WITHIN_MS });
  const [target] = readdirSync(window.storage);
  assert.ok(readdirSync(`${window.storage}/${target}`).includes(".ready"), "it was installed");

  // A folder that is in no repository: what is the matter, and the way on.
  await goal("Anything", "plain");
  await toast("is not in a git repository").getByRole("button", { name: "Initialize" }).waitFor();

  // Cancelling its progress stops a run.
  await goal("Ask again when it storms", "weather");
  await page.locator(".statusbar-item", { hasText: "Longshift R1: Ask again" }).click();
  const progress = page.locator(".notifications-center .notification-list-item", { hasText: "R1" });
  await progress.waitFor();
  await progress.getByRole("button", { name: "Cancel" }).click();
  await rows("Ask again").filter({ hasText: "stopped" }).waitFor({ timeout: 30_000 });

  // A run of the other repository, beside it.
  await goal("Tell the tides", "tides");
  await rows("Tell the tides").filter({ hasText: "done" }).waitFor({ timeout: 60_000 });
  await rows("README.md:3").first().waitFor();
  for (const name of ["weather · R1", "tides · R1"]) await rows(name).first().waitFor();
  await page.screenshot({ path: `${process.env.PICTURES}/vscode-folders.png` });
} catch (error) {
  await page.screenshot({ path: `${process.env.PICTURES}/failed-folders.png` });
  console.error(error, window.log().slice(-3000));
  process.exitCode = 1;
} finally {
  await window.stop();
}
