// A map of pictures on top of each other: drag, wheel, pinch and keys move it. No library, nothing is fetched.
"use strict";
for (const map of document.querySelectorAll(".map")) {
  const stage = map.querySelector(".stage");
  const width = Number(map.dataset.width), height = Number(map.dataset.height);
  const metres = Number(map.dataset.metres), unit = map.dataset.unit;
  const bar = map.querySelector(".scalebar"), line = bar.querySelector("i"), text = bar.querySelector("span");
  const panel = map.closest("figure");
  let scale = 1, x = 0, y = 0, fitted = 1;
  stage.style.width = width + "px";
  stage.style.height = height + "px";

  function show() {
    const box = map.getBoundingClientRect();
    // A part of the picture always stays in sight.
    x = Math.min(Math.max(x, 40 - width * scale), box.width - 40);
    y = Math.min(Math.max(y, 40 - height * scale), box.height - 40);
    stage.style.transform = `translate(${x}px,${y}px) scale(${scale})`;
    const longest = Math.min(box.width * 0.3, 180) * metres / scale;
    const power = 10 ** Math.floor(Math.log10(longest));
    const length = [5, 2, 1].map((digit) => digit * power).find((value) => value <= longest) || power;
    line.style.width = length / metres * scale + "px";
    text.textContent = unit === "m" && length >= 1000 ? `${length / 1000} km` : `${Number(length.toPrecision(3))} ${unit}`;
  }
  function fit() {
    const box = map.getBoundingClientRect();
    fitted = Math.min(box.width / width, box.height / height);
    scale = fitted;
    x = (box.width - width * scale) / 2;
    y = (box.height - height * scale) / 2;
    show();
  }
  function zoom(factor, left, top) {
    const box = map.getBoundingClientRect();
    const at = [left === undefined ? box.width / 2 : left, top === undefined ? box.height / 2 : top];
    const wanted = Math.min(Math.max(scale * factor, fitted / 2), 40);
    x = at[0] - (at[0] - x) * wanted / scale;
    y = at[1] - (at[1] - y) * wanted / scale;
    scale = wanted;
    show();
  }
  const fingers = new Map();
  map.addEventListener("pointerdown", (event) => {
    fingers.set(event.pointerId, [event.clientX, event.clientY]);
    map.setPointerCapture(event.pointerId);
  });
  map.addEventListener("pointermove", (event) => {
    const before = fingers.get(event.pointerId);
    if (!before) return;
    const now = [event.clientX, event.clientY];
    if (fingers.size === 1) {
      x += now[0] - before[0];
      y += now[1] - before[1];
      show();
    } else if (fingers.size === 2) {
      const other = [...fingers].find(([id]) => id !== event.pointerId)[1];
      const box = map.getBoundingClientRect();
      const span = (point) => Math.hypot(point[0] - other[0], point[1] - other[1]);
      zoom(span(now) / Math.max(span(before), 1), (now[0] + other[0]) / 2 - box.left, (now[1] + other[1]) / 2 - box.top);
    }
    fingers.set(event.pointerId, now);
  });
  for (const end of ["pointerup", "pointercancel"]) map.addEventListener(end, (event) => fingers.delete(event.pointerId));
  map.addEventListener("wheel", (event) => {
    // The page scrolls over the map unless the map has the focus, or Ctrl asks for zooming as everywhere.
    if (!event.ctrlKey && document.activeElement !== map) return;
    event.preventDefault();
    const box = map.getBoundingClientRect();
    zoom(Math.exp(-event.deltaY / 400), event.clientX - box.left, event.clientY - box.top);
  }, { passive: false });
  const keys = {
    ArrowLeft: () => (x += 60), ArrowRight: () => (x -= 60), ArrowUp: () => (y += 60), ArrowDown: () => (y -= 60),
    "+": () => zoom(1.4), "=": () => zoom(1.4), "-": () => zoom(1 / 1.4), "0": fit,
  };
  map.addEventListener("keydown", (event) => {
    const act = keys[event.key];
    if (!act || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    act();
    show();
  });
  for (const button of panel.querySelectorAll("button[data-act]")) {
    button.addEventListener("click", () => ({ in: () => zoom(1.4), out: () => zoom(1 / 1.4), fit })[button.dataset.act]());
  }
  const layers = [...stage.querySelectorAll("img[data-layer]")];
  const opacity = panel.querySelector("input[type=range]");
  function choose() {
    const chosen = panel.querySelector("input[type=radio]:checked");
    for (const layer of layers) {
      layer.hidden = !chosen || layer.dataset.layer !== chosen.value;
      layer.style.opacity = opacity ? opacity.value / 100 : 1;
    }
    for (const legend of panel.querySelectorAll("[data-legend]")) {
      legend.hidden = !chosen || legend.dataset.legend !== chosen.value;
    }
  }
  for (const input of panel.querySelectorAll("input")) input.addEventListener("input", choose);
  for (const button of document.querySelectorAll("button[data-place]")) {
    button.addEventListener("click", () => {
      const [left, top] = button.dataset.place.split(" ").map(Number);
      const box = map.getBoundingClientRect();
      scale = Math.max(fitted * 4, 1);
      x = box.width / 2 - left * scale;
      y = box.height / 2 - top * scale;
      show();
      map.scrollIntoView({ block: "nearest" });
      map.focus({ preventScroll: true });
    });
  }
  window.addEventListener("resize", fit);
  choose();
  fit();
}
