// Starts code-server and Chromium with state that is thrown away, and ends them again.
// EDITORS_DIR is where install.sh put everything; nothing of the machine's own VS Code is used.
import { execFileSync, spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import net from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";

export const ROOT = process.env.EDITORS_DIR;
const { chromium } = createRequire(`${ROOT}/playwright/package.json`)("playwright-core");
const NODE = `${ROOT}/node24/bin/node`;
const CODE = `${ROOT}/code-server/node_modules/code-server/out/node/entry.js`;
const STARTS_WITHIN_MS = 60_000;
const QUIET = {
  "workbench.startupEditor": "none",
  "telemetry.telemetryLevel": "off",
  "update.mode": "none",
  "extensions.autoCheckUpdates": false,
  "extensions.autoUpdate": false,
  "workbench.enableExperiments": false,
  "chat.disableAIFeatures": true,
  "workbench.secondarySideBar.defaultVisibility": "hidden",
  "workbench.tips.enabled": false,
  "git.enabled": false,
  "files.autoSave": "off",
  "editor.minimap.enabled": false,
  "editor.fontFamily": "DejaVu Sans Mono",
};

/**
 * Start a window on a folder, or on the folders of a `.code-workspace`.
 *
 * `settings` are the person's; `payload` (a function of the address) makes it run tests in the
 * extension host; `trust: false` keeps Restricted Mode possible; `vsix` is installed before.
 */
export async function boot({ workspace, vsix, settings = {}, payload, trust = true, env = {} }) {
  const tmp = mkdtempSync(path.join(tmpdir(), "longshift-code-"));
  const data = `${tmp}/data`;
  // What counts for one machine alone is read from a file of its own.
  for (const place of ["User", "Machine"]) {
    mkdirSync(`${data}/${place}`, { recursive: true });
    writeFileSync(`${data}/${place}/settings.json`, JSON.stringify({ ...QUIET, ...settings }));
  }
  const all = {
    ...process.env,
    ...env,
    EXTENSIONS_GALLERY: JSON.stringify({
      serviceUrl: "",
      itemUrl: "",
      resourceUrlTemplate: "",
      controlUrl: "",
    }),
  };
  delete all.PORT;
  delete all.PASSWORD;
  const places = ["--user-data-dir", data, "--extensions-dir", `${tmp}/extensions`];
  if (vsix !== undefined) {
    execFileSync(NODE, [CODE, ...places, "--install-extension", vsix], { env: all, stdio: "pipe" });
  }
  const port = await freePort();
  const flags = ["--auth", "none", "--bind-addr", `127.0.0.1:${port}`, "--disable-telemetry"];
  flags.push("--disable-update-check", "--disable-getting-started-override", "--disable-proxy");
  if (trust) flags.push("--disable-workspace-trust");
  // Without it a payload's tests are silently left out.
  if (payload !== undefined) flags.push("--vscode-option", "enable-smoke-test-driver");
  const code = spawn(NODE, [CODE, ...places, ...flags], {
    env: all,
    stdio: ["ignore", "pipe", "pipe"],
    detached: true,
  });
  let log = "";
  for (const stream of [code.stdout, code.stderr]) {
    stream.on("data", (text) => {
      log += text;
    });
  }
  const stopCode = () => endGroup(code);
  let context;
  try {
    await healthy(port, () => log);
    context = await chromium.launchPersistentContext(`${tmp}/chromium`, {
      executablePath: process.env.CHROMIUM,
      headless: true,
      viewport: { width: 1280, height: 800 },
      args: [
        "--no-sandbox",
        "--disable-gpu",
        "--disable-quic",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
      ],
    });
  } catch (error) {
    await stopCode();
    throw error;
  }
  const page = context.pages()[0] ?? (await context.newPage());
  const kind = workspace.endsWith(".code-workspace") ? "workspace" : "folder";
  const query = new URLSearchParams({ [kind]: workspace });
  const address = `127.0.0.1:${port}`;
  if (payload !== undefined) query.set("payload", JSON.stringify(payload(address)));
  return {
    page,
    storage: `${data}/User/globalStorage/longshift.longshift`,
    url: `http://${address}/?${query}`,
    log: () => log,
    /** Type in the palette and choose what it finds. */
    async palette(text) {
      const input = page.locator(".quick-input-widget input.input");
      await page.keyboard.press("F1");
      await input.waitFor({ state: "visible" });
      await input.fill(`>${text}`);
      await page.locator(".quick-input-list .monaco-list-row", { hasText: text }).first().waitFor();
      await page.keyboard.press("Enter");
    },
    async stop() {
      await context.close();
      await stopCode();
      rmSync(tmp, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
    },
  };
}

function freePort() {
  return new Promise((resolve) => {
    const probe = net.createServer().listen(0, "127.0.0.1", () => {
      const { port } = probe.address();
      probe.close(() => resolve(port));
    });
  });
}

async function healthy(port, log) {
  for (const end = Date.now() + STARTS_WITHIN_MS; Date.now() < end; ) {
    try {
      if ((await fetch(`http://127.0.0.1:${port}/healthz`)).ok) return;
    } catch {
      // not listening yet
    }
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  throw new Error(`code-server did not start\n${log()}`);
}

/** End the group of processes that we started, and nothing else. */
async function endGroup(child) {
  const ended = new Promise((resolve) => {
    child.once("exit", resolve);
    setTimeout(resolve, 3000).unref();
  });
  for (const signal of ["SIGTERM", "SIGKILL"]) {
    try {
      process.kill(-child.pid, signal);
    } catch {
      // gone already
    }
    if (signal === "SIGTERM") await ended;
  }
}
