// Dragging a column's edge, and finding the width that fits what is shown.

/** Follow the pointer from an edge; tells the width as it changes. */
export function followResize(event: PointerEvent & { currentTarget: HTMLElement }, width: number, onresize: (px: number) => void): void {
  event.preventDefault();
  event.stopPropagation();
  const edge: HTMLElement = event.currentTarget;
  const from = event.clientX;
  edge.setPointerCapture(event.pointerId);
  const abort = new AbortController();
  edge.addEventListener('pointermove', (move) => onresize(width + move.clientX - from), { signal: abort.signal });
  edge.addEventListener('lostpointercapture', () => abort.abort(), { once: true });
}

/** The width at which the column's head and its cells in view are not cut. */
export function fitWidth(edge: HTMLElement, key: string): number {
  const grid = edge.closest('[data-grid]');
  const head = edge.parentElement?.querySelector('.truncate');
  const cells = grid ? [...grid.querySelectorAll(`[data-column="${CSS.escape(key)}"]`)] : [];
  const range = document.createRange();
  const widthOf = (node: Element) => {
    const fits = Number(node.getAttribute('data-fits') ?? 0);
    if (fits > 0) return fits;
    range.selectNodeContents(node);
    // The room behind a run's tags, where more can be typed, is as wide as the column.
    const rest = node.querySelector(':scope > [data-rest]');
    if (rest) range.setEndBefore(rest);
    return range.getBoundingClientRect().width;
  };
  return Math.ceil(Math.max(head ? head.scrollWidth + 46 : 0, ...cells.map((cell) => widthOf(cell) + 24), 56));
}
