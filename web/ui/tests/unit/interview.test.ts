import { describe, expect, test } from 'vitest'
import { asked, complete } from '../../src/desk/interview'

const questions = [
  { name: 'solved', kind: 'single', text: '?', options: [], skips: [{ if: ['no'], to: 'why' }] },
  { name: 'score', kind: 'scale', text: '?', skips: [{ to: 'end' }] },
  { name: 'why', kind: 'open', text: '?', free: true },
]
const path = (answers: Record<string, string[]>) => asked(questions, answers).map((q) => q.name)

describe('an interview', () => {
  test('goes where the answers lead', () => {
    expect(path({})).toEqual(['solved'])
    expect(path({ solved: ['yes'] })).toEqual(['solved', 'score'])
    expect(path({ solved: ['yes'], score: ['4'] })).toEqual(['solved', 'score'])
    expect(path({ solved: ['no'] })).toEqual(['solved', 'why'])
  })
  test('is complete when nothing is left', () => {
    expect(complete(questions, { solved: ['yes'] })).toBe(false)
    expect(complete(questions, { solved: ['yes'], score: [] })).toBe(false)
    expect(complete(questions, { solved: ['yes'], score: ['4'] })).toBe(true)
    expect(complete(questions, { solved: ['no'], why: [] })).toBe(true)
  })
})
