/** Commands on a whole run: look, pause, resume, stop, steer, answer, export, forget. */

import * as vscode from "vscode";
import type { CommandName, Question, Run } from "../protocol";
import { oneLine } from "../runs/words";
import { choice, confirm, isNode, run, words } from "./asking";
import type { Command, Context } from "./context";

const isLive = (one: Run) => one.state !== "ended";

/** Show the view. */
export const showRuns: Command = async () => vscode.commands.executeCommand("longshift.runs.focus");

/** Choose a run and show it in the view. */
export const showRun: Command = async ({ store, tree }, given) => {
  const one = await run(store, given, "Which run?");
  await tree.view.reveal({ kind: "run", run: one }, { focus: true, select: true, expand: 2 });
};

export const pauseRun: Command = (context, given) =>
  control(context, given, "pauseRun", (one) => one.state === "running");
export const resumeRun: Command = (context, given) =>
  control(context, given, "resumeRun", (one) => one.state !== "running");
export const stopRun: Command = (context, given) => control(context, given, "stopRun", isLive);

/** Tell the planner something. */
export const steerRun: Command = async ({ calls, store }, given) => {
  const one = await run(store, given, "Steer which run?", isLive);
  const message = await words(
    `Steer ${one.runId}`,
    "The planner reads it at its next step.",
    "Leave the public names as they are",
  );
  await calls.send("steerRun", { ...idOf(one), message });
};

/** Answer what an agent asked. */
export const answerQuestion: Command = async ({ calls, store }, given) => {
  const hasQuestion = (one: Run) => one.questions.some((asked) => asked.answer === null);
  const one = await run(store, given, "Answer in which run?", hasQuestion);
  const question =
    isNode(given) && given.kind === "question" ? given.question : await chooseQuestion(one);
  const answer = await askAnswer(question);
  await calls.send("answerQuestion", { ...idOf(one), questionId: question.id, answer });
};

/** A branch with one commit for each change. */
export const exportRun: Command = async ({ calls, store }, given) => {
  const one = await run(store, given, "Export which run?");
  const which = await choice("What should the branch hold?", [
    { label: "$(check) What I have accepted", accepted: true },
    { label: "$(git-branch) Everything that landed", accepted: false },
  ]);
  const branch = await words(
    `Export ${one.runId}`,
    "The new branch's name. Your own branch stays checked out.",
    "longshift/retries",
    { value: `longshift/${one.runId.toLowerCase()}` },
  );
  const made = await calls.send<{ branch: string; commits: unknown[] }>("exportRun", {
    ...idOf(one),
    branch,
    accepted: which.accepted,
  });
  void vscode.window.showInformationMessage(
    `Longshift: ${made.branch} has ${made.commits.length} commits of ${one.runId}.`,
  );
};

/** Remove every trace of a run. */
export const forgetRun: Command = async ({ calls, store }, given) => {
  const one = await run(store, given, "Forget which run?", (each) => !isLive(each));
  await confirm(
    `Forget ${one.runId}?`,
    "Its tasks, changes and findings are removed. What you have accepted stays in your files.",
    "Forget",
  );
  await calls.send("forgetRun", idOf(one));
  await store.refresh();
};

/** The argument that names a run. */
export function idOf(one: Run): { repo: string; runId: string } {
  return { repo: one.repo, runId: one.runId };
}

async function control(
  { calls, store }: Context,
  given: unknown,
  command: CommandName,
  fits: (run: Run) => boolean,
): Promise<void> {
  const one = await run(store, given, "Which run?", fits);
  await calls.send(command, idOf(one));
  store.put(one);
}

async function chooseQuestion(one: Run): Promise<Question> {
  const items = one.questions
    .filter((asked) => asked.answer === null)
    .map((question) => ({ label: oneLine(question.question), question }));
  const [only] = items;
  return items.length === 1 && only !== undefined
    ? only.question
    : (await choice("Answer which question?", items)).question;
}

async function askAnswer(question: Question): Promise<string> {
  const title = oneLine(question.question, 200);
  if (question.options.length > 0) {
    const other = "$(edit) Something else…";
    const items = [...question.options, other].map((label) => ({ label }));
    const { label } = await choice(title, items);
    if (label !== other) return label;
  }
  return words(title, question.question, "Your answer");
}
