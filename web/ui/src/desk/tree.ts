import type { Named } from './stores/session'

export interface Option {
  [other: string]: unknown
  value: string
  label: string
  children?: Option[]
}

/** Nodes with parents, as the options of a cascader, in the order given. */
export function treeOf(nodes: readonly Named[]): Option[] {
  const options = new Map(nodes.map((n) => [n.code, { value: n.code, label: n.name } as Option]))
  const roots: Option[] = []
  for (const n of nodes) {
    const option = options.get(n.code)!
    const parent = n.parent ? options.get(n.parent) : undefined
    if (parent) (parent.children ??= []).push(option)
    else roots.push(option)
  }
  return roots
}
