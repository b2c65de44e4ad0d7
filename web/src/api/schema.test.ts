// @vitest-environment node
import { readFileSync } from 'node:fs';
import openapiTS, { astToString, COMMENT_HEADER } from 'openapi-typescript';
import { expect, test } from 'vitest';

const here = (name: string) => new URL(name, import.meta.url);

test('the generated types are those of the server', async () => {
  const generated = COMMENT_HEADER + astToString(await openapiTS(here('./openapi.json')));
  expect(generated, 'run `npm run types`').toBe(readFileSync(here('./schema.gen.ts'), 'utf8'));
});
