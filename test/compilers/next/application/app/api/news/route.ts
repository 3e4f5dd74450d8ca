import { policiesOf, statsOf } from 'opero';
import { News } from '../../../lib/news';

export const dynamic = 'force-dynamic';

export async function GET(): Promise<Response> {
  const answer = await new News().get('skiing');
  const { attempts } = statsOf(News, 'get');
  return Response.json({ answer, attempts, policies: policiesOf(News, 'get').map(({ kind }) => kind) });
}
