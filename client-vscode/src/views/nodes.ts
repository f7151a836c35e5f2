/** What stands in the tree: one tagged value for each row, and which rows are under which. Pure. */

import type { Change, Question, Run, Task } from "../protocol";
import type { Located } from "../runs/hunks";

export type Node =
  | { kind: "run"; run: Run }
  | { kind: "question"; run: Run; question: Question }
  | { kind: "task"; run: Run; task: Task }
  | { kind: "change"; run: Run; change: Change }
  | ({ kind: "hunk" } & Located);

/** A name that stays the same while a row changes. */
export function idOf(node: Node): string {
  const run = `${node.run.repo} ${node.run.runId}`;
  switch (node.kind) {
    case "run":
      return run;
    case "question":
      return `${run} ${node.question.id}`;
    case "task":
      return `${run} ${node.task.id}`;
    case "change":
      return `${run} ${node.change.id}`;
    case "hunk":
      return `${run} ${node.change.id} ${node.file.path} ${node.hunk.hunk}`;
  }
}

/** The rows under a row. */
export function childrenOf(node: Node): Node[] {
  const { run } = node;
  switch (node.kind) {
    case "run":
      return [
        ...run.questions
          .filter((one) => one.answer === null)
          .map((question): Node => ({ kind: "question", run, question })),
        ...run.tasks.map((task): Node => ({ kind: "task", run, task })),
      ];
    case "task":
      return run.changes
        .filter((change) => change.taskId === node.task.id)
        .map((change): Node => ({ kind: "change", run, change }));
    case "change":
      return node.change.files.flatMap((file) =>
        file.hunks
          .filter((hunk) => hunk.state !== "superseded")
          .map((hunk): Node => ({ kind: "hunk", run, change: node.change, file, hunk })),
      );
    case "question":
    case "hunk":
      return [];
  }
}

/** The row over a row; `runs` as they are now. */
export function parentOf(node: Node): Node | undefined {
  const { run } = node;
  switch (node.kind) {
    case "run":
      return undefined;
    case "question":
    case "task":
      return { kind: "run", run };
    case "change": {
      const task = run.tasks.find((one) => one.id === node.change.taskId);
      return task && { kind: "task", run, task };
    }
    case "hunk":
      return { kind: "change", run, change: node.change };
  }
}
