// Extends Locust's page: a line says what is tested, the tab "Services" has live figures and charts of each service,
// the chosen user classes come first in the picker, and the custom parameters are open.
"use strict";
(() => {
  const EVERY_MS = 1000;
  const panel = document.createElement("section");
  panel.id = "services";
  panel.style.overflowX = "auto";

  // Texts become text nodes, never markup.
  const put = (parent, name, text, style) => {
    const one = parent.appendChild(document.createElement(name));
    if (text !== undefined) one.textContent = text;
    if (style) one.style.cssText = style;
    return one;
  };

  const cell = "padding:6px 12px;white-space:nowrap;border-bottom:1px solid rgba(128,128,128,.4);text-align:";
  const show = found => {
    panel.replaceChildren();
    const table = put(panel, "table", undefined, "border-collapse:collapse;font:14px Roboto,Helvetica,Arial,sans-serif;"
      + "font-variant-numeric:tabular-nums");
    const head = put(table, "tr");
    found.columns.forEach((title, at) => {
      put(head, "th", title, cell.replace("nowrap", "normal") + (at ? "right" : "left")).scope = "col";
    });
    for (const row of found.rows) {
      const line = put(table, "tr");
      row.forEach((text, at) => put(line, at ? "td" : "th", text, cell + (at ? "right" : "left;font-weight:500")));
      // On a phone the figures are scrolled below the names.
      line.cells[0].style.cssText += `;position:sticky;left:0;background:${getComputedStyle(document.body).backgroundColor}`;
    }
    const remarks = [...found.notes, "once a second, from each service's /metrics and PostgreSQL's pg_stat_activity"];
    for (const text of remarks) put(panel, "p", text, "font:13px Roboto,Helvetica,Arial,sans-serif;margin:8px 12px");
  };

  // Requests/s of each service over the last minutes, as Locust counts them. Rows are "<service> <operation>" where
  // several services run.
  const KEPT = 180;
  const WIDE = 640, HIGH = 160, LEFT = 60, RIGHT = 150, EDGE = 14;
  const COLOURS = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#888888", "#555555"];
  const past = new Map();
  const remember = stats => {
    const now = new Map();
    for (const one of stats.stats || []) {
      if (one.name === "Aggregated") continue;
      const [service, operation] = one.name.split(" ");
      const name = operation ? service : "requests/s";
      now.set(name, (now.get(name) || 0) + one.current_rps);
    }
    if (stats.state !== "running" && stats.state !== "spawning") return;
    for (const name of [...past.keys()]) if (!now.has(name)) past.delete(name);  // another test has begun
    for (const [name, rps] of now) past.set(name, [...(past.get(name) || []), rps].slice(-KEPT));
  };

  const SVG = "http://www.w3.org/2000/svg";
  const mark = (parent, name, attributes, text) => {
    const one = parent.appendChild(document.createElementNS(SVG, name));
    for (const [key, value] of Object.entries(attributes)) one.setAttribute(key, value);
    if (text !== undefined) one.textContent = text;
    return one;
  };
  const chart = () => {
    const most = Math.max(1, ...[...past.values()].flat());
    const length = Math.max(2, ...[...past.values()].map(one => one.length));
    const x = at => LEFT + (WIDE - LEFT - RIGHT) * at / (length - 1);
    const y = rps => HIGH - EDGE - (HIGH - 2 * EDGE) * rps / most;
    const drawn = document.createElementNS(SVG, "svg");
    for (const [key, value] of Object.entries({viewBox: `0 0 ${WIDE} ${HIGH}`, role: "img", "font-size": 12,
      "aria-label": "requests/s of each service", fill: "currentColor"})) drawn.setAttribute(key, value);
    drawn.style.cssText = `display:block;width:100%;max-width:${WIDE}px;margin:8px 12px`;
    for (const level of [0, most]) {
      mark(drawn, "line", {x1: LEFT, x2: WIDE - RIGHT, y1: y(level), y2: y(level), stroke: "rgba(128,128,128,.4)"});
      mark(drawn, "text", {x: LEFT - 6, y: y(level) + 4, "text-anchor": "end"}, Math.round(level).toLocaleString("en"));
    }
    mark(drawn, "text", {x: 0, y: HIGH / 2}, "req/s");
    // The names at the right, in the order of the last values and never closer than a line's height.
    const names = [...past.keys()].sort((one, other) => past.get(other).at(-1) - past.get(one).at(-1));
    names.forEach((name, place) => {
      const values = past.get(name), colour = COLOURS[[...past.keys()].indexOf(name) % COLOURS.length];
      const points = values.map((rps, at) => `${x(length - values.length + at)},${y(rps)}`).join(" ");
      mark(drawn, "polyline", {points, fill: "none", stroke: colour, "stroke-width": 1.6});
      const spread = Math.max(EDGE + 14 * place, Math.min(y(values.at(-1)), HIGH - 14 * (names.length - place)));
      mark(drawn, "text", {x: WIDE - RIGHT + 6, y: spread + 4, fill: colour}, name);
    });
    return drawn;
  };

  const isShown = () => panel.isConnected && !document.hidden;

  const ask = async () => {
    if (!isShown()) return;
    try {
      const answer = await fetch("./services/live", {cache: "no-store"});
      if (!answer.ok) throw new Error(`status ${answer.status}`);
      show(await answer.json());
      if (past.size) panel.append(chart());
    } catch (error) {
      panel.replaceChildren();
      put(panel, "p", `Locust does not answer: ${error.message}`, "margin:12px");
    }
  };

  // Locust leaves an unknown tab empty. The address of the page has the open tab.
  const place = () => {
    const tabs = document.querySelector("[role=tablist]");
    const open = tabs && new URLSearchParams(location.search).get("tab") === "services";
    if (!open) panel.remove();
    else if (!panel.isConnected) {
      tabs.closest(".MuiContainer-root").append(panel);
      ask();
    }
  };

  // What is tested, below Locust's own header.
  const said = document.createElement("p");
  said.id = "tested";
  said.style.cssText = "font:13px Roboto,Helvetica,Arial,sans-serif;margin:6px 24px";
  const say = async () => {
    if (document.hidden) return;
    try {
      const [tested, stats] = await Promise.all(["./services/test", "./stats/requests"].map(
        one => fetch(one, {cache: "no-store"}).then(answer => answer.json())));
      said.textContent = tested.text;
      remember(stats);
    } catch { said.textContent = ""; }
    const header = document.querySelector("header");
    if (!said.textContent) said.remove();
    else if (header && !said.isConnected) header.after(said);
  };

  // Locust folds the custom parameters, which decide what is measured.
  const unfolded = new WeakSet();
  const unfold = () => {
    for (const button of document.querySelectorAll("button[aria-expanded]")) {
      if (unfolded.has(button) || button.textContent.trim() !== "Custom parameters") continue;
      unfolded.add(button);
      if (button.getAttribute("aria-expanded") === "false") button.click();
    }
  };

  // Each time that Locust shows its picker, all classes are selected.
  let chosen = JSON.parse(document.currentScript.dataset.chosen);
  const met = new WeakSet();
  const rows = table => [...table.querySelectorAll("tbody tr")].filter(row => row.querySelector("input[type=checkbox]"));
  const isOn = row => row.querySelector("input[type=checkbox]").checked;
  const nameOf = row => row.cells[1].textContent.trim();
  const choose = async table => {
    for (const row of rows(table)) {
      if (isOn(row) !== chosen.includes(nameOf(row))) row.querySelector("input[type=checkbox]").click();
      await new Promise(done => setTimeout(done));  // React must draw each click before the next
    }
    table.addEventListener("change", () => setTimeout(() => {
      chosen = rows(table).filter(isOn).map(nameOf);
    }, 50));
  };
  const pick = () => {
    const names = (window.templateArgs || {}).available_user_classes || [];
    for (const table of document.querySelectorAll("table")) {
      if (met.has(table) || panel.contains(table)) continue;
      const all = rows(table);
      if (all.length && all.length === names.length && all.every(row => names.includes(nameOf(row)))) {
        met.add(table);
        choose(table);
      }
    }
  };

  const look = () => { place(); unfold(); if ((window.templateArgs || {}).show_userclass_picker) pick(); };
  new MutationObserver(look).observe(document.documentElement, {childList: true, subtree: true});
  addEventListener("popstate", look);
  setInterval(() => { place(); ask(); say(); }, EVERY_MS);
})();
