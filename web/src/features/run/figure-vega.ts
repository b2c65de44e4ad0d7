/**
 * Draws a Vega or Vega-Lite figure. Its expressions are interpreted, as the page's policy allows no code from text; data and
 * images by address are refused, so that a figure reads nothing but itself.
 */
import { parse, View, Warn, type Loader, type Spec } from 'vega';
import { expressionInterpreter } from 'vega-interpreter';
import { compile } from 'vega-lite';
import { findAddresses, type Figure } from './figure-spec';

const refuse = (): Promise<never> => Promise.reject(new Error('A figure here holds its own data; what it names by address is not loaded.'));
const closed: Loader = { load: refuse, sanitize: refuse, http: refuse, file: refuse };

/** Draw into an element; resolves to how to take it away. Rejects with the library's own words. */
export async function drawVega(node: HTMLElement, figure: Extract<Figure, { kind: 'vega' | 'vega-lite' }>): Promise<() => void> {
  const [address] = findAddresses(figure.spec);
  if (address !== undefined) throw new Error(`It reads its data from ${address}, which is no part of the run and is not loaded.`);
  const fitted = { width: 'container', height: 'container', ...figure.spec, autosize: { type: 'fit', contains: 'padding' } };
  const spec: Spec = figure.kind === 'vega-lite' ? compile(JSON.parse(JSON.stringify(fitted))).spec : JSON.parse(JSON.stringify(figure.spec));
  const view = new View(parse(spec, undefined, { ast: true }), { expr: expressionInterpreter, loader: closed, logLevel: Warn, renderer: 'canvas' });
  await view.initialize(node).runAsync();
  return () => view.finalize();
}
