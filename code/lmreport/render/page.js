(function () {
  "use strict";
  var root = document.documentElement, all = function (s, e) { return Array.from((e || document).querySelectorAll(s)); };
  function make(tag, attributes, text) {
    var e = document.createElement(tag);
    Object.keys(attributes).forEach(function (k) { e.setAttribute(k, attributes[k]); });
    if (text) e.textContent = text;
    return e;
  }

  var dark = function () {
    return root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  };
  var toggle = make("button", {"class": "theme", type: "button"});
  function name() { toggle.textContent = dark() ? "Light" : "Dark"; toggle.setAttribute("aria-label", "Switch to " + (dark() ? "light" : "dark") + " colours"); }
  toggle.addEventListener("click", function () {
    root.dataset.theme = dark() ? "light" : "dark"; name();
    try { localStorage.setItem("theme", root.dataset.theme); } catch (e) { /* private window */ }
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", name);
  name(); document.body.prepend(document.querySelector(".skip"), toggle);

  all(".panel-tabset").forEach(function (set, n) {
    var tabs = all(":scope > .tab", set), list = make("div", {role: "tablist"});
    var buttons = tabs.map(function (tab, i) {
      var title = tab.querySelector(".tab-title"), id = "tab-" + n + "-" + i;
      var b = make("button", {role: "tab", type: "button", id: id, "aria-controls": id + "-panel"}, title.textContent);
      tab.setAttribute("role", "tabpanel"); tab.setAttribute("aria-labelledby", id); tab.id = id + "-panel"; title.hidden = true;
      b.addEventListener("click", function () { show(i); });
      list.append(b);
      return b;
    });
    function show(i) {
      buttons.forEach(function (b, j) { b.setAttribute("aria-selected", i === j); b.tabIndex = i === j ? 0 : -1; tabs[j].hidden = i !== j; });
    }
    list.addEventListener("keydown", function (e) {
      var step = {ArrowRight: 1, ArrowLeft: -1}[e.key];
      if (!step) return;
      var i = (buttons.indexOf(document.activeElement) + step + buttons.length) % buttons.length;
      show(i); buttons[i].focus(); e.preventDefault();
    });
    set.prepend(list); show(0);
  });

  var wide = matchMedia("(min-width: 60.01rem)"), contents = document.querySelector("#TOC details");
  if (contents) { contents.open = wide.matches; wide.addEventListener("change", function () { contents.open = wide.matches; }); }
  var links = {};
  all("#TOC a").forEach(function (a) { links[decodeURIComponent(a.hash.slice(1))] = a; });
  var sections = all("main section[id]").filter(function (s) { return links[s.id]; }), here = null, waiting = false;
  function follow() {
    waiting = false;
    var found = null;
    sections.forEach(function (s) { if (s.getBoundingClientRect().top < 120) found = links[s.id]; });
    if (found === here) return;
    if (here) { here.classList.remove("here"); here.removeAttribute("aria-current"); }
    here = found;
    if (here) {
      here.classList.add("here"); here.setAttribute("aria-current", "true");
      var nav = document.getElementById("TOC");
      if (wide.matches) nav.scrollTop += here.getBoundingClientRect().top - nav.getBoundingClientRect().top - nav.clientHeight / 2;
    }
  }
  addEventListener("scroll", function () { if (!waiting) { waiting = true; requestAnimationFrame(follow); } }, {passive: true});
  follow();
  addEventListener("beforeprint", function () { all("details").forEach(function (d) { d.dataset.was = d.open; d.open = true; }); all(".tab").forEach(function (t) { t.hidden = false; }); });
  addEventListener("afterprint", function () { all("details").forEach(function (d) { d.open = d.dataset.was === "true"; }); });
})();
