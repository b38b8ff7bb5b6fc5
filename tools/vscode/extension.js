// Starts `weir lsp` and speaks the Language Server Protocol with it. No build step.
"use strict";

const { workspace } = require("vscode");
const { LanguageClient } = require("vscode-languageclient/node");

let client;

function activate() {
  const command = workspace.getConfiguration("weir").get("path", "weir");
  const server = { command, args: ["lsp"] };
  client = new LanguageClient("weir", "Weir", { run: server, debug: server }, {
    documentSelector: [{ language: "weir" }],
    synchronize: { fileEvents: workspace.createFileSystemWatcher("**/*.weir") },
  });
  return client.start();
}

function deactivate() {
  return client && client.stop();
}

module.exports = { activate, deactivate };
