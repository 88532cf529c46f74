// The part that we use of a package that ships no types.
declare module "fs-native-extensions" {
  /** Takes an exclusive lock on the whole file (an open file description lock); false when another has it. */
  export function tryLock(fd: number): boolean;
}
