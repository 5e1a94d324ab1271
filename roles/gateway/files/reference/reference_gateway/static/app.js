// Copyright (c) 2026, selfhost.aistack contributors
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

import { ask, Refused, signOut } from "./api.js";
import { watch } from "./stream.js";
import { moveFocus, say, show } from "./view.js";

const SECTIONS = ["sign-in", "convert", "progress", "result"];
const STEPS = { queued: 0, fetching: 1, waiting_for_converter: 1, converting: 2, storing: 3, done: 4 };
const at = (id) => document.getElementById(id);

let stopWatching = () => {};

function reveal(...ids) {
  for (const id of SECTIONS) show(at(id), ids.includes(id));
}

function signedOut(config) {
  stopWatching();
  show(at("account"), false);
  reveal("sign-in");
  show(at("login"), config.mode === "basic");
  show(at("no-login"), config.mode === "none");
  show(at("providers"), config.providers.length > 0);
  at("providers").replaceChildren(
    ...config.providers.map((provider) => {
      const link = document.createElement("a");
      link.className = "button";
      link.href = provider.login_url;
      link.textContent = `Sign in with ${provider.display_name}`;
      const item = document.createElement("li");
      item.append(link);
      return item;
    }),
  );
}

function ready() {
  stopWatching();
  history.replaceState(null, "", location.pathname);
  say(at("status"), "");
  at("upload").reset();
  at("upload-error").textContent = "";
  at("file").removeAttribute("aria-invalid");
  reveal("convert");
}

async function signIn(event) {
  event.preventDefault();
  const button = at("login").querySelector("button");
  at("login-error").textContent = "";
  button.disabled = true;
  try {
    const credentials = { username: at("username").value, password: at("password").value };
    const answer = await ask("auth/login", { method: "POST", json: credentials });
    at("login").reset();
    if (answer.redirect !== location.pathname) {
      location.assign(answer.redirect);
      return;
    }
    await begin();
    moveFocus(at("title"));
  } catch (error) {
    at("login-error").textContent = error.message;
    at("password").value = "";
    at("password").focus();
  } finally {
    button.disabled = false;
  }
}

function uploadProblem(text) {
  stopWatching();
  say(at("status"), "");
  at("upload-error").textContent = text;
  at("file").setAttribute("aria-invalid", "true");
  reveal("convert");
  at("file").focus();
}

async function submit(event) {
  event.preventDefault();
  const [file] = at("file").files;
  at("upload-error").textContent = "";
  at("file").removeAttribute("aria-invalid");
  if (!file) {
    uploadProblem("Choose a PDF file first.");
    return;
  }
  reveal("progress");
  at("document-name").textContent = file.name;
  at("bar").removeAttribute("value");
  say(at("status"), "Sending the PDF.");
  moveFocus(at("progress-title"));
  const form = new FormData();
  form.append("file", file);
  try {
    follow(await ask("documents/submit", { method: "POST", body: form }));
  } catch (error) {
    if (error instanceof Refused && error.status === 401) await begin();
    else uploadProblem(error.message);
  }
}

function follow(job) {
  history.replaceState(null, "", `#${job.job_id}`);
  reveal("progress");
  stopWatching = watch(job.job_id, changed, (error) => uploadProblem(error.message));
  changed(job);
}

function changed(job) {
  at("document-name").textContent = job.filename;
  if (job.status === "failed") {
    ready();
    uploadProblem(job.error);
  } else if (job.status === "completed") {
    finished(job).catch((error) => uploadProblem(error.message));
  } else {
    at("bar").value = STEPS[job.processing_phase] ?? 0;
    say(at("status"), job.message);
  }
}

async function finished(job) {
  stopWatching();
  const markdown = await ask(`documents/${job.job_id}/result`, { as: "text" });
  at("bar").value = STEPS.done;
  say(at("status"), `Done. The Markdown of ${job.filename} has ${markdown.split(/\s+/).filter(Boolean).length} words.`);
  at("markdown").textContent = markdown;
  at("download").href = job.result_url;
  at("download").download = job.filename.replace(/\.pdf$/i, "") + ".md";
  show(at("warnings"), job.warnings.length > 0);
  at("warnings").replaceChildren(
    ...job.warnings.map((text) => Object.assign(document.createElement("li"), { textContent: text })),
  );
  reveal("progress", "result");
  moveFocus(at("result-title"));
}

function acceptDrops() {
  const frame = at("drop");
  const mark = (event) => {
    event.preventDefault();
    frame.classList.toggle("over", event.type === "dragover");
  };
  frame.addEventListener("dragover", mark);
  frame.addEventListener("dragleave", mark);
  frame.addEventListener("drop", (event) => {
    mark(event);
    if (event.dataTransfer.files.length) at("file").files = event.dataTransfer.files;
  });
}

async function who() {
  try {
    return await ask("auth/me");
  } catch (error) {
    if (error instanceof Refused && error.status === 401) return null;
    throw error;
  }
}

async function begin() {
  const config = await ask("auth/config");
  const user = await who();
  // Without sign-in the browser's own same-origin mark opens the API, which it sends over HTTPS and on this machine only.
  if (!user && !(config.mode === "none" && window.isSecureContext)) {
    signedOut(config);
    return;
  }
  show(at("account"), user !== null);
  at("account-name").textContent = user?.name ?? "";
  const id = location.hash.slice(1);
  if (!/^[0-9a-f-]{36}$/.test(id)) {
    ready();
    return;
  }
  try {
    follow(await ask(`documents/${id}`));
  } catch {
    ready();
  }
}

at("login").addEventListener("submit", signIn);
at("upload").addEventListener("submit", submit);
at("another").addEventListener("click", () => {
  ready();
  at("file").focus();
});
at("logout").addEventListener("click", async () => {
  await signOut();
  history.replaceState(null, "", location.pathname);
  await begin();
  moveFocus(at("title"));
});
acceptDrops();
begin().catch((error) => {
  reveal("convert");
  uploadProblem(error.message);
});
