// Copyright (c) 2026, selfhost.aistack contributors
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

const BASE = "/api/v1/";
let csrfCookie = "";

/** The gateway said no; `status` is the answer's, `message` one sentence for the person. */
export class Refused extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

function csrfToken() {
  const found = document.cookie.split("; ").find((pair) => pair.startsWith(`${csrfCookie}=`));
  return found ? found.slice(csrfCookie.length + 1) : "";
}

/** Ask the API. `json` or `body` is sent, `as` says how the answer is read (json, text, nothing). */
export async function ask(path, { method = "GET", json, body, as = "json" } = {}) {
  const headers = {};
  if (json) headers["Content-Type"] = "application/json";
  if (method !== "GET" && csrfToken()) headers["X-CSRF-Token"] = csrfToken();
  let answer;
  try {
    answer = await fetch(BASE + path, { method, headers, body: json ? JSON.stringify(json) : body });
  } catch {
    throw new Refused(0, "The gateway cannot be reached. Check the connection and try again.");
  }
  if (!answer.ok) throw new Refused(answer.status, await sentence(answer));
  if (as === "nothing") return null;
  if (as === "text") return answer.text();
  const data = await answer.json();
  if (path === "auth/config") csrfCookie = data.csrf_cookie;
  return data;
}

async function sentence(answer) {
  try {
    const { detail } = await answer.json();
    if (typeof detail === "string") return detail;
  } catch {
    // The edge in front answers without JSON.
  }
  if (answer.status === 413) return "The PDF is too large.";
  return `The gateway answered with status ${answer.status}; try again later.`;
}

/** End the session; one that has ended already is as good. */
export async function signOut() {
  try {
    await ask("auth/logout", { method: "POST", as: "nothing" });
  } catch (error) {
    if (!(error instanceof Refused) || error.status !== 401) throw error;
  }
}
