// Properties search anew on every machine; in continuous integration they take the same path each time, so that a
// change is what makes a test fail.
import { configureGlobal } from 'fast-check';

if (process.env.CI === 'true') {
  configureGlobal({ seed: 1 });
}
