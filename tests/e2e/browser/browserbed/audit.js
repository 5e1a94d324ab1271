// Copyright (c) 2026, selfhost.aistack contributors
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later
//
// The body of a function that returns the faults of the visible page, one sentence each.

const faults = [];
const fault = (text, element) => faults.push(element ? `${text}: ${element.outerHTML.slice(0, 120)}` : text);
const all = (selector) => [...document.querySelectorAll(selector)];
const visible = (element) => element.checkVisibility({ visibilityProperty: true }) && element.getClientRects().length > 0;
// What stands outside the window until it has the focus is checked when it has it.
const onPage = (element) => element.getBoundingClientRect().right > 0;

function structure() {
  if (!document.documentElement.lang) fault("The page does not say its language");
  if (!document.title.trim()) fault("The page has no title");
  for (const [selector, count] of [["h1", 1], ["main", 1], ["header", 1], ["footer", 1]]) {
    if (all(selector).filter(visible).length !== count) fault(`There is not ${count} visible ${selector}`);
  }
  let level = 0;
  for (const heading of all("h1, h2, h3, h4, h5, h6").filter(visible)) {
    const own = Number(heading.tagName[1]);
    if (own > level + 1) fault("A heading skips a level", heading);
    level = own;
  }
  const ids = all("[id]").map((element) => element.id);
  for (const id of new Set(ids.filter((id, index) => ids.indexOf(id) !== index))) fault(`The id ${id} is used twice`);
  for (const attribute of ["aria-labelledby", "aria-describedby", "for"]) {
    for (const element of all(`[${attribute}]`)) {
      for (const id of element.getAttribute(attribute).split(/\s+/)) {
        if (!document.getElementById(id)) fault(`${attribute} names nothing`, element);
      }
    }
  }
  for (const input of all("input, select, textarea").filter(visible)) {
    if (!input.labels.length) fault("A field has no visible label", input);
  }
  for (const element of all("[tabindex]")) if (element.tabIndex > 0) fault("The order of the focus is bent", element);
  for (const image of all("img")) if (!image.hasAttribute("alt")) fault("An image has no alternative", image);
  for (const element of all("ul, ol").filter(visible)) {
    if ([...element.children].some((child) => child.tagName !== "LI")) fault("A list holds something else", element);
  }
  if (!all('[role="status"][aria-live="polite"]').length) fault("There is no live region");
}

function targets() {
  for (const element of all("a[href], button, input").filter(visible).filter(onPage)) {
    const { width, height } = element.getBoundingClientRect();
    if (element.closest("p") && element.matches("a:not(.button)")) continue;
    if (width < 24 || height < 24) fault(`A target is only ${width} x ${height} pixels`, element);
  }
}

function rgb(text) {
  const [r, g, b, a = 1] = text.match(/[\d.]+/g).map(Number);
  return { r, g, b, a };
}

function luminance({ r, g, b }) {
  const [x, y, z] = [r, g, b].map((c) => (c /= 255) <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
  return 0.2126 * x + 0.7152 * y + 0.0722 * z;
}

function ratio(one, other) {
  const [high, low] = [luminance(one), luminance(other)].sort((a, b) => b - a);
  return (high + 0.05) / (low + 0.05);
}

const over = (top, below) => ({
  r: top.r * top.a + below.r * (1 - top.a),
  g: top.g * top.a + below.g * (1 - top.a),
  b: top.b * top.a + below.b * (1 - top.a),
  a: 1,
});

function ground(element) {
  if (!element) return { r: 255, g: 255, b: 255, a: 1 };
  const own = rgb(getComputedStyle(element).backgroundColor);
  return own.a === 1 ? own : over(own, ground(element.parentElement));
}

function contrast() {
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement;
    if (!walker.currentNode.data.trim() || !visible(element) || !onPage(element)) continue;
    check(element, getComputedStyle(element));
  }
  for (const input of all("input").filter(visible)) {
    check(input, getComputedStyle(input));
    const style = getComputedStyle(input);
    if (style.borderTopStyle !== "none" && ratio(rgb(style.borderTopColor), ground(input.parentElement)) < 3) {
      fault("The border of a field is too faint", input);
    }
  }
  for (const button of all("button, .button").filter(visible)) {
    if (ratio(rgb(getComputedStyle(button).borderTopColor), ground(button.parentElement)) < 3) {
      fault("The border of a button is too faint", button);
    }
  }
}

function check(element, style) {
  const size = parseFloat(style.fontSize);
  const large = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700);
  const behind = ground(element);
  const found = ratio(over(rgb(style.color), behind), behind);
  if (found < (large ? 3 : 4.5)) fault(`The contrast is only ${found.toFixed(2)}`, element);
}

structure();
targets();
contrast();
return faults;
