import { describe, expect, it } from 'vitest'
import { begin, missing, revive, sent, type Field } from '../../src/desk/actions'

const field = (name: string, kind: Field['kind'], required = false): Field => ({ name, kind, required, label: name, label_en: name })

describe('forms of actions', () => {
  const fields = [field('answer', 'text', true), field('solved', 'flag', true), field('factual', 'flag'), field('rating', 'rating'), field('until', 'moment', true)]

  it('begin with what is most often so', () => {
    expect(begin(fields)).toEqual({ solved: true, rating: 5 })
  })

  it('send what is filled in, and nothing else', () => {
    const at = new Date('2026-03-02T01:30:00Z')
    expect(sent(fields, { answer: '', solved: false, rating: 3, until: at, stranger: 1 })).toEqual({ solved: false, rating: 3, until: at.toISOString() })
  })

  it('name what is missing', () => {
    expect(missing(fields, { solved: true }).map((f) => f.name)).toEqual(['answer', 'until'])
  })

  it('come back as they were kept', () => {
    const at = new Date('2026-03-02T01:30:00Z')
    const kept = JSON.parse(JSON.stringify({ answer: '写到一半', until: at, stranger: 1 })) as Record<string, unknown>
    expect(revive(fields, kept)).toEqual({ answer: '写到一半', until: at })
  })
})
