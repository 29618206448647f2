// Extends Locust's page: a line says what is tested, the tab "Services" has live figures and a chart of each service's
// requests/s, the chosen user classes come first in the picker, and the custom parameters are open.
"use strict";
(() => {
  const EVERY_MS = 1000;
  const FONT = "Roboto,Helvetica,Arial,sans-serif";
  const TEXT = `font:13px ${FONT};margin:8px 12px`;

  // Texts become text nodes, never markup.
  const put = (parent, name, text, style) => {
    const one = parent.appendChild(document.createElement(name));
    if (text !== undefined) one.textContent = text;
    if (style) one.style.cssText = style;
    return one;
  };

  const panel = document.createElement("section");
  panel.id = "services";
  // On a phone the table is scrolled, and nothing else.
  const [figures, charts] = ["overflow-x:auto", ""].map(style => put(panel, "div", undefined, style));

  const paper = () => getComputedStyle(document.body).backgroundColor;
  const cell = "padding:6px 12px;white-space:nowrap;border-bottom:1px solid rgba(128,128,128,.4);text-align:";
  const show = found => {
    figures.replaceChildren();
    const table = put(figures, "table", undefined, `border-collapse:collapse;font:14px ${FONT};`
      + "font-variant-numeric:tabular-nums");
    const head = put(table, "tr");
    found.columns.forEach((title, at) => {
      put(head, "th", title, cell.replace("nowrap", "normal") + (at ? "right" : "left")).scope = "col";
    });
    for (const row of found.rows) {
      const line = put(table, "tr");
      row.forEach((text, at) => put(line, at ? "td" : "th", text, cell + (at ? "right" : "left;font-weight:500")));
      // On a phone the figures are scrolled below the names.
      line.cells[0].style.cssText += `;position:sticky;left:0;background:${paper()}`;
    }
    const remarks = [...found.notes, "once a second, from each service's /metrics and PostgreSQL's pg_stat_activity"];
    for (const text of remarks) put(figures, "p", text, `${TEXT};position:sticky;left:12px`);
  };

  // Requests/s of each service over the last minutes.
  const KEPT_MS = 180000, GAP_MS = 5000;
  const MOST_WIDE = 760, NARROW = 640, LEGEND = 220, HIGH = 190, LEFT = 56, EDGE = 10, BELOW = 22;
  const COLOURS = {
    light: ["#0072b2", "#d55e00", "#00865f", "#b8578f", "#9a6a00", "#3a7fc4", "#6b6b6b", "#7a4fbf"],
    dark: ["#56b4e9", "#ff8a3d", "#2fc796", "#e58fc0", "#f0b429", "#a9d6f5", "#c4c4c4", "#b39ddb"],
  };
  const DASHED_FROM = 4;  // colours alone cannot be told apart from there on
  let begun, offered = [];
  const past = new Map();  // of each service: [time, requests/s]
  const remember = test => {
    if (test.begun !== begun) past.clear();
    begun = test.begun;
    const now = Date.now();
    for (const [name, value] of Object.entries(test.requests_per_s)) {
      past.set(name, [...(past.get(name) || []), [now, value]].filter(([at]) => at >= now - KEPT_MS));
    }
  };

  const SVG = "http://www.w3.org/2000/svg";
  const mark = (parent, name, attributes, text) => {
    const one = parent.appendChild(document.createElementNS(SVG, name));
    for (const [key, value] of Object.entries(attributes)) one.setAttribute(key, value);
    if (text !== undefined) one.textContent = text;
    return one;
  };
  // A service has the same line in every test.
  const lineOf = name => {
    const place = Math.max(0, offered.indexOf(name));
    const [red, green, blue] = paper().match(/[0-9.]+/g).map(Number);
    const colours = COLOURS[red + green + blue < 384 ? "dark" : "light"];
    const stroke = colours[place % colours.length];
    return {fill: "none", stroke, "stroke-width": 2, "stroke-dasharray": place < DASHED_FROM ? "none" : "6 3"};
  };
  const roundUp = value => {
    const unit = 10 ** Math.floor(Math.log10(value));
    return [1, 1.5, 2, 3, 4, 6, 8, 10].find(one => one * unit >= value) * unit;
  };
  const figure = value => value.toLocaleString("en", {maximumFractionDigits: value < 10 ? 1 : 0});
  const clock = at => new Date(at).toLocaleTimeString("en-GB");
  const chart = () => {
    charts.replaceChildren();
    const names = [...past.keys()].sort((one, other) => offered.indexOf(one) - offered.indexOf(other));
    if (!names.length) return;
    const points = [...past.values()].flat();
    const most = roundUp(Math.max(1, ...points.map(([, value]) => value)));
    const first = Math.min(...points.map(([at]) => at)), last = Math.max(first + 1, ...points.map(([at]) => at));
    const room = panel.clientWidth - 24;
    const wide = Math.max(200, room < NARROW ? room : Math.min(MOST_WIDE, room - LEGEND));
    const x = at => LEFT + (wide - LEFT - EDGE) * (at - first) / (last - first);
    const y = value => HIGH - BELOW - (HIGH - BELOW - EDGE) * value / most;
    put(charts, "h3", "requests/s, mean of ten seconds", `font:500 14px ${FONT};margin:16px 12px 4px`);
    const box = put(charts, "div", undefined, "display:flex;flex-wrap:wrap;gap:4px 16px;margin:0 12px");
    const drawn = mark(box, "svg", {width: wide, height: HIGH, role: "img", "font-size": 12, fill: "currentColor",
      "font-family": FONT, "aria-label": "requests/s of each service over the last three minutes"});
    for (const level of [0, most / 2, most]) {
      mark(drawn, "line", {x1: LEFT, x2: wide - EDGE, y1: y(level), y2: y(level), stroke: "rgba(128,128,128,.4)"});
      mark(drawn, "text", {x: LEFT - 6, y: y(level) + 4, "text-anchor": "end"}, figure(level));
    }
    mark(drawn, "text", {x: LEFT, y: HIGH - 4}, clock(first));
    if (last - first > GAP_MS) mark(drawn, "text", {x: wide - EDGE, y: HIGH - 4, "text-anchor": "end"}, clock(last));
    const legend = put(box, "ul", undefined, `list-style:none;margin:0;padding:0;font:13px/20px ${FONT}`);
    for (const name of names) {
      const values = past.get(name);
      // A page that is not looked at asks nothing: the line has a gap.
      const path = values.map(([at, value], place) => {
        const step = place && at - values[place - 1][0] <= GAP_MS ? "L" : "M";
        return `${step}${x(at).toFixed(1)} ${y(value).toFixed(1)}`;
      });
      mark(drawn, "path", {d: path.join(""), ...lineOf(name)});
      const item = put(legend, "li", undefined, "display:flex;gap:8px;align-items:center");
      mark(mark(item, "svg", {width: 28, height: 8, "aria-hidden": true}), "path", {d: "M0 4H28", ...lineOf(name)});
      put(item, "span", name, "flex:1");
      put(item, "span", figure(values.at(-1)[1]), "min-width:48px;text-align:right;font-variant-numeric:tabular-nums");
    }
  };

  const isShown = () => panel.isConnected && !document.hidden;

  const ask = async () => {
    if (!isShown()) return;
    try {
      const answer = await fetch("./services/live", {cache: "no-store"});
      if (!answer.ok) throw new Error(`status ${answer.status}`);
      if (answer.redirected) throw new Error("log in, then load this page once more");
      const found = await answer.json();
      offered = found.rows.map(row => row[0]);
      show(found);
      chart();
    } catch (error) {
      figures.replaceChildren();
      put(figures, "p", `Locust does not answer: ${error.message}`, "margin:12px");
    }
  };

  // Locust leaves an unknown tab empty. The address of the page has the open tab.
  const tabs = () => document.querySelector("[role=tablist]");
  const place = () => {
    const open = tabs() && new URLSearchParams(location.search).get("tab") === "services";
    if (!open) panel.remove();
    else if (!panel.isConnected) {
      tabs().closest(".MuiContainer-root").append(panel);
      ask();
    }
  };

  // What is tested, below Locust's own header. The line keeps its place, so that nothing moves when it is known.
  const said = document.createElement("p");
  said.id = "tested";
  said.style.cssText = `font:13px/18px ${FONT};min-height:18px;padding-top:8px;overflow-wrap:anywhere`;
  const say = async () => {
    if (document.hidden || !said.isConnected) return;
    try {
      const answer = await fetch("./services/test", {cache: "no-store"});
      const test = await answer.json();
      said.textContent = test.text;
      remember(test);
    } catch { /* what is tested stays true when Locust does not answer */ }
  };
  const placeSaid = () => {
    if (!tabs() || said.isConnected) return;
    tabs().closest(".MuiContainer-root").prepend(said);
    say();
  };

  // Locust folds the custom parameters, which decide what is measured. It cuts a label that is longer than its field.
  put(document.head, "style", `
    [data-own] .MuiCollapse-root {transition-duration: 0s !important}
    [data-own] label {position: static; transform: none; max-width: none; white-space: normal; font-size: 13px;
      line-height: 18px; padding-bottom: 6px}
    [data-own] fieldset {top: 0}
    [data-own] fieldset legend {display: none}
    [data-own] select[multiple] {min-height: 12em}
  `);
  const unfold = () => {
    for (const button of document.querySelectorAll(".MuiAccordionSummary-root")) {
      const part = button.closest(".MuiAccordion-root");
      if ("own" in part.dataset || button.textContent.trim() !== "Custom parameters") continue;
      part.dataset.own = "";
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

  const look = () => { place(); placeSaid(); unfold(); if ((window.templateArgs || {}).show_userclass_picker) pick(); };
  new MutationObserver(look).observe(document.documentElement, {childList: true, subtree: true});
  addEventListener("popstate", look);
  look();  // Locust may have drawn its page before this script came
  setInterval(() => { look(); ask(); say(); }, EVERY_MS);
})();
