import { ask } from './actions';

export default async function Page({ searchParams }: { searchParams: Promise<{ answer?: string }> }) {
  const { answer } = await searchParams;
  return (
    <form action={ask}>
      <p>{answer}</p>
      <input name="city" />
      <button type="submit">Ask</button>
    </form>
  );
}
