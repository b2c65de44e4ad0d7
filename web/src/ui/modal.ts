// A native modal dialog that is made when it opens: shown when it is there, and the focus goes back when it is not. The
// browser gives the focus back by itself only to a dialog that stays in the page.

/** Attach to a dialog; without a field that asks for it, the dialog itself has the focus, not its close button. */
export function showModally(node: HTMLDialogElement): () => void {
  const before = document.activeElement;
  node.showModal();
  if (!node.querySelector('[autofocus], [role=combobox]')) node.focus();
  return () => {
    node.close();
    if (before instanceof HTMLElement && before.isConnected && !document.querySelector('dialog[open]')) before.focus({ preventScroll: true });
  };
}
