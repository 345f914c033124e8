// Search, the choice of light or dark, the menu on small screens. The pages read well without any of it.
"use strict";
(() => {
  const root = document.body.dataset.root;
  const byId = (id) => document.getElementById(id);

  // Light or dark: as the system has it until somebody presses the button.
  byId("gloss-theme").addEventListener("click", () => {
    const dark = matchMedia("(prefers-color-scheme: dark)").matches;
    const now = document.documentElement.dataset.theme || (dark ? "dark" : "light");
    const next = now === "dark" ? "light" : "dark";
    document.documentElement.dataset.theme = next;
    try { localStorage.setItem("gloss-theme", next); } catch (e) { /* it lasts for this page */ }
  });

  byId("gloss-menu").addEventListener("click", () => {
    const open = document.body.classList.toggle("menu");
    byId("gloss-menu").setAttribute("aria-expanded", open);
  });
  const current = document.querySelector('.side [aria-current="page"]');
  if (current) current.scrollIntoView({block: "center"});
  window.scrollTo(0, location.hash ? window.scrollY : 0);

  // A button on each block of code copies it.
  for (const pre of document.querySelectorAll("figure.code pre, details.source pre")) {
    const button = document.createElement("button");
    button.className = "copy";
    button.textContent = "Copy";
    button.addEventListener("click", async () => {
      const text = pre.querySelector("code").textContent;
      try {
        await navigator.clipboard.writeText(text);
      } catch (e) {  // pages from files may not use the clipboard so
        const area = document.createElement("textarea");
        area.value = text;
        document.body.append(area);
        area.select();
        document.execCommand("copy");
        area.remove();
      }
      button.textContent = "Copied";
      setTimeout(() => { button.textContent = "Copy"; }, 1200);
    });
    pre.parentElement.append(button);
  }

  // Where one reads is marked in the list of sections.
  const toc = [...document.querySelectorAll(".toc a")];
  if (toc.length && "IntersectionObserver" in window) {
    const mark = () => {
      let here = toc[0];
      for (const link of toc) {
        const target = byId(decodeURIComponent(link.hash.slice(1)));
        if (target && target.getBoundingClientRect().top < 120) here = link;
      }
      for (const link of toc) link.classList.toggle("on", link === here);
    };
    addEventListener("scroll", mark, {passive: true});
    mark();
  }

  // Search. Every word must be found in the title or the text; names count more than text, and their beginnings most.
  const input = byId("gloss-search"), list = byId("gloss-results");
  const weights = {class: 9, op: 9, function: 8, concept: 8, alias: 6, enum: 6, book: 7, guide: 6, example: 6, folder: 5, header: 5,
                   member: 4, constant: 4, macro: 4};
  const score = (entry, words) => {
    const [title, kind, , text] = entry;
    const name = title.toLowerCase(), last = name.slice(name.lastIndexOf("::") + 1).replace(/^:/, "");
    let total = 0;
    for (const word of words) {
      if (last === word || name === word) total += 120;
      else if (last.startsWith(word)) total += 70 - Math.min(last.length - word.length, 20);
      else if (name.split(/[^a-z0-9]+/).some((part) => part.startsWith(word))) total += 45;
      else if (name.includes(word)) total += 25;
      else if (text.toLowerCase().includes(word)) total += 6;
      else return 0;
    }
    return Math.max(1, total + (weights[kind] || 0) - (name.startsWith("kernels") ? 30 : 0));
  };
  const excerpt = (text, words) => {
    const at = Math.max(0, ...words.map((word) => text.toLowerCase().indexOf(word)));
    const begin = at > 60 ? text.lastIndexOf(" ", at - 40) + 1 : 0;
    return (begin ? "… " : "") + text.slice(begin, begin + 130);
  };
  const marked = (text, words) => {
    const out = document.createDocumentFragment();
    const pattern = new RegExp("(" + words.map((w) => w.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")).join("|") + ")", "i");
    text.split(pattern).forEach((piece, i) => {
      if (i % 2) {
        const hit = document.createElement("mark");
        hit.textContent = piece;
        out.append(hit);
      } else {
        out.append(piece);
      }
    });
    return out;
  };
  let chosen = -1;
  const choose = (number) => {
    const items = [...list.querySelectorAll("a")];
    chosen = items.length ? (number + items.length) % items.length : -1;
    items.forEach((item, i) => item.classList.toggle("on", i === chosen));
    if (chosen >= 0) items[chosen].scrollIntoView({block: "nearest"});
  };
  const search = () => {
    const words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
    list.replaceChildren();
    list.hidden = words.length === 0;
    if (list.hidden) return;
    const hits = window.GLOSS_INDEX.map((entry) => [score(entry, words), entry]).filter(([points]) => points > 0)
      .sort((a, b) => b[0] - a[0] || a[1][0].length - b[1][0].length).slice(0, 24);
    for (const [, [title, kind, url, text]] of hits) {
      const item = document.createElement("li"), link = document.createElement("a");
      const name = document.createElement("b"), label = document.createElement("small"), about = document.createElement("span");
      link.href = root + url;
      name.append(marked(title, words));
      label.textContent = kind;
      about.append(marked(excerpt(text, words), words));
      link.append(name, label, about);
      item.append(link);
      list.append(item);
    }
    if (!hits.length) {
      const item = document.createElement("li");
      item.className = "none";
      item.textContent = "Nothing found";
      list.append(item);
    }
    choose(0);
  };
  input.addEventListener("input", search);
  input.addEventListener("focus", search);
  input.addEventListener("keydown", (event) => {
    if (event.key === "ArrowDown") choose(chosen + 1);
    else if (event.key === "ArrowUp") choose(chosen - 1);
    else if (event.key === "Enter" && chosen >= 0) list.querySelectorAll("a")[chosen].click();
    else if (event.key === "Escape") input.blur(), list.hidden = true;
    else return;
    event.preventDefault();
  });
  list.addEventListener("click", () => { list.hidden = true; });
  document.addEventListener("click", (event) => { if (!event.target.closest(".search")) list.hidden = true; });
  document.addEventListener("keydown", (event) => {
    if (event.key === "/" && !/INPUT|TEXTAREA/.test(document.activeElement.tagName)) {
      event.preventDefault();
      input.focus();
    }
  });
  const query = new URLSearchParams(location.search).get("q");
  if (query) {
    input.value = query;
    search();
  }

  // A link into folded source opens it.
  const unfold = () => {
    const target = byId("source");
    if (location.hash === "#source" && target) target.nextElementSibling.open = true;
  };
  addEventListener("hashchange", unfold);
  unfold();
})();
