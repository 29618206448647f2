// Extends Locust's page: the tab "Services" has live figures, and the chosen user classes come first in the picker.
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

  const isShown = () => panel.isConnected && !document.hidden;

  const ask = async () => {
    if (!isShown()) return;
    try {
      const answer = await fetch("./services/live", {cache: "no-store"});
      if (!answer.ok) throw new Error(`status ${answer.status}`);
      show(await answer.json());
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

  const look = () => { place(); if ((window.templateArgs || {}).show_userclass_picker) pick(); };
  new MutationObserver(look).observe(document.documentElement, {childList: true, subtree: true});
  addEventListener("popstate", look);
  setInterval(() => { place(); ask(); }, EVERY_MS);
})();
