import { createHash } from 'node:crypto';
// The page's script, bundled by `npm run build:page`.
import script from '../../build/view/page.txt';
import base from './page/base.css';
import detail from './page/detail.css';
import halfScreen from './page/half-screen.css';
import header from './page/header.css';
import list from './page/list.css';
import marks from './page/marks.css';
import html from './page/page.html';
import shared from './page/shared.css';
import sharedNarrow from './page/shared-narrow.css';
import telephone from './page/telephone.css';

const hashOf = (text: string): string => `'sha256-${createHash('sha256').update(text).digest('base64')}'`;

// What is for small screens comes last: it stands over the rest.
const style = [base, header, list, marks, shared, detail, halfScreen, sharedNarrow, telephone].join('\n').trim();
const program = script.trim();

/** The page, whole: it loads nothing else. */
export const document = html.replace('/* style */', () => style).replace('/* script */', () => program);

/** What the page may do: run the style and the script in it, ask its own server, and nothing else; write no HTML at all. */
export const contentSecurityPolicy = [
  "default-src 'none'",
  `script-src ${hashOf(program)}`,
  `style-src ${hashOf(style)}`,
  "connect-src 'self'",
  'img-src data:',
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
  "trusted-types 'none'",
].join('; ');
