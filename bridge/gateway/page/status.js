"use strict";
const words = JSON.parse(document.getElementById("words").textContent);
const board = document.getElementById("board");
const state = document.getElementById("state");
const entry = document.getElementById("entry");
const input = document.getElementById("token");
const GOOD = ["ready", "closed"], BAD = ["crash_loop", "degraded", "open"];
const language = document.documentElement.lang;
const number = new Intl.NumberFormat(language);
const instant = new Intl.DateTimeFormat(language, { dateStyle: "medium", timeStyle: "medium", hourCycle: "h23" });

entry.querySelector("label").textContent = words.token;
entry.querySelector("button").textContent = words.show;
entry.querySelector("p").textContent = words.hint;

/* What comes from servers is text, and never becomes markup. */
function make(tag, text, kind) {
  const made = document.createElement(tag);
  if (text !== undefined) made.textContent = text;
  if (kind) made.className = kind;
  return made;
}

function tell(value) {
  if (value === null || value === undefined) return words.unknown;
  return typeof value === "number" ? number.format(value) : String(value);
}

const say = (word) => words[word] ?? word;
const when = (seconds) => (seconds === null ? words.unknown : instant.format(new Date(seconds * 1000)));
const span = (seconds) => (seconds === null ? words.unknown : `${number.format(seconds * 1000)} ms`);
const size = (bytes) => (bytes === null ? words.unknown : `${number.format(Math.round(bytes / 104857.6) / 10)} MB`);
const list = (counts) => Object.entries(counts).map(([name, count]) => `${name}: ${tell(count)}`).join(", ") || words.none;

function mark(value) {
  return GOOD.includes(value) ? "good" : BAD.includes(value) ? "bad" : "some";
}

function table(columns, rows) {
  const made = make("table"), head = make("tr");
  for (const [title] of columns) head.append(make("th", title));
  made.append(head);
  for (const row of rows) {
    const line = make("tr");
    for (const [title, read, kind] of columns) {
      const cell = make("td", read(row), kind ? kind(row) : "");
      cell.dataset.title = title;
      line.append(cell);
    }
    made.append(line);
  }
  return made;
}

function pairs(entries) {
  const made = make("dl");
  for (const [title, value] of entries) made.append(make("dt", title), make("dd", value));
  return made;
}

function failed(server) {
  return Object.entries(server.outcomes).reduce((sum, [name, count]) => (name === "ok" ? sum : sum + count), 0);
}

function showServers(status) {
  const columns = [
    [words.server, (one) => one.name],
    [words.condition, (one) => say(one.condition), (one) => mark(one.condition)],
    [words.breaker, (one) => say(one.breaker), (one) => mark(one.breaker)],
    [words.tools, (one) => tell(one.tools)],
    [words.apart, (one) => one.quarantined.join(", ") || words.none, (one) => (one.quarantined.length ? "bad" : "")],
    [words.in_flight, (one) => tell(one.in_flight)],
    [words.waiting, (one) => tell(one.waiting)],
  ];
  if (status.gateway) columns.push(
    [words.calls, (one) => tell(one.calls)],
    [words.failed, (one) => tell(failed(one))],
    [words.p50, (one) => span(one.p50_s)],
    [words.p95, (one) => span(one.p95_s)],
    [words.p99, (one) => span(one.p99_s)],
    [words.last_error, (one) => (one.last_error ? `${when(one.last_error_at)}: ${one.last_error}` : words.none)],
  );
  return [make("h2", words.servers), table(columns, status.servers)];
}

function showGateway(gateway, status) {
  const connections = status.servers.flatMap((server) => server.connections.map((one) => ({ ...one, server: server.name })));
  return [
    make("h2", words.now),
    pairs([
      [words.calls_a_second, tell(gateway.calls_a_second)],
      [words.sessions, tell(gateway.sessions)],
      [words.streams, tell(gateway.streams)],
      [words.cache, `${tell(gateway.cache_hits)} ${words.of} ${tell(gateway.cache_hits + gateway.cache_misses)}, ${size(gateway.cache_bytes)}`],
      [words.shared_calls, tell(gateway.shared_calls)],
      [words.invalid_arguments, tell(gateway.invalid_arguments)],
      [words.refusals, list(gateway.refusals)],
      [words.audit, `${tell(gateway.audit_waiting)}, ${tell(gateway.audit_lost)}`],
      [words.revision, tell(gateway.catalogue_revision)],
    ]),
    make("h2", words.connections),
    table([
      [words.server, (one) => one.server],
      [words.connection, (one) => one.key],
      [words.condition, (one) => say(one.condition), (one) => mark(one.condition)],
      [words.era, (one) => tell(one.era)],
      [words.pid, (one) => (one.pid === null ? words.none : String(one.pid))],
      [words.in_flight, (one) => tell(one.in_flight)],
      [words.calls, (one) => tell(one.calls)],
      [words.restarts, (one) => tell(one.restarts)],
      [words.memory, (one) => size(one.rss_bytes)],
      [words.cpu, (one) => (one.cpu_s === null ? words.unknown : `${number.format(one.cpu_s)} s`)],
      [words.since, (one) => when(one.since)],
    ], connections),
    make("h2", words.faults),
    gateway.faults.length
      ? table([
        [words.at, (one) => when(one.at)],
        [words.server, (one) => one.server],
        [words.outcome, (one) => say(one.outcome)],
      ], gateway.faults)
      : make("p", words.none),
  ];
}

function showOwn(own) {
  return [
    make("h2", words.you),
    pairs([
      [words.calls_today, tell(own.calls_today)],
      [words.calls_a_minute, tell(own.calls_a_minute)],
      [words.calls_a_day, tell(own.calls_a_day)],
    ]),
  ];
}

function show(status) {
  status.servers.sort((one, other) => one.name.localeCompare(other.name));
  const parts = status.is_draining ? [make("p", words.is_draining, "some")] : [];
  parts.push(...showServers(status));
  if (status.gateway) parts.push(...showGateway(status.gateway, status));
  if (status.you) parts.push(...showOwn(status.you));
  parts.push(make("p", `${words.version} ${status.version}. ${words.since} ${when(status.since)}.`));
  board.replaceChildren(...parts);
}

async function read(response) {
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    const events = (rest + value).split("\n\n");
    rest = events.pop();
    for (const event of events) {
      const line = event.split("\n").find((part) => part.startsWith("data: "));
      if (line) show(JSON.parse(line.slice(6)));
    }
  }
}

/* Whether it is worth trying again. */
async function follow() {
  const token = sessionStorage.getItem("token");
  const headers = { Accept: "text/event-stream" };
  if (token) headers.Authorization = `Bearer ${token}`;
  const response = await fetch(location.pathname, { headers, cache: "no-store" });
  if (response.status === 401 || response.status === 403) {
    sessionStorage.removeItem("token");
    state.textContent = token ? words.refused : "";
    entry.hidden = false;
    board.replaceChildren();
    return false;
  }
  if (!response.ok) return true;
  entry.hidden = true;
  state.textContent = words.live;
  await read(response);
  return true;
}

async function run() {
  let isWorthIt = true;
  while (isWorthIt) {
    try {
      isWorthIt = await follow();
    } catch {
      isWorthIt = true;
    }
    if (isWorthIt) {
      state.textContent = words.away;
      await new Promise((wake) => setTimeout(wake, 2000));
    }
  }
}

entry.addEventListener("submit", (event) => {
  event.preventDefault();
  sessionStorage.setItem("token", input.value.trim());
  input.value = "";
  run();
});
run();
