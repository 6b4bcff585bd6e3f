/** A bar chart as inline SVG, drawn to the width it has. Its text alternative says every value. */
const SVG = 'http://www.w3.org/2000/svg';
const HEIGHT = 168;
const TOP = 26;
const BOTTOM = 26;

/** `bars`: `{ label, value }[]`; `format` writes a value for the eye, `title` says what they are. */
export function drawBars(svg, bars, { title, format }) {
  const width = Math.max(svg.clientWidth, 200);
  const most = Math.max(...bars.map(({ value }) => value), 1);
  const step = width / Math.max(bars.length, 1);
  const room = HEIGHT - TOP - BOTTOM;
  svg.setAttribute('viewBox', `0 0 ${width} ${HEIGHT}`);
  svg.setAttribute('height', String(HEIGHT));
  svg.setAttribute(
    'aria-label',
    `${title}: ${bars.map((bar) => `${bar.label} ${format(bar.value)}`).join(', ')}`,
  );
  svg.replaceChildren(
    shape('line', { class: 'base', x1: 0, x2: width, y1: HEIGHT - BOTTOM, y2: HEIGHT - BOTTOM }),
    ...bars.flatMap(({ label, value }, index) => {
      const height = Math.round((value / most) * room);
      const barWidth = Math.min(step * 0.58, 56);
      const center = step * (index + 0.5);
      const top = HEIGHT - BOTTOM - height;
      return [
        shape('path', { class: 'column', d: roundedTop(center - barWidth / 2, top, barWidth, height) }),
        shape('text', { class: 'value', x: center, y: top - 8 }, format(value)),
        shape('text', { class: 'label', x: center, y: HEIGHT - 6 }, label),
      ];
    }),
  );
}

function roundedTop(x, y, width, height) {
  const r = Math.min(5, height, width / 2);
  return `M${x} ${y + height}v${r - height}q0 ${-r} ${r} ${-r}h${width - 2 * r}q${r} 0 ${r} ${r}v${height - r}z`;
}

function shape(name, attributes, text = '') {
  const element = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, String(value));
  element.textContent = text;
  return element;
}
