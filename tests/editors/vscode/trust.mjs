// Restricted Mode: nothing starts until the person trusts the folder. node trust.mjs WORKSPACE SETTINGS VSIX
import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { boot } from "./boot.mjs";

const [workspace, settings, vsix] = process.argv.slice(2);
const given = JSON.parse(readFileSync(settings, "utf8"));
const window = await boot({ workspace, vsix, trust: false, settings: given });
const { page } = window;
const started = `${workspace}/.git/longshift`;

try {
  await page.goto(window.url);
  await page.getByText("Restricted Mode is intended").waitFor({ timeout: 60_000 });
  await page.locator(".statusbar-item", { hasText: "Longshift: restricted" }).waitFor();
  await page.keyboard.press("F1");
  const input = page.locator(".quick-input-widget input.input");
  await input.fill(">Longshift: Start a Goal…");
  await page.locator(".quick-input-list .monaco-list-row", { hasText: "Start a Goal" }).first().waitFor();
  await page.keyboard.press("Enter");
  const refusal = page.locator(".notification-toast", { hasText: "starts nothing in it" });
  await refusal.waitFor();
  assert.ok(!existsSync(started), "the server has left nothing, for it did not run");
  await refusal.getByRole("button", { name: "Manage Trust" }).click();
  const editor = page.locator(".workspace-trust-editor");
  await editor.getByRole("button", { name: "Trust", exact: true }).click();
  await page.keyboard.press("Escape");
  await page.locator(".statusbar-item .codicon-rocket").first().waitFor({ timeout: 60_000 });
} catch (error) {
  await page.screenshot({ path: `${process.env.PICTURES}/failed-trust.png` });
  console.error(error, window.log().slice(-3000));
  process.exitCode = 1;
} finally {
  await window.stop();
}
