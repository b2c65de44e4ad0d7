// Starts the app: address bar, habits, news, then the shell.
import './fonts.css';
import './tokens.css';
import './base.css';
import { mount } from 'svelte';
import { startLinks } from '@/api/links.svelte';
import { startLive } from '@/api/live.svelte';
import { startKeys } from '@/state/keys.svelte';
import { startPreferences } from '@/state/preferences.svelte';
import { startUrl } from '@/state/url.svelte';
import { startVisit } from '@/state/visit';
import App from './App.svelte';
import { preloadPages } from './routes';

startPreferences();
startVisit();
startUrl();
startKeys();
const target = document.getElementById('app');
if (target) mount(App, { target });
startLive();
startLinks();
addEventListener('load', preloadPages);
