// Shows /openapi.json. Everything is put in as text, never as markup.
(async () => {
  const $ = (id) => document.getElementById(id);
  const make = (tag, props = {}, ...children) => {
    const e = Object.assign(document.createElement(tag), props);
    e.append(...children);
    return e;
  };
  let doc;
  try {
    const answer = await fetch("/openapi.json");
    if (!answer.ok) throw new Error(String(answer.status));
    doc = await answer.json();
  } catch (err) {
    $("operations").textContent = "The document could not be fetched (" + err.message + "). Reload the page.";
    return;
  }
  const resolve = (s) => (s && s.$ref ? doc.components.schemas[s.$ref.split("/").pop()] : s);
  const named = (s) => (s && s.$ref ? s.$ref.split("/").pop() : "");
  const type = (s) => {
    if (!s) return "";
    if (s.$ref) return named(s);
    const t = Array.isArray(s.type) ? s.type.filter((x) => x !== "null").join(" or ") : s.type || "any";
    if (t === "array") return type(s.items) + "[]";
    if (s.additionalProperties && typeof s.additionalProperties === "object") return "map of " + type(s.additionalProperties);
    return s.format ? t + " (" + s.format + ")" : t;
  };
  const limits = (s) => {
    const out = [];
    if (s.enum) out.push("one of " + s.enum.join(", "));
    for (const k of ["default", "minimum", "maximum", "minLength", "maxLength", "maxItems"]) if (s[k] !== undefined) out.push(k + " " + s[k]);
    return out.join("; ");
  };
  const table = (head, rows) =>
    make("table", {}, make("thead", {}, make("tr", {}, ...head.map((h) => make("th", { scope: "col", textContent: h })))),
      make("tbody", {}, ...rows.map((r) => make("tr", {}, ...r.map((c) => make("td", { textContent: c }))))));
  const fields = (schema, prefix = "", depth = 0) => {
    const s = resolve(schema) || {};
    const rows = [];
    for (const [name, p] of Object.entries(s.properties || {})) {
      const full = resolve(p) || {};
      rows.push([prefix + name + ((s.required || []).includes(name) ? " *" : ""), type(p), limits(p), p.description || full.description || ""]);
      const inner = full.properties ? p : full.items && resolve(full.items).properties ? full.items : null;
      if (inner && depth < 2 && named(inner) !== "Ticket") rows.push(...fields(inner, prefix + name + (inner === p ? "." : "[]."), depth + 1));
    }
    return rows;
  };
  const body = (content) => Object.entries(content || {}).map(([media, c]) => {
    const rows = fields(c.schema);
    return make("div", {}, make("p", { textContent: media + (named(c.schema) ? " · " + named(c.schema) : "") }),
      ...(rows.length ? [table(["field", "type", "limits", "meaning"], rows)] : []));
  });
  const show = (path, method, op) => {
    const box = make("details", { id: op.operationId });
    box.append(make("summary", {}, make("span", { className: "method", textContent: method.toUpperCase() }), make("code", { textContent: path }),
      " " + (op.summary || ""), make("span", { className: "lock", textContent: op.security ? "session" : "public" })));
    box.addEventListener("toggle", () => {
      if (box.dataset.full) return;
      box.dataset.full = "1";
      if (op.description) box.append(make("p", { className: "note", textContent: op.description }));
      if (op.parameters) box.append(make("h3", { textContent: "Parameters" }),
        table(["name", "in", "type", "limits", "meaning"], op.parameters.map((p) => [p.name + (p.required ? " *" : ""), p.in, type(p.schema), limits(p.schema || {}), p.description || ""])));
      if (op.requestBody) box.append(make("h3", { textContent: "Body" }), ...body(op.requestBody.content));
      for (const [code, r] of Object.entries(op.responses || {})) box.append(make("h3", { textContent: code + " " + (r.description || "") }), ...(code === "default" ? [] : body(r.content)));
    });
    box.dataset.text = (path + " " + method + " " + (op.summary || "")).toLowerCase();
    return box;
  };
  $("title").textContent = doc.info.title + " API " + doc.info.version;
  $("about").textContent = doc.info.description || "";
  const groups = {};
  for (const [path, item] of Object.entries(doc.paths))
    for (const [method, op] of Object.entries(item)) (groups[(op.tags || ["other"])[0]] ||= []).push(show(path, method, op));
  $("operations").replaceChildren();
  for (const [tag, list] of Object.entries(groups)) {
    $("tags").append(make("a", { href: "#" + tag, textContent: tag }));
    $("operations").append(make("section", { id: tag }, make("h2", { textContent: tag }), ...list));
  }
  $("find").addEventListener("input", (e) => {
    const words = e.target.value.toLowerCase().split(/\s+/);
    for (const d of document.querySelectorAll("details")) d.hidden = !words.every((w) => d.dataset.text.includes(w));
  });
})();
