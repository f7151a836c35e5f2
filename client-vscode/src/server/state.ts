/** What the server is doing, as one value of which only what holds can be read. */

import type { LanguageClient } from "vscode-languageclient/node";

export type ServerState =
  /** `message` says what is in the way, and what to do. */
  | { kind: "restricted" | "noFolder" | "virtual" | "stopped"; message: string }
  | { kind: "starting" }
  | { kind: "waiting"; ms: number }
  | { kind: "running"; client: LanguageClient; version: string };
