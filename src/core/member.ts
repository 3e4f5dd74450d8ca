/** A member as its decorators see it: its name and place, and what holds its record. */
export interface Member {
  readonly name: PropertyKey;
  readonly placement: Placement;
  /** The metadata of the class that decorates it, or the prototype whose undecorated override was linked. */
  readonly holder: object;
}

/** Where a member stands; a static and an instance member may share a name. */
export type Placement = 'instance' | 'static' | 'private' | 'private static';

/** Whether only code of the class that declares it can reach it; so it is inherited by none. */
export const isPrivate = ({ placement }: Pick<Member, 'placement'>): boolean => placement.startsWith('private');
