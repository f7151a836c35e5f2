// The extension as a person sees it: palette, view, lenses, light bulb, diff, Problems, walkthrough.
// node in-browser.mjs WORKSPACE SETTINGS VSIX; pictures go to PICTURES.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { boot } from "./boot.mjs";

const [workspace, settings, vsix] = process.argv.slice(2);
const GOAL = "Make the weather client sturdy";
const window = await boot({ workspace, vsix, settings: JSON.parse(readFileSync(settings, "utf8")) });
const { page, palette } = window;

/** Draw the window, with nothing lit up by the mouse. */
async function picture(name) {
  await page.mouse.move(300, 600);
  await page.screenshot({
    path: `${process.env.PICTURES}/vscode-${name}.png`,
    animations: "disabled",
    style: ".slider, .diffViewport, .monaco-sash::before { opacity: 0 !important }",
  });
}
const rows = (text) => page.locator(".pane-body .monaco-list-row", { hasText: text });
const cursor = (line) => page.locator(".statusbar-item", { hasText: `Ln ${line},` }).waitFor();
const input = page.locator(".quick-input-widget input.input");

try {
  await page.goto(window.url);
  await page.locator(".monaco-workbench").waitFor({ timeout: 60_000 });
  await page.locator(".explorer-folders-view").getByText("app").first().click();
  await page.locator(".explorer-folders-view").getByText("client.py").first().dblclick();
  await page.locator(".editor-instance .monaco-editor").first().waitFor();
  await page.locator(".statusbar-item", { hasText: "Longshift" }).first().waitFor();
  await page.locator(".codicon-rocket").first().waitFor({ timeout: 60_000 });

  // A goal, typed in the palette.
  await palette("Longshift: Start a Goal…");
  await page.locator(".quick-input-widget", { hasText: "What should be true" }).waitFor();
  await input.pressSequentially(GOAL);
  await picture("goal");
  await page.keyboard.press("Enter");
  await page.locator(".quick-input-list .monaco-list-row", { hasText: "The whole" }).waitFor();
  await page.keyboard.press("Enter");

  // Room for the view, as a person makes it.
  await rows("Make the weather").first().waitFor();
  const sash = await page.locator(".part.sidebar").boundingBox();
  await page.mouse.move(sash.x + sash.width + 1, 400);
  await page.mouse.down();
  await page.mouse.move(sash.x + sash.width + 150, 400, { steps: 5 });
  await page.mouse.up();
  await page.mouse.move(900, 700);

  // The run is under way: one task has landed, the other is being worked on.
  await rows("running").first().waitFor({ timeout: 30_000 });
  await rows("client.py:").nth(2).waitFor({ timeout: 30_000 });
  await picture("tree");

  // A pending hunk, with its lenses and its mark.
  await rows("client.py:").nth(1).click();
  await page.locator(".contentWidgets .codelens-decoration", { hasText: "Accept (" }).first().waitFor();
  await rows("done").first().waitFor({ timeout: 60_000 });
  await page.locator(".squiggly-warning, .squiggly-info, .squiggly-error").first().waitFor();
  await picture("hunk");

  await palette("Notifications: Clear All");

  // The light bulb, at the first hunk.
  await rows("client.py:6").first().click();
  await page.locator(".editor-instance .lightBulbWidget").first().waitFor();
  await page.locator(".view-line", { hasText: "None" }).first().click();
  await cursor(6);
  await page.keyboard.press("Control+.");
  await page.locator(".action-widget .monaco-list-row", { hasText: "Accept:" }).first().waitFor();
  await picture("bulb");
  await page.keyboard.press("Escape");

  // Base against proposed.
  await palette("Longshift: Compare Hunk");
  await page.locator(".monaco-diff-editor .line-insert").first().waitFor();
  await picture("diff");
  await palette("View: Close Editor");
  await rows("client.py:6").first().click();
  await page.locator(".tab.active", { hasNotText: "base" }).first().waitFor();

  // A finding among the problems.
  await palette("Problems: Focus on Problems View");
  await page.locator(".markers-panel .monaco-list-row", { hasText: "retries for ever" }).first().waitFor();
  await page.locator(".statusbar-item", { has: page.locator(".codicon-warning"), hasText: "0 1" }).waitFor();
  await picture("problems");
  await page.keyboard.press("Control+j");

  // A tick accepts.
  await rows("client.py:6").locator(".custom-view-tree-node-item-checkbox").first().click();
  await page.locator(".view-line", { hasText: "TIMEOUT_S" }).filter({ hasText: "10" }).first().waitFor();
  await rows("accepted").first().waitFor();

  // The keys: to the next hunk, back over the last one, and a decision on each.
  await page.locator(".view-line", { hasText: "import json" }).first().click();
  await page.keyboard.press("Alt+]");
  await cursor(11);
  await page.keyboard.press("Alt+]");
  await cursor(21);
  await page.keyboard.press("Alt+[");
  await cursor(11);
  await page.keyboard.press("Alt+Enter");
  await page.locator(".view-line", { hasText: "tries_left in" }).first().waitFor();
  await rows("accepted").nth(1).waitFor();
  await page.keyboard.press("Alt+]");
  await cursor(26);
  await page.keyboard.press("Alt+Backspace");
  await page.locator(".quick-input-widget", { hasText: "Reject" }).waitFor();
  await page.keyboard.type("The name says nothing.");
  await page.keyboard.press("Enter");
  await rows("rejected").first().waitFor();

  await palette("Welcome: Open Walkthrough...");
  await input.fill("Longshift");
  await page.locator(".quick-input-list .monaco-list-row", { hasText: "Longshift" }).first().waitFor();
  await page.keyboard.press("Enter");
  const step = page.locator(".getting-started-step");
  await step.first().waitFor();
  assert.equal(await step.count(), 4);
  await picture("walkthrough");
} catch (error) {
  await picture("failed");
  console.error(error, window.log().slice(-3000));
  process.exitCode = 1;
} finally {
  await window.stop();
}
