// What is wrong with a page, as far as a machine sees it: a list of words, empty when nothing is.
const wrong = [];
const root = document.documentElement;
if (root.scrollWidth > root.clientWidth) wrong.push(`it is ${root.scrollWidth} wide, and the window ${root.clientWidth}`);
for (const entry of performance.getEntriesByType('resource')) wrong.push(`it fetches ${entry.name}`);

// https://www.w3.org/TR/WCAG22/#dfn-contrast-ratio
const channels = color => color.match(/[\d.]+/g).map(Number);
const linear = value => (value /= 255) <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
const light = ([r, g, b]) => 0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b);
const contrast = (a, b) => { const [x, y] = [light(a), light(b)].sort((p, q) => q - p); return (x + 0.05) / (y + 0.05); };
const opaque = color => color.length < 4 || color[3] === 1;

function behind(element) {
  const rect = element.namespaceURI.endsWith('svg') && element.closest('g')?.querySelector('rect');
  if (rect) return channels(getComputedStyle(rect).fill);
  for (let at = element; at; at = at.parentElement) {
    const color = channels(getComputedStyle(at).backgroundColor);
    if (opaque(color)) return color;
  }
  return [255, 255, 255];
}

for (const element of document.body.querySelectorAll('*')) {
  const own = [...element.childNodes].some(node => node.nodeType === Node.TEXT_NODE && node.data.trim());
  if (!own || element.tagName === 'title' || !element.getClientRects().length) continue;
  const style = getComputedStyle(element);
  const ink = channels(element.namespaceURI.endsWith('svg') ? style.fill : style.color);
  const ratio = contrast(ink, behind(element));
  if (ratio < 4.5) wrong.push(`contrast ${ratio.toFixed(2)} of "${element.textContent.trim().slice(0, 30)}" (${element.tagName}.${element.className.baseVal ?? element.className})`);
  const size = parseFloat(style.fontSize) * (element.ownerSVGElement ? element.getScreenCTM().a : 1);
  if (size < 10.5) wrong.push(`letters of ${size.toFixed(1)} pixels: "${element.textContent.trim().slice(0, 30)}"`);
}
// A VF's edge against the page (WCAG 1.4.11).
for (const rect of document.querySelectorAll('rect')) {
  const ratio = contrast(channels(getComputedStyle(rect).stroke), behind(document.body));
  if (ratio < 3) { wrong.push(`contrast ${ratio.toFixed(2)} of a VF's edge`); break; }
}

// States as the colour-blind see them (Machado, Oliveira, Fernandes 2009, severity 1.0), apart in CIE Lab.
const kinds = {
  all: [[1, 0, 0], [0, 1, 0], [0, 0, 1]],
  protanopia: [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
  deuteranopia: [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
  tritanopia: [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]],
};
const lab = ([r, g, b]) => {
  const f = t => t > 0.008856 ? Math.cbrt(t) : 7.787 * t + 16 / 116;
  const x = f((0.4124 * r + 0.3576 * g + 0.1805 * b) / 0.9505), y = f(0.2126 * r + 0.7152 * g + 0.0722 * b), z = f((0.0193 * r + 0.1192 * g + 0.9505 * b) / 1.089);
  return [116 * y - 16, 500 * (x - y), 200 * (y - z)];
};
const keys = [...document.querySelectorAll('.key')];
for (const [kind, matrix] of Object.entries(kinds)) {
  const seen = keys.map(key => {
    const color = channels(getComputedStyle(key).backgroundColor).slice(0, 3).map(linear);
    return lab(matrix.map(row => Math.min(1, Math.max(0, row.reduce((sum, part, i) => sum + part * color[i], 0)))));
  });
  for (let i = 0; i < seen.length; i++)
    for (let j = 0; j < i; j++) {
      const apart = Math.hypot(...seen[i].map((part, k) => part - seen[j][k]));
      if (apart < 12) wrong.push(`${keys[i].className} and ${keys[j].className} are ${apart.toFixed(0)} apart (${kind})`);
    }
}
if (keys.length !== 6) wrong.push(`${keys.length} states have a key`);
return wrong;
