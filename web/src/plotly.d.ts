/** The part of Plotly's bundle that is used; it comes without types. */
declare module 'plotly.js-cartesian-dist-min' {
  const plotly: {
    PlotSchema: { get(): { traces: Readonly<Record<string, unknown>> } };
    Plots: { resize(node: HTMLElement): unknown };
    newPlot(node: HTMLElement, data: readonly object[], layout: object, config: object): Promise<unknown>;
    purge(node: HTMLElement): void;
  };
  export default plotly;
}
