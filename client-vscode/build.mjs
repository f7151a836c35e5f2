// Bundles the extension into dist/extension.js; `--tests` also bundles the tests that run inside
// of the editor. The banner takes the time before any of our code is read, so that what activation
// costs is measured whole.
import { rmSync } from "node:fs";
import { build } from "esbuild";

const common = {
  bundle: true,
  platform: "node",
  target: "node20",
  format: "cjs",
  external: ["vscode"],
  legalComments: "none",
  logLevel: "warning",
};

if (!process.argv.includes("--tests")) rmSync("dist", { recursive: true, force: true });
await build({
  ...common,
  entryPoints: ["src/extension.ts"],
  outfile: "dist/extension.js",
  minify: true,
  banner: { js: "globalThis.longshiftLoadedAt = performance.now();" },
});
if (process.argv.includes("--tests")) {
  const entryPoints = ["test/index.ts", "test/together.ts"];
  await build({ ...common, entryPoints, outdir: "dist-test" });
}
