// Packages the extension as longshift-VERSION.vsix: the same bytes for the same files. vsce stamps
// each entry with the time of the day, so its archive is written anew: entries in order of name,
// all with the time of SOURCE_DATE_EPOCH (by default 1980, the oldest that a zip can say).
// `--server WHEEL` puts the server's wheel into the package, for machines that have none;
// `--out FILE` writes another file.
import { execFileSync } from "node:child_process";
import { copyFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { crc32, deflateRawSync, inflateRawSync } from "node:zlib";

const { version } = JSON.parse(readFileSync("package.json", "utf8"));
const wheel = after("--server");
const out = after("--out") ?? `longshift-${version}.vsix`;

if (wheel !== undefined) {
  mkdirSync("bundled");
  copyFileSync(wheel, path.join("bundled", path.basename(wheel)));
}
copyFileSync("../LICENSE", "LICENSE");
try {
  execFileSync(process.execPath, ["build.mjs"], { stdio: "inherit" });
  const vsce = "node_modules/@vscode/vsce/vsce";
  const flags = ["--no-dependencies", "--allow-missing-repository", "--no-rewrite-relative-links"];
  execFileSync(process.execPath, [vsce, "package", ...flags, "--out", out], { stdio: "pipe" });
} finally {
  rmSync("LICENSE", { force: true });
  rmSync("bundled", { recursive: true, force: true });
}
writeFileSync(out, zip(unzip(readFileSync(out))));
console.log(`${out}: ${(readFileSync(out).length / 1024).toFixed(0)} kB`);

function after(option) {
  const given = process.argv.indexOf(option);
  return given < 0 ? undefined : process.argv[given + 1];
}

/** The files of an archive, by its central directory. */
function unzip(data) {
  const end = data.lastIndexOf(Buffer.from("504b0506", "hex"));
  const files = [];
  let at = data.readUInt32LE(end + 16);
  for (let n = data.readUInt16LE(end + 10); n > 0; n--) {
    const method = data.readUInt16LE(at + 10);
    const packed = data.readUInt32LE(at + 20);
    const [name, extra, comment] = [28, 30, 32].map((o) => data.readUInt16LE(at + o));
    const local = data.readUInt32LE(at + 42);
    const begin = local + 30 + data.readUInt16LE(local + 26) + data.readUInt16LE(local + 28);
    const body = data.subarray(begin, begin + packed);
    const content = method === 8 ? inflateRawSync(body) : body;
    files.push({ name: data.toString("utf8", at + 46, at + 46 + name), content });
    at += 46 + name + extra + comment;
  }
  return files.sort((a, b) => (a.name < b.name ? -1 : 1));
}

function zip(files) {
  const [time, date] = stamp();
  const locals = [];
  const directory = [];
  let offset = 0;
  for (const { name, content } of files) {
    const packed = deflateRawSync(content, { level: 9 });
    const shared = Buffer.alloc(26);
    shared.writeUInt16LE(20, 0);
    shared.writeUInt16LE(0x0800, 2);
    shared.writeUInt16LE(8, 4);
    shared.writeUInt16LE(time, 6);
    shared.writeUInt16LE(date, 8);
    shared.writeUInt32LE(crc32(content), 10);
    shared.writeUInt32LE(packed.length, 14);
    shared.writeUInt32LE(content.length, 18);
    shared.writeUInt16LE(Buffer.byteLength(name), 22);
    const local = Buffer.concat([
      Buffer.from("504b0304", "hex"),
      shared,
      Buffer.from(name),
      packed,
    ]);
    const tail = Buffer.alloc(14);
    tail.writeUInt32LE(offset, 10);
    const made = Buffer.from("504b01021400", "hex");
    directory.push(Buffer.concat([made, shared, tail, Buffer.from(name)]));
    locals.push(local);
    offset += local.length;
  }
  const size = directory.reduce((sum, one) => sum + one.length, 0);
  const end = Buffer.alloc(22);
  end.write("504b0506", "hex");
  end.writeUInt16LE(files.length, 8);
  end.writeUInt16LE(files.length, 10);
  end.writeUInt32LE(size, 12);
  end.writeUInt32LE(offset, 16);
  return Buffer.concat([...locals, ...directory, end]);
}

function stamp() {
  const at = new Date(Math.max(Number(process.env.SOURCE_DATE_EPOCH ?? 0), 315532800) * 1000);
  const date =
    ((at.getUTCFullYear() - 1980) << 9) | ((at.getUTCMonth() + 1) << 5) | at.getUTCDate();
  const time = (at.getUTCHours() << 11) | (at.getUTCMinutes() << 5) | (at.getUTCSeconds() >> 1);
  return [time, date];
}
