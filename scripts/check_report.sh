#!/usr/bin/env bash
# Looks at a report in headless Chromium, on light and dark screens, wide and narrow: is everything there, does nothing
# stick out or come from the network, and can every text be read?
#   scripts/check_report.sh FILE.html [FOLDER]     FOLDER gets pictures of what was seen; exit status 77 without Chromium
set -euo pipefail
report=$(realpath "$1")
pictures=${2:-}
for browser in chromium chromium-browser google-chrome; do
  if command -v "$browser" >/dev/null; then break; fi
  browser=
done
[ -n "$browser" ] || { echo "check_report: there is no Chromium"; exit 77; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
[ -z "$pictures" ] || { mkdir -p "$pictures"; pictures=$(realpath "$pictures"); }

# The page does not run scripts of its own; a copy gets one that notes what it sees in an attribute.
cat >"$work/look.js" <<'JS'
addEventListener("load", () => {
  const seen = [];
  const channels = (color) => color.match(/[\d.]+/g).slice(0, 3).map(Number);
  const luminance = (color) => {
    const [r, g, b] = channels(color).map((c) => ((c /= 255) <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const contrast = (a, b) => {
    const [low, high] = [luminance(a), luminance(b)].sort((x, y) => x - y);
    return (high + 0.05) / (low + 0.05);
  };
  const style = (element) => getComputedStyle(element);
  const behind = (element) => {
    for (let e = element; e; e = e.parentElement)
      if (!/rgba\(.*, 0\)|transparent/.test(style(e).backgroundColor)) return style(e).backgroundColor;
    return "rgb(255, 255, 255)";
  };
  const dark = matchMedia("(prefers-color-scheme: dark)").matches;
  if (dark !== DARK) seen.push("the browser did not switch to " + (DARK ? "dark" : "light"));
  if (luminance(behind(document.body)) < 0.2 !== dark) seen.push("the page is " + behind(document.body));
  for (const paper of document.querySelectorAll("svg .gp"))
    if (luminance(style(paper).fill) < 0.2 !== dark) seen.push("a picture is " + style(paper).fill);
  if (document.scrollingElement.scrollWidth > innerWidth)
    seen.push("the page is " + document.scrollingElement.scrollWidth + " wide, the window " + innerWidth);
  for (const image of document.images) if (!image.complete || image.naturalWidth === 0) seen.push("an image is broken");
  for (const r of performance.getEntriesByType("resource"))
    if (!r.name.startsWith("data:")) seen.push("asks for " + r.name);
  for (const e of document.querySelectorAll("h1,h2,p,b,span,td,th,dt,dd,pre,figcaption"))
    if (contrast(style(e).color, behind(e)) < 4.5) seen.push("hard to read: " + e.textContent.slice(0, 40));
  for (const t of document.querySelectorAll("svg text")) {
    const cell = t.classList.contains("k") && t.previousElementSibling;
    const under = cell ? style(cell).fill : style(t.ownerSVGElement.querySelector(".gp")).fill;
    if (contrast(style(t).fill, under) < 4.5) seen.push("hard to read: " + t.textContent + " " + style(t).fill + " on " + under);
    const box = t.getBoundingClientRect(), frame = t.ownerSVGElement.getBoundingClientRect();
    if (box.left < frame.left - 1 || box.right > frame.right + 1 || box.top < frame.top - 1 || box.bottom > frame.bottom + 1)
      seen.push("sticks out of its picture: " + t.textContent);
  }
  for (const line of document.querySelectorAll("svg .gc"))
    if (contrast(style(line).stroke, style(line.ownerSVGElement.querySelector(".gp")).fill) < 3)
      seen.push("hard to see: a curve, " + style(line).stroke);
  document.documentElement.setAttribute("data-seen", seen.length ? seen.join("; ") : "all is well");
});
JS

failed=0
for scheme in light dark; do
  for width in 1280 420; do
    options=(--headless --no-sandbox --disable-gpu --hide-scrollbars --user-data-dir="$work/profile" "--window-size=$width,1600")
    flag=false
    if [ "$scheme" = dark ]; then options+=(--force-dark-mode --blink-settings=preferredColorScheme=0) flag=true; fi
    { cat "$report"; echo "<script>"; sed "s/\bDARK\b/$flag/g" "$work/look.js"; echo "</script>"; } >"$work/copy.html"
    seen=$("$browser" "${options[@]}" --virtual-time-budget=3000 --dump-dom "file://$work/copy.html" 2>/dev/null |
      grep -o 'data-seen="[^"]*"' | head -1)
    echo "$scheme, $width wide: ${seen:-the browser said nothing}"
    [ "$seen" = 'data-seen="all is well"' ] || failed=1
    if [ -n "$pictures" ]; then
      "$browser" "${options[@]}" --screenshot="$pictures/$scheme-$width.png" "file://$report" >/dev/null 2>&1
    fi
  done
done
exit $failed
