/**
 * Draws a Plotly figure with its two-dimensional bundle; nothing is loaded from anywhere, no logo, no upload. The page's
 * policy forbids style elements, and Plotly needs rules of its own: it writes them, rule by rule, into the element of a
 * certain id, which here is a sheet that the policy allows.
 */
import sheetAddress from './figure-plotly.css?url';
import { findForeign, type Figure } from './figure-spec';

const SHEET_ID = 'plotly.js-style-global';
let library: Promise<typeof import('plotly.js-cartesian-dist-min')> | null = null;

/** The library, loaded once; it writes its rules as it is evaluated, so its sheet is there before. */
function loadLibrary(): Promise<typeof import('plotly.js-cartesian-dist-min')> {
  library ??= addSheet().then(() => {
    takeStyleAttributes();
    return import('plotly.js-cartesian-dist-min');
  });
  return library;
}

function addSheet(): Promise<void> {
  const link = Object.assign(document.createElement('link'), { id: SHEET_ID, rel: 'stylesheet', href: sheetAddress });
  return new Promise((resolve, reject) => {
    link.addEventListener('load', () => resolve());
    link.addEventListener('error', () => reject(new Error('The program that draws Plotly figures did not arrive.')));
    document.head.append(link);
  });
}

/** Draw into an element; resolves to how to take it away. Rejects, in a sentence, what the bundle does not know. */
export async function drawPlotly(node: HTMLElement, { data, layout }: Extract<Figure, { kind: 'plotly' }>): Promise<() => void> {
  const { newPlot, PlotSchema, Plots, purge } = (await loadLibrary()).default;
  const foreign = findForeign(data, new Set(Object.keys(PlotSchema.get().traces)));
  if (foreign.length > 0) throw new Error(`Plotly’s ${foreign.join(', ')} cannot be drawn here, only traces over x and y.`);
  const { width: _width, height: _height, ...own } = layout;
  await newPlot(node, data, { ...own, autosize: true }, { displayModeBar: false });
  const size = new ResizeObserver(() => void Plots.resize(node));
  size.observe(node);
  return () => {
    size.disconnect();
    purge(node);
  };
}

/**
 * Style attributes are forbidden, too, and each try is noted on the console; what a script sets on an element's style is
 * not. Plotly writes attributes on the elements of its drawing, as for bold words of a title, so there they become that.
 */
function takeStyleAttributes(): void {
  const { setAttribute } = SVGElement.prototype;
  SVGElement.prototype.setAttribute = function setAllowed(this: SVGElement, name: string, value: string): void {
    if (name === 'style') this.style.cssText = value;
    else setAttribute.call(this, name, value);
  };
}
