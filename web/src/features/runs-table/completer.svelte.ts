// Completions of a filter at the cursor, from the server; a newer keystroke drops an older answer.
import { readCompletion, type RunScope } from '@/api/resources';
import type { Completion, Offer } from '@/api/types';

const settleMs = 40;
const maxOffers = 40;

/** Put an offer into the text that it completes; says where the cursor goes. Pure. */
export function applyOffer(text: string, completion: Pick<Completion, 'start' | 'end'>, offer: Pick<Offer, 'text' | 'kind'>): { text: string; at: number } {
  const tail = text.slice(completion.end);
  const space = offer.text.endsWith(' ') || tail.startsWith(' ') ? '' : ' ';
  const head = text.slice(0, completion.start) + offer.text + space;
  return { text: head + tail, at: head.length };
}

export class Completer {
  offers = $state.raw<readonly Offer[]>([]);
  at = $state(-1);
  /** How many would fit; the offers are the first of them. */
  total = $state(0);
  #completion: Completion | null = null;
  #where: () => RunScope;
  #abort: AbortController | null = null;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(where: () => RunScope) {
    this.#where = where;
  }
  ask(text: string, at: number): void {
    clearTimeout(this.#timer);
    this.#abort?.abort();
    this.#timer = setTimeout(() => void this.#read(text, at), settleMs);
  }
  clear(): void {
    clearTimeout(this.#timer);
    this.#abort?.abort();
    this.offers = [];
    this.at = -1;
  }
  move(step: number): void {
    const count = this.offers.length;
    this.at = (this.at + step + count) % count;
    requestAnimationFrame(() => document.getElementById(`offer-${this.at}`)?.scrollIntoView({ block: 'nearest' }));
  }
  apply(text: string, index: number): { text: string; at: number } | null {
    const offer = this.offers[index];
    return offer && this.#completion ? applyOffer(text, this.#completion, offer) : null;
  }
  async #read(text: string, at: number): Promise<void> {
    this.#abort = new AbortController();
    const { signal } = this.#abort;
    const completion = await readCompletion(text, at, this.#where(), signal).catch(() => null);
    if (signal.aborted) return;
    this.#completion = completion;
    this.offers = completion?.offers.slice(0, maxOffers) ?? [];
    this.total = completion?.total ?? 0;
    this.at = -1;
  }
}
