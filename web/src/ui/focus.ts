// Where the focus goes when what had it is taken off the page by what it did: to what then stands in its place. Lost, it
// would begin at the top of the page again.

/**
 * Call before a button takes itself away.
 *
 * @param button What has the focus and goes.
 * @param within A selector of what stays around it.
 * @param like A selector of its kind in there; the last of all found stands for those that follow.
 */
export function leaveFocus(button: Element, within: string, like: string): void {
  const box = button.closest(within);
  if (box === null) return;
  const at = [...box.querySelectorAll(like)].indexOf(button);
  const gone = new MutationObserver(() => {
    if (button.isConnected) return;
    gone.disconnect();
    const left = [...box.querySelectorAll<HTMLElement>(like)];
    if (document.activeElement === document.body) left[Math.min(at, left.length - 1)]?.focus();
  });
  gone.observe(box, { childList: true, subtree: true });
}
