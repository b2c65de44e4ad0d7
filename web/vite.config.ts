// Builds the app into the Python package, where the API serves it. The development server hands API calls to a
// running `everbloom ui`; its address comes from EVERBLOOM_API, its cookie from the browser.
import { fileURLToPath } from 'node:url';
import { svelte } from '@sveltejs/vite-plugin-svelte';
import { defineConfig } from 'vitest/config';

const source = fileURLToPath(new URL('./src', import.meta.url));

export default defineConfig({
  plugins: [svelte()],
  resolve: {
    alias: { '@': source },
    // Component tests run in jsdom, where Svelte would otherwise resolve to its server build.
    ...(process.env.VITEST ? { conditions: ['browser'] } : {}),
  },
  build: {
    outDir: fileURLToPath(new URL('../src/everbloom/api/static', import.meta.url)),
    emptyOutDir: true,
    target: 'es2022',
    // Fonts and icons stay files: the content security policy allows no data: fonts.
    assetsInlineLimit: 0,
    manifest: 'assets/manifest.json',
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
    // What four chunks or more share is one file: fewer requests, and it compresses better (1.4 KB of the first load).
    rolldownOptions: {
      output: { codeSplitting: { groups: [{ name: 'shared', test: /src[\\/](ui|domain|state)|lucide|svelte[\\/]src/, minShareCount: 4 }] } },
    },
  },
  server: { proxy: { '/api': process.env.EVERBLOOM_API ?? 'http://127.0.0.1:8765' } },
  // Tests share one document per worker; what a test changes in it, it puts back.
  test: { environment: 'jsdom', isolate: false, setupFiles: ['vitest.setup.ts'], include: ['src/**/*.test.ts'] },
});
