/** One line of a chart. */
export interface Series {
  readonly label: string;
  readonly points: readonly { readonly x: number; readonly y: number }[];
}

export interface ChartOptions {
  readonly title: string;
  /** With units: "epoch", "NDCG@10 on validation". */
  readonly xLabel: string;
  readonly yLabel: string;
  /** Let the vertical axis start at 0 (default: at the smallest value). */
  readonly fromZero?: boolean;
  readonly width?: number;
  readonly height?: number;
}

/** Told apart by people with any colour vision (Okabe & Ito), and readable on white and on dark grey. */
const colors = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#7f7f7f"];
const dashes = ["", "6 3", "2 3"];

/**
 * Loss and metric curves as an SVG document that needs nothing else: no script, no font, no style
 * sheet. Points that are not finite break a line instead of bending it.
 */
export function lineChart(series: readonly Series[], options: ChartOptions): string {
  const { title, xLabel, yLabel, fromZero = false, width = 720, height = 400 } = options;
  const finite = series.map(({ points }) =>
    points.filter(({ x, y }) => Number.isFinite(x) && Number.isFinite(y)),
  );
  const xs = scale(
    finite.flat().map(({ x }) => x),
    false,
  );
  const ys = scale(
    finite.flat().map(({ y }) => y),
    fromZero,
  );
  const plot = {
    left: 64,
    right: width - 16,
    top: 44,
    bottom: height - 52 - 20 * Math.ceil(series.length / 3),
  };
  const px = (x: number) => fixed(plot.left + (plot.right - plot.left) * xs.share(x));
  const py = (y: number) => fixed(plot.bottom - (plot.bottom - plot.top) * ys.share(y));

  const parts: string[] = [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-label="${escape(title)}" font-family="system-ui, sans-serif" font-size="12" fill="#222">`,
    `<rect width="100%" height="100%" fill="#fff"/>`,
    `<text x="${plot.left}" y="24" font-size="15" font-weight="600">${escape(title)}</text>`,
  ];
  for (const tick of ys.ticks) {
    const y = py(tick);
    parts.push(
      `<path d="M${plot.left} ${y}H${plot.right}" stroke="#ddd"/>`,
      `<text x="${plot.left - 8}" y="${y}" dy="0.35em" text-anchor="end">${ys.label(tick)}</text>`,
    );
  }
  for (const tick of xs.ticks) {
    const x = px(tick);
    parts.push(
      `<path d="M${x} ${plot.bottom}v5" stroke="#222"/>`,
      `<text x="${x}" y="${plot.bottom + 19}" text-anchor="middle">${xs.label(tick)}</text>`,
    );
  }
  const middle = fixed((plot.top + plot.bottom) / 2);
  parts.push(
    `<path d="M${plot.left} ${plot.top}V${plot.bottom}H${plot.right}" fill="none" stroke="#222"/>`,
    `<text x="${fixed((plot.left + plot.right) / 2)}" y="${plot.bottom + 38}" text-anchor="middle">${escape(xLabel)}</text>`,
    `<text transform="translate(16 ${middle}) rotate(-90)" text-anchor="middle">${escape(yLabel)}</text>`,
  );
  series.forEach(({ label, points }, s) => {
    const color = colors[s % colors.length]!;
    const dash = dashes[Math.floor(s / colors.length) % dashes.length]!;
    const stroke = `stroke="${color}" stroke-width="2"${dash && ` stroke-dasharray="${dash}"`}`;
    let path = "";
    let isBroken = true;
    for (const { x, y } of points) {
      const isDrawn = Number.isFinite(x) && Number.isFinite(y);
      if (isDrawn) path += `${isBroken ? "M" : "L"}${px(x)} ${py(y)}`;
      isBroken = !isDrawn;
    }
    if (path !== "")
      parts.push(`<path d="${path}" fill="none" ${stroke} stroke-linejoin="round"/>`);
    // A line of one point would be invisible.
    if (finite[s]!.length === 1) {
      const [{ x, y }] = finite[s] as [{ x: number; y: number }];
      parts.push(`<circle cx="${px(x)}" cy="${py(y)}" r="3" fill="${color}"/>`);
    }
    const column = plot.left + (s % 3) * ((plot.right - plot.left) / 3);
    const row = plot.bottom + 58 + 20 * Math.floor(s / 3);
    parts.push(
      `<path d="M${fixed(column)} ${row - 4}h22" fill="none" ${stroke}/>`,
      `<text x="${fixed(column + 28)}" y="${row}">${escape(label)}</text>`,
    );
  });
  if (finite.flat().length === 0) {
    parts.push(
      `<text x="${fixed((plot.left + plot.right) / 2)}" y="${middle}" text-anchor="middle">no points yet</text>`,
    );
  }
  return `${parts.join("\n")}\n</svg>\n`;
}

interface Scale {
  readonly ticks: readonly number[];
  /** Where a value stands between the ends, in [0, 1]. */
  share(value: number): number;
  label(tick: number): string;
}

/** An axis that ends on round numbers: ticks at 1, 2 or 5 times a power of ten. */
function scale(values: readonly number[], fromZero: boolean): Scale {
  let low = fromZero ? 0 : values.reduce((least, value) => Math.min(least, value), Infinity);
  let high = values.reduce((most, value) => Math.max(most, value), -Infinity);
  if (!Number.isFinite(low) || !Number.isFinite(high)) [low, high] = [0, 1];
  if (low === high)
    [low, high] = low === 0 ? [0, 1] : [low - Math.abs(low) / 2, low + Math.abs(low) / 2];
  const rough = (high - low) / 6;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * [1, 2, 5, 10].find((factor) => factor * power >= rough)!;
  const [first, last] = [Math.floor(low / step), Math.ceil(high / step)];
  const [from, to] = [first * step, last * step];
  const places = Math.max(0, -Math.floor(Math.log10(step) + 1e-9));
  return {
    ticks: Array.from({ length: last - first + 1 }, (_, i) => (first + i) * step),
    share: (value) => (value - from) / (to - from),
    label: (tick) => tick.toFixed(Math.min(places, 12)),
  };
}

const fixed = (value: number): number => Math.round(value * 100) / 100;

const escape = (text: string): string =>
  text
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;");
