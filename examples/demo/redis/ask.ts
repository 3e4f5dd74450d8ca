/** A request to the server. */
import { HttpError } from '../http-error.js';
import { time } from './record.js';

/** Which of the processes this is. */
const me = process.env.MEMBER ?? '0';

export async function ask(port: number, of: 'api' | 'archive', call: number, attempt: number): Promise<string> {
  const headers = { 'x-process': me, 'x-attempt': String(attempt), 'x-started': String(time()) };
  const response = await fetch(`http://127.0.0.1:${port}/${of}/${call}`, { headers });
  const text = await response.text();
  if (!response.ok) throw new HttpError(response.status, response.headers);
  return text;
}
