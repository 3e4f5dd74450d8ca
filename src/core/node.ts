/** A module of Node's own, loaded when it is needed: to import them all takes as long as to import the rest of opero. */
export const node: typeof process.getBuiltinModule = (name: string) => process.getBuiltinModule(name) as never;
