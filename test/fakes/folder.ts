/** Names directly in a folder, of files that are known by their whole paths. */
export function namesIn(paths: Iterable<string>, folder: string): string[] {
  const names = new Set<string>();
  for (const path of paths)
    if (path.startsWith(`${folder}/`)) names.add(path.slice(folder.length + 1).split('/')[0] as string);
  return [...names];
}
