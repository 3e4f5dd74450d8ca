/** The calls of the process that have begun and not ended: one whose caller has left is there until its code has ended. */
class UnderWay {
  count = 0;
  /** Called when the last of them has ended. */
  onNone: (() => void) | undefined = undefined;

  begin(): void {
    this.count++;
  }

  end(): void {
    if (--this.count === 0) this.onNone?.();
  }
}

export const underWay = new UnderWay();
