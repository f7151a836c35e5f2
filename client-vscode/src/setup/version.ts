/** Whether two versions go together: pure. */

/** Whether major and minor of two versions are the same; what is no version matches nothing. */
export function isSameVersion(one: string, other: string): boolean {
  const first = short(one);
  return first !== undefined && first === short(other);
}

function short(version: string): string | undefined {
  return /^v?(\d+\.\d+)(\.|$|[a-z+-])/.exec(version)?.[1];
}
