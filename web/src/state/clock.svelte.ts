// Now, for words like "4 min ago": moves on every half minute while somebody looks.
import type { EpochMicros } from '@/domain/ids';

const clock = $state({ now: Date.now() * 1000 });
setInterval(() => {
  if (!document.hidden) clock.now = Date.now() * 1000;
}, 30_000);

/** The present in microseconds; reading it in a component keeps the component's words true. */
export const now = (): EpochMicros => clock.now;
