// What the page shows is asked for with the key of its user, which stays in this tab.
"use strict";

const KEPT = "proxbox-key";
const find = (id) => document.getElementById(id);

class Refused extends Error {
  constructor(status, why) {
    super(why);
    this.status = status;
  }
}

async function ask(path, options = {}) {
  const headers = { "X-Proxbox-API-Key": sessionStorage.getItem(KEPT) ?? "", ...options.headers };
  const answer = await fetch(path, { ...options, headers });
  if (answer.ok || path === "/readyz") return answer;
  const told = await answer.json().catch(() => ({}));
  throw new Refused(answer.status, told.detail ?? answer.statusText);
}

const json = async (path) => (await ask(path)).json();

// A row of texts; a cell may be a text, or a text with a class.
function row(cells) {
  const line = document.createElement("tr");
  for (const cell of cells) {
    const [text, look] = Array.isArray(cell) ? cell : [cell, ""];
    const box = document.createElement("td");
    box.textContent = text ?? "";
    box.className = look;
    line.append(box);
  }
  return line;
}

function note(table, text, look) {
  const line = row([[text, look]]);
  line.firstChild.colSpan = table.tHead.rows[0].cells.length;
  table.tBodies[0].replaceChildren(line);
}

// Fills a table. A key that is not for it hides nothing else.
async function fill(id, read) {
  const table = find(id);
  try {
    const rows = await read();
    if (rows.length === 0) note(table, "None.", "none");
    else table.tBodies[0].replaceChildren(...rows.map(row));
  } catch (error) {
    if (error.status === 401) throw error;
    note(table, error.message, "bad");
  }
}

const looks = (state) => [state, { completed: "good", failed: "bad", interrupted: "bad" }[state] ?? ""];
const time = (text) => (text ? new Date(text).toLocaleString() : "");
const ok = (well, text) => [text, well ? "good" : "bad"];

async function checks() {
  const ready = await json("/readyz");
  return ready.checks.map((check) => [check.name, ok(check.ok, check.ok ? "ok" : "failed"), check.evidence]);
}

async function endpoints() {
  const products = [["Proxmox VE", "/proxmox"], ["Backup Server", "/pbs"], ["Datacenter Manager", "/pdm"]];
  const place = (one) => `${one.domain || one.ip_address}:${one.port}`;
  const state = (one) => ok(one.enabled, one.enabled ? "enabled" : "disabled");
  const permits = (one) =>
    ["allow_writes", "allow_guest_commands", "allow_node_shell"].filter((name) => one[name]).join(", ") || "reads";
  const lists = products.map(async ([product, prefix]) =>
    (await json(`${prefix}/endpoints`)).map((one) => [one.name, product, place(one), state(one), permits(one)]));
  const netbox = (await json("/netbox/endpoint")).map((one) => [one.name, "NetBox", place(one), state(one), "writes"]);
  return netbox.concat(...(await Promise.all(lists)));
}

async function runs() {
  return (await json("/api/v1/runs?limit=10")).map((run) => {
    const told = run.summary?.result ?? {};
    const failed = told.failed ?? 0;
    return [
      time(run.started_at), looks(run.state), told.created, told.updated, told.deleted,
      [failed || "", failed ? "bad" : ""],
    ];
  });
}

async function audit() {
  return (await json("/api/v1/audit?limit=10")).map((entry) => [
    time(entry.at), entry.key.label, entry.endpoint.name, entry.operation,
    ok(entry.status < 400 && entry.status !== null, entry.status ?? "none"), entry.result,
  ]);
}

async function logs() {
  const page = await json("/admin/logs?limit=50&errors_only=true");
  return page.logs.map((line) => [time(line.timestamp), [line.level, line.level === "ERROR" ? "bad" : ""], line.message]);
}

async function show() {
  try {
    find("version").textContent = (await json("/")).proxbox.version;
    await json("/version");
    await Promise.all([
      fill("checks", checks), fill("endpoints", endpoints), fill("runs", runs), fill("audit", audit), fill("logs", logs),
    ]);
    enter(true);
  } catch (error) {
    leave(error.message);
  }
}

function enter(known) {
  find("enter").hidden = known;
  for (const id of ["shown", "reload", "leave"]) find(id).hidden = !known;
}

function leave(why) {
  sessionStorage.removeItem(KEPT);
  find("why").textContent = why;
  enter(false);
}

// The frames of a stream of events, as they come.
async function* frames(answer) {
  let rest = "";
  for await (const part of answer.body.pipeThrough(new TextDecoderStream())) {
    const events = (rest + part).split("\n\n");
    rest = events.pop();
    for (const event of events) {
      const field = (name) => event.split("\n").find((line) => line.startsWith(`${name}: `))?.slice(name.length + 2);
      if (field("data")) yield { event: field("event"), data: JSON.parse(field("data")) };
    }
  }
}

async function sync() {
  const [button, progress] = [find("sync"), find("progress")];
  button.disabled = true;
  progress.textContent = "Started; reading.";
  try {
    const started = await ask("/api/v1/runs", {
      method: "POST", headers: { "Content-Type": "application/json" }, body: "{}",
    });
    const { id } = await started.json();
    await fill("runs", runs);
    for await (const { data } of frames(await ask(`/api/v1/runs/${id}/events`))) {
      if (data.message) progress.textContent = data.message;
    }
  } catch (error) {
    progress.textContent = error.message;
  }
  button.disabled = false;
  await fill("runs", runs).catch((error) => leave(error.message));
}

find("enter").addEventListener("submit", (event) => {
  event.preventDefault();
  sessionStorage.setItem(KEPT, find("key").value.trim());
  find("key").value = "";
  find("why").textContent = "";
  show();
});
find("reload").addEventListener("click", show);
find("leave").addEventListener("click", () => leave(""));
find("sync").addEventListener("click", sync);
if (sessionStorage.getItem(KEPT)) show();
