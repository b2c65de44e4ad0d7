// The only fetch. Every failure leaves here as an ApiError with the server's code and message, so that a page can show
// what was asked, which rule it met and what to do. A refused cookie is told once, through `onSignedOut`.
import type { ErrorBody } from './types';

export const apiBase = '/api/v1';

export class ApiError extends Error {
  override readonly name = 'ApiError';
  constructor(
    readonly code: string,
    message: string,
    readonly status: number,
    readonly fields: Readonly<Record<string, unknown>> = {},
  ) {
    super(message);
  }
  /** Whether asking again later can help. */
  get isRetryable(): boolean {
    return this.status === 0 || this.status === 429 || this.status >= 500;
  }
}

export type Query = Readonly<Record<string, string | number | boolean | readonly string[] | null | undefined>>;

export interface Ask {
  query?: Query;
  body?: unknown;
  signal?: AbortSignal;
}

let signedOut: () => void = () => {};

/** Set what happens when the server no longer knows this browser. */
export function onSignedOut(handle: () => void): void {
  signedOut = handle;
}

/** Build a query string; empty, null and false values are left out, lists are joined by commas. */
export function queryString(query: Query = {}): string {
  const params = new URLSearchParams();
  for (const [key, value] of Object.entries(query)) {
    if (value === null || value === undefined || value === '' || value === false) continue;
    if (Array.isArray(value)) {
      if (value.length) params.set(key, value.join(','));
    } else params.set(key, value === true ? '1' : String(value));
  }
  const text = params.toString();
  return text ? `?${text}` : '';
}

export async function getJson<T>(path: string, query?: Query, signal?: AbortSignal): Promise<T> {
  return readJson<T>(await send('GET', path, { ...(query && { query }), ...(signal && { signal }) }));
}

export async function sendJson<T>(method: 'POST' | 'PUT' | 'PATCH' | 'DELETE', path: string, body?: unknown, signal?: AbortSignal): Promise<T> {
  return readJson<T>(await send(method, path, { body, ...(signal && { signal }) }));
}

/** Post JSON and take the answer as bytes: the frames of `/series`. */
export async function postForBytes(path: string, body: unknown, signal?: AbortSignal): Promise<ArrayBuffer> {
  const response = await send('POST', path, { body, ...(signal && { signal }) });
  return response.arrayBuffer();
}

/** Take part of a file as bytes; `range` is inclusive, in bytes. */
export async function getBytes(path: string, query?: Query, signal?: AbortSignal, range?: readonly [number, number]): Promise<ArrayBuffer> {
  const headers = range ? { Range: `bytes=${range[0]}-${range[1]}` } : undefined;
  const response = await send('GET', path, { ...(query && { query }), ...(signal && { signal }) }, headers);
  return response.arrayBuffer();
}

async function send(method: string, path: string, ask: Ask, extra: Record<string, string> = {}): Promise<Response> {
  const url = `${apiBase}${path}${queryString(ask.query)}`;
  const headers: Record<string, string> = { Accept: 'application/json', ...extra };
  if (ask.body !== undefined) headers['Content-Type'] = 'application/json';
  const init: RequestInit = { method, headers, credentials: 'same-origin' };
  if (ask.body !== undefined) init.body = JSON.stringify(ask.body);
  if (ask.signal) init.signal = ask.signal;
  const response = await reach(url, init);
  if (response.ok) return response;
  const error = await errorOf(response, path);
  if (response.status === 401) signedOut();
  throw error;
}

async function reach(url: string, init: RequestInit): Promise<Response> {
  try {
    return await fetch(url, init);
  } catch (cause) {
    if (init.signal?.aborted) throw cause;
    throw new ApiError('client.unreachable', `No answer from ${location.host}. Is \`everbloom ui\` still running? What is shown was kept.`, 0);
  }
}

async function readJson<T>(response: Response): Promise<T> {
  if (response.status === 204) return JSON.parse('null');
  return response.json();
}

async function errorOf(response: Response, path: string): Promise<ApiError> {
  const body: unknown = await response.json().catch(() => null);
  if (isErrorBody(body)) return new ApiError(body.error.code, body.error.message, response.status, body.error.fields ?? {});
  return new ApiError('client.not_json', `${apiBase}${path} answered ${response.status} without a reason.`, response.status);
}

function isErrorBody(value: unknown): value is ErrorBody {
  if (typeof value !== 'object' || value === null || !('error' in value)) return false;
  const { error } = value;
  return typeof error === 'object' && error !== null && 'code' in error && 'message' in error;
}

/** Say an unknown failure in words; an abort is no failure and gives null. */
export function toApiError(cause: unknown): ApiError | null {
  if (cause instanceof ApiError) return cause;
  if (cause instanceof DOMException && cause.name === 'AbortError') return null;
  return new ApiError('client.failed', cause instanceof Error ? cause.message : String(cause), 0);
}
