const second = 1000;
/** After a longer sleep of the machine the rest of it is left out. */
const most = 600;

/** Tells once a second how many seconds are over: more than one where the program was too busy. Holds no program alive. */
export function everySecond(tell: (seconds: number) => void): () => void {
  let due = performance.now() + second;
  let timer: NodeJS.Timeout;
  const look = (): void => {
    const late = performance.now() - due;
    const seconds = 1 + Math.max(0, Math.floor(late / second));
    due += seconds * second;
    wait();
    tell(Math.min(most, seconds));
  };
  const wait = (): void => {
    timer = setTimeout(look, Math.max(0, due - performance.now()));
    timer.unref();
  };
  wait();
  return () => clearTimeout(timer);
}
