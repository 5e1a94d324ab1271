// Copyright (c) 2026, selfhost.aistack contributors
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

import { ask } from "./api.js";

const AGAIN_MILLISECONDS = 3000;

/**
 * Call `changed` with every state of a document until `stop`, which is returned, is called.
 *
 * A stream that ends early is opened again by the browser itself. Where it cannot be (the token is over, the gateway was away), a new
 * token is asked for; `lost` is called when even that is refused.
 */
export function watch(jobId, changed, lost) {
  let source = null;
  let timer = 0;
  let stopped = false;

  async function connect() {
    try {
      const { token } = await ask(`documents/${jobId}/stream/token`, { method: "POST" });
      if (stopped) return;
      source = new EventSource(`/api/v1/documents/${jobId}/stream?token=${encodeURIComponent(token)}`);
      source.addEventListener("status", (event) => {
        const job = JSON.parse(event.data);
        if (job.status === "completed" || job.status === "failed") source.close();
        changed(job);
      });
      source.addEventListener("error", () => {
        if (source.readyState === EventSource.CLOSED && !stopped) again();
      });
    } catch (error) {
      if (stopped) return;
      if (error.status === 0 || error.status >= 500) again();
      else lost(error);
    }
  }

  function again() {
    timer = setTimeout(connect, AGAIN_MILLISECONDS);
  }

  connect();
  return () => {
    stopped = true;
    clearTimeout(timer);
    source?.close();
  };
}
