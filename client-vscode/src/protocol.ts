/**
 * What the server says, as types: the mirror of docs/lsp.md.
 *
 * Owns the shapes and the names of methods; does nothing. Fields that the client does not use are
 * left out. tests/lsp/test_mirrors.py holds it against the server.
 */

export const RUN_DID_CHANGE = "longshift/runDidChange";
export const SCHEME = "longshift";

/** The server's commands, without their prefix; no other can be sent. */
export type CommandName =
  | "startGoal"
  | "pauseRun"
  | "resumeRun"
  | "stopRun"
  | "steerRun"
  | "answerQuestion"
  | "addConstraint"
  | "listConstraints"
  | "liftConstraint"
  | "listRuns"
  | "describeRun"
  | "listAgents"
  | "acceptChange"
  | "rejectChange"
  | "reworkChange"
  | "undoDecision"
  | "acceptAll"
  | "rejectAll"
  | "fixFinding"
  | "dismissFinding"
  | "explainFinding"
  | "showChange"
  | "listHunks"
  | "showHunk"
  | "explainChange"
  | "exportRun"
  | "forgetRun";

export interface Position {
  line: number;
  character: number;
}
/** Whole lines of the person's present text, half-open, from zero. */
export interface LineRange {
  start: Position;
  end: Position;
}
export type HunkState = "pending" | "accepted" | "rejected" | "rework" | "superseded" | "stale";
export interface Hunk {
  hunk: number;
  range: LineRange;
  added: number;
  removed: number;
  state: HunkState;
  reason: string;
}
export interface FileChange {
  path: string;
  oldPath: string | null;
  kind: "edit" | "create" | "delete" | "rename" | "mode" | "binary";
  flag: string | null;
  hunks: Hunk[];
}
export interface Change {
  id: string;
  taskId: string;
  title: string;
  state: HunkState;
  files: FileChange[];
}
export interface Task {
  id: string;
  title: string;
  paths: string[];
  state: "waiting" | "running" | "landed" | "failed" | "dropped";
  attempts: number;
  reason: string;
  changeIds: string[];
}
export interface Question {
  id: string;
  question: string;
  options: string[];
  answer: string | null;
}
export interface Usage {
  input_tokens: number;
  output_tokens: number;
  /** null: the price of a model in use is unknown; never a guess. */
  cost_usd: number | string | null;
}
export interface Run {
  runId: string;
  repo: string;
  goal: string;
  state: "running" | "paused" | "ended";
  outcome: string | null;
  reason: string;
  phase: string;
  cycle: number;
  tasks: Task[];
  changes: Change[];
  findings: { id: string; state: string }[];
  questions: Question[];
  usage: Usage;
}
/** `longshift/runDidChange`: a run in short. */
export interface RunUpdate {
  runId: string;
  repo: string;
}
export interface Constraint {
  constraintId: string;
  text: string;
  source: string;
  runId: string | null;
  repo: string;
}
/** The argument that names a change, one of its files, or one hunk. */
export interface Target {
  repo?: string;
  runId: string;
  changeId: string;
  path?: string;
  hunk?: number;
}
