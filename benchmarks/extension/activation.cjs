// Runs inside of the extension host: how long the extension's own code took to activate.
const vscode = require("vscode");

exports.run = async () => {
  const { activationMs } = await vscode.extensions.getExtension("longshift.longshift").activate();
  console.log(`activation: ${activationMs}`);
};
