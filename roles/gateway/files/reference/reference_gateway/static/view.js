// Copyright (c) 2026, selfhost.aistack contributors
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

/** Show or hide an element, for everybody and for assistive technology alike. */
export function show(element, visible) {
  element.hidden = !visible;
}

/** Put a text into a live region, only when it is another one, so that it is not read out twice. */
export function say(region, text) {
  if (region.textContent !== text) region.textContent = text;
}

/** Move the reader to where something new begins. */
export function moveFocus(element) {
  element.focus();
  element.scrollIntoView({ block: "nearest" });
}
