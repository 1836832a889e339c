import { describe, expect, it } from 'vitest'
import { formatTime, levelOf, spanOf } from '../../src/shared/time'

const clock = {
  running: true,
  yellow_at: '2026-11-23T10:00:00+08:00',
  red_at: '2026-11-23T15:00:00+08:00',
  due_at: '2026-11-23T17:30:00+08:00',
}
const at = (time: string) => new Date(time).getTime()

describe('levelOf', () => {
  it.each([
    ['2026-11-23T09:59:59.999+08:00', 'green'],
    ['2026-11-23T10:00:00+08:00', 'yellow'],
    ['2026-11-23T15:00:00+08:00', 'red'],
    ['2026-11-23T17:29:59.999+08:00', 'red'],
    ['2026-11-23T17:30:00+08:00', 'over'],
  ])('at %s is %s', (now, level) => expect(levelOf(clock, at(now))).toBe(level))

  it('keeps what a stopped clock reached', () => {
    const now = at('2026-12-31T00:00:00+08:00')
    expect(levelOf({ ...clock, running: false, stopped_at: '2026-11-23T17:30:00+08:00' }, now)).toBe('met')
    expect(levelOf({ ...clock, running: false, stopped_at: '2026-11-23T17:30:01+08:00' }, now)).toBe('late')
  })

  it('tells a paused clock from one that never started', () => {
    expect(levelOf({ ...clock, running: false }, at('2026-11-23T16:00:00+08:00'))).toBe('paused')
    expect(levelOf({ running: false }, at('2026-11-23T16:00:00+08:00'))).toBe('none')
  })
})

describe('spanOf', () => {
  it.each([
    [1, { unit: 'minutes', n: 1 }],
    [59 * 60_000, { unit: 'minutes', n: 59 }],
    [60 * 60_000, { unit: 'hours', n: 1 }],
    [-47 * 3_600_000, { unit: 'hours', n: 47 }],
    [48 * 3_600_000, { unit: 'days', n: 2 }],
  ])('%d ms', (length, span) => expect(spanOf(length)).toEqual(span))
})

it('speaks the time of the platform, whatever the computer says', () => {
  expect(formatTime('2026-11-22T18:30:00Z', 'zh')).toBe('11/23 02:30')
})
